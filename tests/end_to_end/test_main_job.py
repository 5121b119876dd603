"""`kedro run`, from the command line, on a small setting of the embedded sample."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
from mlflow.tracking import MlflowClient

from project_copy import copy_project, environment, run_kedro, tables

pytestmark = pytest.mark.slow

STEPS = (
    "ingest",
    "graphs",
    "label_statistics",
    "predictors",
    "scoring",
    "insight",
    "building",
    "search",
    "evaluation",
    "reporting",
)

UP_TO_SEARCH = "ingest,graphs,label_statistics,predictors,scoring,building,search"
"""The steps that the search needs, and itself."""

RUN_ALONE = f"""
from pathlib import Path
from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project

bootstrap_project(Path.cwd())
for step in {STEPS!r}:
    with KedroSession.create(Path.cwd(), env="small", runtime_params={{"space": "ofa_pn"}}) as session:
        session.run(pipeline_names=[step])
"""


def test_it_prints_what_each_variant_reached_and_where_to_look(finished: tuple[Path, str]) -> None:
    _, printed = finished
    for words in (
        "surrogate labels",
        "layer_full",
        "autobuild_nas",
        "training_set",
        "hypervolume",
        "make mlflow",
        "report.html",
    ):
        assert words in printed


def test_every_variant_has_a_row_for_every_problem(finished: tuple[Path, str]) -> None:
    for space in ("ofa_mbv3", "ofa_pn"):
        comparison = tables(finished[0], space)["comparison"]
        expected = {"layer_full", "layer_insight", "stage_full", "autobuild_nas_eq5", "autobuild_nas", "training_set"}
        assert expected <= set(comparison["variant"])
        assert (comparison["label_kind"] == "surrogate").all()


def test_mlflow_has_the_run_with_its_parameters_metrics_files_and_origin(finished: tuple[Path, str]) -> None:
    client = MlflowClient(f"sqlite:///{finished[0]}/mlflow.db")
    experiment = client.get_experiment_by_name("autobuild")
    assert experiment is not None
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.info.status == "FINISHED"
    assert run.info.run_name == "autobuild_nas ofa_mbv3+ofa_pn (small)"
    assert run.data.params["ofa_mbv3.predictors.training.epochs"] == "2"
    assert run.data.params["ofa_pn.seed"] == "2024"
    tags = {"git_revision", "data_sha256.ofa_mbv3.raw_samples", "version.torch", "save_version", "env"}
    assert tags <= run.data.tags.keys()
    learned = {f"ofa_mbv3/predictors/held_out/{model}/spearman/acc" for model in ("autobuild", "ridge")}
    found = {"ofa_pn/search/cpu/hypervolume_mean/autobuild_nas", "headline/ofa_pn/cpu.best_hypervolume"}
    assert learned | found <= run.data.metrics.keys()
    assert len(client.get_metric_history(run.info.run_id, "ofa_mbv3/training/loss/acc")) == 2
    pages = {file.path for file in client.list_artifacts(run.info.run_id, "figures")}
    assert pages == {"figures/ofa_mbv3.html", "figures/ofa_pn.html"}
    page = Path(client.download_artifacts(run.info.run_id, "figures/ofa_mbv3.html")).read_text()
    assert 'id="pareto_cpu_figure"' in page
    assert 'src="https://cdn.plot.ly/plotly' not in page
    assert "report.html" in {file.path for file in client.list_artifacts(run.info.run_id)}
    models = client.search_logged_models([experiment.experiment_id])
    assert {model.name for model in models} == {"ofa_mbv3_predictors", "ofa_pn_predictors"}


def test_the_description_of_the_run_says_what_was_found_and_of_which_labels(finished: tuple[Path, str]) -> None:
    client = MlflowClient(f"sqlite:///{finished[0]}/mlflow.db")
    run = client.search_runs([experiment.experiment_id for experiment in client.search_experiments()])[-1]
    told = run.data.tags["mlflow.note.content"]
    best = run.data.metrics["headline/ofa_pn/cpu.best_hypervolume"]
    assert f"**ofa_pn** (surrogate labels): cpu hypervolume **{best:.2f}**" in told
    assert run.data.tags["label_kind"] == "surrogate"
    assert run.data.tags["targets"] == "acc,acc_per_cpu,balanced"


def test_the_version_of_the_files_is_the_save_version_of_the_mlflow_run(finished: tuple[Path, str]) -> None:
    project, _ = finished
    client = MlflowClient(f"sqlite:///{project}/mlflow.db")
    run = client.search_runs([experiment.experiment_id for experiment in client.search_experiments()])[0]
    versions = {path.parent.name for path in project.glob("data/0[2-8]_*/*/*.parquet/*/*.parquet")}
    assert versions == {run.data.tags["save_version"]}


def test_the_registry_lists_every_step(finished: tuple[Path, str]) -> None:
    listed = run_kedro(finished[0], "registry", "list").stdout
    for step in (*STEPS, "evaluate_architectures", "autobuild_nas", "make_sample", "__default__"):
        assert f"- {step}\n" in listed


def test_the_lineage_can_be_built_as_a_page(finished: tuple[Path, str], tmp_path: Path) -> None:
    project = tmp_path / "project"
    shutil.copytree(finished[0], project)
    done = run_kedro(project, "viz", "build", "--include-previews")
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    page = (project / "build" / "api" / "main").read_text()
    assert "ofa_pn.module_scores" in page
    assert '"reporting"' in page


def test_every_step_runs_alone_from_saved_inputs_and_gives_the_same_tables(
    finished: tuple[Path, str], tmp_path: Path
) -> None:
    project = copy_project(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", RUN_ALONE],
        cwd=project,
        env=environment(project, PYTHONHASHSEED="7"),
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert_same(tables(finished[0], "ofa_pn"), tables(project, "ofa_pn"))


def test_runs_that_are_killed_within_a_node_leave_nothing_that_changes_the_next(
    finished: tuple[Path, str], tmp_path: Path
) -> None:
    project = copy_project(tmp_path)
    kill_within(project, "train_predictors", "space=ofa_mbv3,predictors.training.epochs=1000000")
    assert not list(project.glob("data/06_models/**/*.json"))
    kill_within(project, "search_architectures", "space=ofa_mbv3,search.seeds=1000000")
    assert not list(project.glob("data/07_model_output/*/evaluations.parquet/**/*.parquet"))
    done = run_kedro(project, "run", "--env=small", f"--pipelines={UP_TO_SEARCH}", "--params=space=ofa_mbv3")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert not list(project.glob("data/**/*.part"))
    found = tables(project, "ofa_mbv3")
    assert {"predictions", "module_scores", "evaluations"} <= found.keys()
    never_killed = tables(finished[0], "ofa_mbv3")
    assert_same({name: never_killed[name] for name in found}, found)


def kill_within(project: Path, node: str, params: str) -> None:
    """Kill a run in a node that would take for ever with these parameters."""
    process = subprocess.Popen(
        [sys.executable, "-m", "kedro", "run", "--env=small", f"--pipelines={UP_TO_SEARCH}", f"--params={params}"],
        cwd=project,
        env=environment(project, PYTHONUNBUFFERED="1"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    try:
        assert any(node in line for line in process.stdout), "the run ended before it could be killed"
        time.sleep(1)  # into the node
        assert process.poll() is None
    finally:
        process.send_signal(signal.SIGKILL)
        process.stdout.close()
        process.wait()


def test_the_committed_sample_is_made_again_byte_for_byte(tmp_path: Path) -> None:
    project = copy_project(tmp_path)
    sample = project / "data" / "01_raw" / "sample"
    committed = {path.name: path.read_bytes() for path in sample.glob("ofa_*.csv")}
    for name in committed:
        (sample / name).unlink()
    for chosen in ([], ["--params=space=ofa_mbv3_panoptic"], ["--params=space=ofa_pn_panoptic"]):
        done = run_kedro(project, "run", "--pipeline=make_sample", *chosen)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert {path.name: path.read_bytes() for path in sample.glob("ofa_*.csv")} == committed


def assert_same(first: dict[str, pd.DataFrame], second: dict[str, pd.DataFrame]) -> None:
    assert first.keys() == second.keys()
    for name, table in first.items():
        pd.testing.assert_frame_equal(table, second[name], check_exact=True, obj=name)
