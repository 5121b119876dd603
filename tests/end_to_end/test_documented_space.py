"""The space that docs/own_space.md writes by hand runs as it stands there."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest
import yaml

from project_copy import PROJECT, copy_project, run_kedro, tables

pytestmark = pytest.mark.slow

GUIDE = (PROJECT / "docs" / "own_space.md").read_text()


STEPS = "ingest,label_statistics,graphs,predictors,scoring,building,search,evaluation"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project in which searches ran in the guide's space, and in one with its settings for few rows."""
    project = copy_project(tmp_path_factory.mktemp("guide") / "project")
    files = re.findall(r"^`(conf/local/\w+/my_space\.yml)`.*?\n\n```yaml\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
    assert len(files) == 2
    for path, content in files:
        (project / path).parent.mkdir(parents=True)
        (project / path).write_text(content)
    (rows,) = re.findall(r"```csv\n(.*?)```", GUIDE, re.DOTALL)
    table = project / yaml.safe_load(files[1][1])["my_space"]["source"]["filepath"]
    table.write_text(rows + made_up_rows(120))
    (few,) = [block for block in re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL) if "autobuild_nas_eq5" in block]
    local = {"spaces": ["my_space", "ofa_pn"], "ofa_pn": yaml.safe_load(few)["my_space"]}
    (project / "conf" / "local" / "parameters.yml").write_text(yaml.safe_dump(local))
    settings = f"ofa_pn.source.filepath=ofa_pn_head.csv,{SMALL}"
    done = run_kedro(project, "run", "--env=local", f"--pipelines={STEPS}", f"--params={settings}")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return project


def test_the_files_of_the_guide_declare_a_space_that_every_variant_searches(project: Path) -> None:
    comparison = tables(project, "my_space")["comparison"]
    variants = {"layer_full", "layer_insight", "stage_full", "autobuild_nas_eq5", "autobuild_nas"}
    assert variants <= set(comparison["variant"])


def test_the_settings_for_few_rows_leave_eq_5_out(project: Path) -> None:
    found = tables(project, "ofa_pn")
    assert set(found["module_scores"]["method"]) == {"contextual"}
    assert "autobuild_nas_eq5" not in set(found["comparison"]["variant"])


SMALL = (
    "predictors.model.hidden=8,predictors.training.epochs=2,predictors.ensemble=1,scoring.contexts=2,scoring.min_count=1,"
    "building.top=5,building.count=3,search.initial=6,search.iterations=1,search.per_iteration=6,search.seeds=1,"
    "search.guided.drawn=50,search.guided.generations=2,search.guided.generations_later=1,search.guided.children=50"
)


def made_up_rows(count: int) -> str:
    """Rows of the guide's table, all different."""
    rng = random.Random(1)
    rows: dict[str, str] = {}
    while len(rows) < count:
        units = [
            [(rng.choice([1, 4, 6]), rng.choice([3, 5])) for _ in range(rng.randint(1, most))] for most in (2, 3, 2)
        ]
        size = sum(expand * kernel for unit in units for expand, kernel in unit)
        text = " | ".join(" ".join(f"e{expand}_k{kernel}" for expand, kernel in unit) for unit in units)
        rows[text] = f"{text},{0.8 - 1 / (size + 4):.4f},{1 + size / 12:.3f}\n"
    return "".join(rows.values())
