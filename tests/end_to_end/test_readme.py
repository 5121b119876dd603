"""Every command of README.md, from its text, in a copy of the project and with tiny settings."""

from __future__ import annotations

import random
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from autobuild_pipelines.evaluators import EvaluationLedger
from autobuild_pipelines.ingestion import ingest_records, read_records
from autobuild_pipelines.spaces import SearchSpace
from project_copy import PROJECT, copy_project, run_kedro, tables
from servers import BROWSERS, fetch, serving

pytestmark = pytest.mark.slow

README = (PROJECT / "README.md").read_text()
TINY = (
    "predictors.model.hidden=8,predictors.training.epochs=2,scoring.contexts=2,scoring.min_count=1,building.top=5,"
    "building.count=3,search.initial=6,search.iterations=1,search.per_iteration=6,search.seeds=2,search.guided.drawn=50,"
    "search.guided.generations=2,search.guided.generations_later=1,search.guided.children=50,design.count=2,design.best=5"
)
SERVERS = {"make viz": "4141", "make mlflow": "5000"}
RECIPES = {
    "make run": ".venv/bin/kedro run ",
    "make test": "OMP_NUM_THREADS=1 .venv/bin/python -m pytest ",
    "make lint": ".venv/bin/mypy",
    "make docs": ".venv/bin/mkdocs build --strict ",
    "make viz": ".venv/bin/kedro viz run ",
    "make mlflow": ".venv/bin/kedro mlflow ui ",
}
OTHERS = {
    "evaluated_architectures",
    "designed_targets",
    "target_equations",
    "hypervolume_curves",
    "method_comparison",
    "best_under_caps",
}
"""Tables of pipelines that are not part of the main job."""
OF_OTHER_TESTS = {
    "kedro run --params=seed=7,predictors.training.epochs=20": "conftest.py",
    "kedro run --pipeline=panoptic": "end_to_end/test_panoptic.py",
    "kedro run --pipeline=sd_inpainting": "end_to_end/test_sd_inpainting.py",
    "kedro run --pipeline=compare_methods --params=space=ofa_mbv3": "end_to_end/test_compare_methods.py",
}
"""Jobs of minutes, and the files whose tests run them and look at what they made."""
NEW_SPACE = "kedro new-space ../my_space.csv"
OWN_SPACE = "kedro run --params=space=my_space"


