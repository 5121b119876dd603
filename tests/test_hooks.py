"""What a run leaves in MLflow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
import pytest
import yaml
from kedro.framework.context import KedroContext
from kedro.framework.hooks.manager import _create_hook_manager
from kedro.io import DataCatalog
from kedro.pipeline import Pipeline, node
from kedro.runner import SequentialRunner
from mlflow.entities import Run
from mlflow.tracking import MlflowClient

from autobuild_pipelines.config import LayeredConfigLoader
from autobuild_pipelines.hooks import TrackingHooks, saved_path
from autobuild_pipelines.settings import CONFIG_LOADER_ARGS

CATALOG = {
    "{space}.scores": {
        "type": "kedro_datasets.pandas.ParquetDataset",
        "filepath": "data/{space}/scores.parquet",
        "versioned": True,
        "metadata": {"mlflow": {"artifact_path": "tables", "metrics": {"keys": ["target"], "step": "epoch"}}},
    },
    "{space}.{name}_figure": {
        "type": "kedro_datasets.plotly.JSONDataset",
        "filepath": "data/{space}/{name}.json",
        "metadata": {"mlflow": {"artifact_path": "figures"}},
    },
}
PARAMETERS = {
    "spaces": ["a"],
    "search": {"budget": 250},
    "a": {"space": {"units": [1, 2]}, "targets": {"acc": "acc"}, "label_kind": "measured"},
}


class Hashed(list[int]):
    sha256 = "cafe"


def score(search: dict[str, int]) -> tuple[pd.DataFrame, Any]:
    import plotly.graph_objects as go

    return pd.DataFrame({"target": ["acc", "acc"], "epoch": [1, 2], "loss": [0.5, 0.25]}), go.Figure()


def fail(search: dict[str, int]) -> pd.DataFrame:
    raise ValueError("no")


def pipeline_of(function: Any, outputs: Any) -> Pipeline:
    return Pipeline([node(function, "params:search", outputs, name="score")], namespace="a")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    base = folder / "conf" / "base"
    base.mkdir(parents=True)
    (folder / "conf" / "local").mkdir()
    (base / "parameters.yml").write_text(yaml.safe_dump(PARAMETERS))
    (base / "catalog.yml").write_text(yaml.safe_dump(CATALOG))
    tracking = {"experiment": {"name": "autobuild"}, "run": {"nested": False}}
    server = {"mlflow_tracking_uri": f"sqlite:///{folder}/mlflow.db"}
    kwargs = {"artifact_location": str(folder / "mlartifacts")}
    tracking["experiment"]["create_experiment_kwargs"] = kwargs
    (base / "mlflow.yml").write_text(yaml.safe_dump({"server": server, "tracking": tracking}))
    return folder


@pytest.fixture(autouse=True)
def _no_run_left_open() -> Iterator[None]:
    yield
    while mlflow.active_run():
        mlflow.end_run()


def run(project: Path, pipeline: Pipeline, version: str) -> Run:
    """Run a pipeline as a Kedro session does, and return its MLflow run."""
    arguments = {**CONFIG_LOADER_ARGS, "project_conf": project / "conf"}
    manager = _create_hook_manager()
    manager.register(TrackingHooks())
    loader = LayeredConfigLoader(project / "conf", **arguments)
    context = KedroContext(project, loader, "base", "autobuild_pipelines", manager)
    manager.hook.after_context_created(context=context)
    catalog = context._get_catalog(DataCatalog, save_version=version)
    run_params = {
        "run_id": version,
        "project_path": str(project),
        "env": "base",
        "pipeline_names": ["__default__"],
        "runtime_params": {"search": {"budget": 250}},
        **dict.fromkeys(("tags", "node_names", "from_nodes", "to_nodes", "from_inputs", "load_versions")),
    }
    common = {"run_params": run_params, "pipeline": pipeline, "catalog": catalog}
    manager.hook.before_pipeline_run(**common)
    try:
        result = SequentialRunner().run(pipeline, catalog, manager)
    except ValueError as error:
        manager.hook.on_pipeline_error(error=error, **common)
    else:
        manager.hook.after_pipeline_run(run_result=result, **common)
    client = MlflowClient(f"sqlite:///{project}/mlflow.db")
    experiment = client.get_experiment_by_name("autobuild")
    assert experiment is not None
    return client.search_runs([experiment.experiment_id], f"tags.save_version = '{version}'")[0]


@pytest.fixture(scope="module")
def finished(project: Path) -> Run:
    return run(project, pipeline_of(score, ["scores", "loss_figure"]), "2024-01-01T00.00.00.000Z")


def client(project: Path) -> MlflowClient:
    return MlflowClient(f"sqlite:///{project}/mlflow.db")


def test_a_run_is_named_after_pipeline_spaces_environment_and_what_was_set(finished: Run) -> None:
    assert finished.info.run_name == "autobuild_nas a (base) search.budget=250"
    assert finished.info.status == "FINISHED"


def test_a_run_says_where_it_comes_from(finished: Run) -> None:
    tags = finished.data.tags
    assert (tags["spaces"], tags["targets"], tags["label_kind"]) == ("a", "acc", "measured")
    assert tags["env"] == "base"
    assert tags["runtime_params"] == "{'search': {'budget': 250}}"
    assert tags["git_dirty"] == "false"
    assert {"git_revision", "version.torch", "version.autobuild-pipelines"} <= tags.keys()


def test_a_run_that_compared_nothing_is_described_by_what_it_saved(finished: Run) -> None:
    assert "Saved: `scores`." in finished.data.tags["mlflow.note.content"]


def test_the_parameters_that_nodes_read_are_flat_and_the_declaration_is_a_file(project: Path, finished: Run) -> None:
    assert finished.data.params == {"a.search.budget": "250"}
    text = client(project).download_artifacts(finished.info.run_id, "parameters.yml")
    assert yaml.safe_load(Path(text).read_text())["a"]["space"] == {"units": [1, 2]}


def test_cells_of_a_saved_table_become_metrics_with_steps(project: Path, finished: Run) -> None:
    history = client(project).get_metric_history(finished.info.run_id, "a/acc/loss")
    assert [(point.step, point.value) for point in history] == [(1, 0.5), (2, 0.25)]


def test_saved_files_become_artifacts_and_figures_become_pages(project: Path, finished: Run) -> None:
    def files(folder: str) -> list[str]:
        return [file.path for file in client(project).list_artifacts(finished.info.run_id, folder)]

    assert files("tables/a") == ["tables/a/scores.parquet"]
    assert files("figures") == ["figures/a.html"]


def test_a_failed_run_ends_failed_and_says_what_failed(project: Path) -> None:
    failed = run(project, pipeline_of(fail, "scores"), "2024-01-02T00.00.00.000Z")
    assert failed.info.status == "FAILED"
    assert "**Failed** in node `a.score`: ValueError\n\n> no\n" in failed.data.tags["mlflow.note.content"]


def test_a_hashed_input_leaves_its_hash(project: Path) -> None:
    hooks = TrackingHooks()
    entry = {"type": "MemoryDataset", "metadata": {"mlflow": {"hash": True}}}
    hooks.after_catalog_created(catalog=DataCatalog.from_config({"a.raw": entry}), parameters={}, save_version=None)
    recorded: dict[str, str] = {}

    class Client:
        def set_tag(self, run_id: str, name: str, value: str) -> None:
            recorded[name] = value

    hooks.run_id = "run"
    hooks.mlflow_config = type("C", (), {"server": type("S", (), {"_mlflow_client": Client()})})
    hooks.after_dataset_loaded(dataset_name="a.raw", data=Hashed())
    assert recorded == {"data_sha256.a.raw": "cafe"}


def test_the_path_of_a_versioned_dataset_is_that_of_its_version(tmp_path: Path) -> None:
    entry = {"type": "kedro_datasets.pandas.ParquetDataset", "filepath": str(tmp_path / "t.parquet"), "versioned": True}
    catalog = DataCatalog.from_config({"t": entry}, save_version="v1")
    catalog.save("t", pd.DataFrame({"a": [1]}))
    assert saved_path(catalog["t"]) == str(tmp_path / "t.parquet" / "v1" / "t.parquet")