def blocks(language: str, text: str = README) -> list[str]:
    """The contents of the fenced blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


COMMANDS = [line for block in blocks("bash") for line in block.splitlines()]
MEASURED = [line for line in COMMANDS if "--env=measured" in line]
PUBLISHED = next(line for line in COMMANDS if "--env=published" in line)
ON_SAMPLE = [line for line in COMMANDS if line.startswith("kedro run") and line not in (OWN_SPACE, *MEASURED)]


def kedro(project: Path, command: str, *more: str, **variables: str) -> str:
    """Run a `kedro ...` line of the README and return what it printed."""
    given = command.removeprefix("kedro ").split()
    overridden = [word.removeprefix("--params=") for word in given if word.startswith("--params=")]
    words = [word for word in given if not word.startswith("--params=")]
    if words[0] == "run":
        words.append("--params=" + ",".join([TINY, *overridden, *more]))
    done = run_kedro(project, *words, **variables)
    assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
    return done.stdout


def test_every_command_is_one_that_this_file_runs() -> None:
    assert set(COMMANDS) == {*RECIPES, *ON_SAMPLE, *MEASURED, NEW_SPACE, OWN_SPACE, PUBLISHED, "kedro registry list"}


@pytest.mark.parametrize("command", RECIPES)
def test_a_make_target_runs_what_it_should_after_setting_up(tmp_path: Path, command: str) -> None:
    for part in ("Makefile", "pyproject.toml", "requirements.lock"):
        shutil.copy(PROJECT / part, tmp_path / part)
    arguments = ["make", "--no-print-directory", "-n", *command.split()[1:], f"PYTHON={sys.executable}"]
    done = subprocess.run(arguments, cwd=tmp_path, capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    installed = next(n for n, line in enumerate(lines) if "pip install" in line and "requirements.lock" in line)
    assert any(line.startswith(RECIPES[command].strip()) for line in lines[installed:])


def test_make_finds_the_programs_of_its_environment_by_name(tmp_path: Path) -> None:
    # `kedro mlflow ui` starts `mlflow`.
    shutil.copy(PROJECT / "Makefile", tmp_path)
    arguments = ["make", "--no-print-directory", "--eval", "path: ; @echo $$PATH", "path"]
    done = subprocess.run(arguments, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"{tmp_path}/.venv/bin:")


@pytest.mark.parametrize("command", OF_OTHER_TESTS)
def test_a_long_job_is_run_by_tests_of_its_own(command: str) -> None:
    assert command in ON_SAMPLE
    words = re.findall(r"--pipeline=\w+|space=\w+|seed=\d+", command)
    tests = (PROJECT / "tests" / OF_OTHER_TESTS[command]).read_text()
    assert all(word in tests for word in words)


@pytest.mark.parametrize("command", [line for line in ON_SAMPLE if line not in OF_OTHER_TESTS])
def test_a_command_runs_on_the_sample(finished: tuple[Path, str], tmp_path: Path, command: str) -> None:
    project = tmp_path / "project"
    shutil.copytree(finished[0], project)
    heads = [f"{space}.source.filepath={space}_head.csv" for space in ("ofa_mbv3", "ofa_pn")]
    one_space = [] if "space=" in command else ["space=ofa_pn"]
    kedro(project, command, *heads, *one_space)


def test_the_pipelines_of_the_table_are_those_of_the_registry(finished: tuple[Path, str]) -> None:
    listed = set(yaml.safe_load(kedro(finished[0], "kedro registry list")))
    assert set(re.findall(r"^\| `(\w+)` \|", README, re.MULTILINE)) == listed - {"__default__"}


def test_the_folders_of_the_table_hold_what_it_says(finished: tuple[Path, str]) -> None:
    rows = re.findall(r"^\| `(data/0[2-8]_\w+)/<space>/` \| (.*) \|$", README, re.MULTILINE)
    assert len(rows) == 6
    for folder, content in rows:
        for name in re.findall(r"`(\w+)`", content):
            if name not in OTHERS:
                assert list(finished[0].glob(f"{folder}/ofa_pn/{name}*")), f"{folder}: {name}"


@pytest.mark.skipif(any(map(shutil.which, BROWSERS)), reason="tests/browser look at the pages themselves")
@pytest.mark.parametrize("command", SERVERS)
def test_a_server_shows_its_page(finished: tuple[Path, str], tmp_path: Path, command: str) -> None:
    project = tmp_path / "project"
    shutil.copytree(finished[0], project)
    words = RECIPES[command].split()[1:]
    assert f"http://127.0.0.1:{SERVERS[command]}" in README
    browser = ["--no-browser"] if "viz" in words else []
    with serving(project, *words, *browser) as address:
        assert "<html" in fetch(address).lower()


def test_the_example_record_is_an_architecture_of_the_space(ofa_mbv3: SearchSpace, tmp_path: Path) -> None:
    # tests/end_to_end/test_user_input.py prices such a file.
    (tmp_path / "mine.jsonl").write_text(next(block for block in blocks("json") if "mbconv3" in block))
    read = ingest_records(ofa_mbv3, read_records(str(tmp_path / "mine.jsonl")))
    assert (len(read.architectures), len(read.rejected)) == (1, 0)


def test_a_table_is_all_that_a_space_of_ones_own_needs(tmp_path: Path) -> None:
    project = copy_project(tmp_path / "project")
    (example,) = blocks("csv")
    (tmp_path / "my_space.csv").write_text(example + "".join(made_up_rows(100)))
    printed = kedro(project, NEW_SPACE)
    assert "more is better: acc; less is better: latency_ms" in printed
    assert OWN_SPACE in printed
    for path in re.findall(r"conf/local/\w+/my_space\.yml", printed):
        assert (project / path).is_file()
    kedro(project, OWN_SPACE, "predictors.ensemble=1,search.seeds=1,insight.cards.top=1")
    found = tables(project, "my_space")
    assert len(found["architectures"]) == 102
    assert set(found["module_scores"]["unit"]) == {1, 2, 3}
    best = found["module_scores"][lambda table: table["rank"] == 1]
    assert set(best["target"]) == {"acc", "acc_for_latency_ms"}
    assert {"layer_full", "stage_full", "autobuild_nas"} <= set(found["comparison"]["variant"])


def test_the_commands_that_measure_this_machine_follow_each_other(tmp_path: Path) -> None:
    project = copy_project(tmp_path)
    settings = (
        "space=ofa_mbv3,ofa_mbv3.source.filepath=ofa_mbv3_head.csv,measure_latency.count=10,fan_out.backend=sequential,"
        "latency.repeats=1,latency.warm_up=0,latency_predictors.held_out=0.2,latency_predictors.training.epochs=2,"
        "latency_predictors.model.hidden=8,predictors.ensemble=1,building.count=1,search.seeds=1,insight.cards.top=1"
    )
    for command in MEASURED:
        printed = kedro(project, command, settings)
    assert "Measured latency of what was built: 3 networks" in printed
    found = tables(project, "ofa_mbv3")
    predicted = found["architectures"]["latency_cpu_ms"]
    assert not np.allclose(predicted, found["ingested_architectures"]["latency_cpu_ms"])
    assert "latency_cpu_ms: latency_predictor" in found["evaluations"]["metric_sources"].iloc[0]
    with EvaluationLedger(f"sqlite:///{project}/data/01_raw/measured/evaluations.db") as ledger:
        recorded = ledger.table("latency")
    built = set(found["verified_architectures"]["architecture_id"])
    assert built <= set(recorded["architecture_id"])
    assert len(recorded) > 10  # the sample, and what was built


@pytest.mark.reference
def test_the_published_command_runs_on_the_published_caches_with_the_released_predictors(
    tmp_path: Path, reference_dir: Path
) -> None:
    project = copy_project(tmp_path)
    assignments, command = re.match(r"((?:\w+=\S+ )+)(kedro .*)", PUBLISHED).groups()  # type: ignore[union-attr]
    names = re.findall(r"(\w+)=", assignments)
    folders = dict(
        zip(names, (str(reference_dir / "autobuild"), str(reference_dir / "autobuild" / "l1_models")), strict=True)
    )
    # The other space's released predictors are searched with in search/test_released_search.py.
    once = "space=ofa_pn,predictors.training.epochs=1,scoring.contexts=1,search.seeds=1"
    kedro(project, command, once, **folders)
    found = tables(project, "ofa_pn")
    assert len(found["architectures"]) == 3000
    assert (found["evaluations"]["resolution"] == 224).all()
    assert found["evaluations"]["metric_sources"].str.contains("released_predictor").all()
    assert set(found["comparison"]["problem"]) == {"gpu", "cpu", "npu"}
    assert set(found["comparison"]["label_kind"]) == {"published"}


def test_the_pictures_are_there_and_small() -> None:
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", README)
    assert len(pictures) == 2
    for picture in pictures:
        assert 0 < (PROJECT / picture).stat().st_size < 400_000


def made_up_rows(count: int) -> list[str]:
    """Rows of the example's table, all different."""
    rng = random.Random(0)
    rows: dict[str, str] = {}
    while len(rows) < count:
        units = [
            [(rng.choice([1, 4, 6]), rng.choice([3, 5])) for _ in range(rng.randint(least, most))]
            for least, most in ((1, 2), (2, 3), (1, 2))
        ]
        size = sum(expand * kernel for unit in units for expand, kernel in unit)
        text = " | ".join(" ".join(f"e{expand}_k{kernel}" for expand, kernel in unit) for unit in units)
        rows[text] = f"{text},{0.8 - 1 / (size + 4):.4f},{1 + size / 12:.3f}\n"
    return list(rows.values())
