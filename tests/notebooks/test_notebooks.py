"""The notebooks run from top to bottom in a copy of the project, and show what is in its tables and records."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from project_copy import PROJECT, copy_project, environment, tables

pytestmark = pytest.mark.slow

NOTEBOOKS = sorted((PROJECT / "notebooks").glob("*.ipynb"))
PLOTLY = "application/vnd.plotly.v1+json"


def read(name: str) -> nbformat.NotebookNode:
    (path,) = (PROJECT / "notebooks").glob(f"{name}_*.ipynb")
    return nbformat.read(path, as_version=4)


def execute(notebook: nbformat.NotebookNode, project: Path) -> None:
    """Run all cells with the project's folder as working directory."""
    client = NotebookClient(
        notebook, timeout=900, kernel_name="python3", resources={"metadata": {"path": str(project)}}
    )
    client.execute(env=environment(project))


def run(name: str, project: Path, asked: str) -> tuple[nbformat.NotebookNode, Any]:
    """The executed notebook, and what an expression is at its end, which JSON must be able to say."""
    notebook = read(name)
    end = nbformat.v4.new_code_cell(f"import json\nprint(json.dumps({asked}))")
    notebook.cells.append(end)
    execute(notebook, project)
    return notebook, json.loads("".join(output["text"] for output in end.outputs))


def figures(notebook: nbformat.NotebookNode) -> list[str]:
    """The titles of all figures that cells showed."""
    shown = [output.get("data", {}) for cell in notebook.cells for output in cell.get("outputs", [])]
    return [data[PLOTLY]["layout"]["title"]["text"] for data in shown if PLOTLY in data]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_committed_notebook_has_no_outputs(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert code
    assert [cell.id for cell in code if cell.outputs or cell.execution_count is not None] == []


def test_the_tour_shows_the_tables_of_the_run(finished: tuple[Path, str]) -> None:
    asked = """{
        "quality": quality["autobuild"].to_dict(),
        "leaders": len(leaders),
        "units": units.map(len).to_dict(),
        "front": [best, len(front)],
        "versions": sorted(versions),
        "report": str(path),
    }"""
    notebook, told = run("01", finished[0], asked)
    saved = tables(finished[0], "ofa_mbv3")
    held_out = saved["predictor_metrics"].query("split == 'held_out' and metric == 'spearman' and model == 'autobuild'")
    assert told["quality"] == pytest.approx(dict(zip(held_out["target"], held_out["value"], strict=True)))
    assert told["leaders"] == len(saved["module_leaders"].query("method == 'contextual'"))
    assert told["units"] == {"acc": 5, "acc_per_cpu": 5, "balanced": 5}
    searched = saved["comparison"].query("variant != 'training_set' and not variant.str.startswith('built:')")
    variant, rows = told["front"]
    assert variant == searched.loc[searched["hypervolume_mean"].idxmax(), "variant"]
    assert rows == (saved["pareto_fronts"]["variant"] == variant).sum()
    assert told["report"] == f"data/08_reporting/report.html/{told['versions'][-1]}/report.html"
    titles = figures(notebook)
    assert len(titles) == 5
    assert all("surrogate" in title for title in titles)


def test_a_space_of_ones_own_is_learned_from_a_table_alone(tmp_path: Path) -> None:
    asked = """{
        "top": {
            int(row.unit): json.loads(row.module)
            for row in scores.query("target == 'top1' and method == 'contextual' and rank == 1").itertuples()
        },
        "spearman": metrics.query(
            "split == 'held_out' and metric == 'spearman' and model == 'autobuild'"
        ).set_index("target")["value"].to_dict(),
        "variants": sorted(comparison["variant"]),
    }"""
    project = copy_project(tmp_path)
    _, told = run("02", project, asked)
    assert sorted(told["top"]) == ["1", "2", "3"]
    assert all(layers[0]["se"] == 1 for layers in told["top"].values())
    assert {layer["kernel"] for layer in told["top"]["3"]} == {5}
    assert {layer["expand"] for layers in told["top"].values() for layer in layers} == {6}
    assert all(value > 0.8 for value in told["spearman"].values())
    assert {"autobuild_nas", "layer_full", "training_set"} <= set(told["variants"])


def test_why_a_module_is_the_best_is_told_in_exact_differences_of_scores(finished: tuple[Path, str]) -> None:
    asked = """{
        "unit": UNIT,
        "best": text(best),
        "changes": changed.to_dict("records"),
        "value": float(value),
        "random": predicted.tolist(),
    }"""
    _, told = run("03", finished[0], asked)
    scores = tables(finished[0], "ofa_mbv3")["module_scores"].query("target == 'acc' and method == 'contextual'")
    first = scores.loc[scores["score"].idxmax()]
    assert (told["unit"], told["best"]) == (first["unit"], first["module"])
    module, by_module = json.loads(told["best"]), scores[scores["unit"] == told["unit"]].set_index("module")["score"]
    assert len(told["changes"]) == sum(len(layer) * 2 for layer in module)
    for change in told["changes"]:
        layers = [dict(layer) for layer in module]
        layers[change["layer"] - 1][change["feature"]] = change["to"]
        other = by_module[json.dumps(layers, separators=(",", ":"))]
        assert change["change"] == pytest.approx(other - first["score"])
    assert max(change["change"] for change in told["changes"]) <= 0
    assert len(told["random"]) == 1000
    assert told["value"] > sum(told["random"]) / 1000


def test_two_runs_are_put_side_by_side(compared: Path) -> None:
    asked = """{
        "names": pair["tags.mlflow.runName"].tolist(),
        "same": same["same"].astype(str).to_dict(),
        "different": parameters.dropna()[lambda table: table["first"] != table["second"]].T.to_dict(),
        "volumes": volumes[LABELS].T.to_dict(),
        "best": {label: rows["hypervolume_mean"].to_dict() for label, rows in found.items()},
        "rows": len(runs),
    }"""
    notebook, told = run("04", compared, asked)
    first, second = told["names"]
    assert first == "autobuild_nas ofa_mbv3+ofa_pn (small)"
    assert second.endswith("ofa_pn (small) seed=7")
    assert told["rows"] == 2
    assert told["same"]["data"] == told["same"]["labels"] == "True"
    assert told["different"]["ofa_pn.seed"] == {"first": "2024", "second": "7"}
    assert told["volumes"].keys() == told["best"]["first"].keys()
    newest = tables(compared, "ofa_pn")["comparison"].set_index("variant")["hypervolume_mean"]
    for variant, pair in told["volumes"].items():
        assert pair["first"] == pytest.approx(told["best"]["first"][variant])
        assert pair["second"] == pytest.approx(told["best"]["second"][variant]) == pytest.approx(newest[variant])
    assert any(pair["first"] != pair["second"] for pair in told["volumes"].values())
    assert figures(notebook) == ["ofa_pn, problem cpu, surrogate labels"]


def test_without_a_run_notebooks_say_which_command_makes_one(tmp_path: Path) -> None:
    first, fourth = ([cell for cell in read(name).cells if cell.cell_type == "code"] for name in ("01", "04"))
    first[0].id = "tour"  # both notebooks number their cells
    notebook = nbformat.v4.new_notebook(cells=[first[0], *fourth[:2]])  # up to where each of them stops
    for cell in (first[0], fourth[1]):
        cell.metadata["tags"] = ["raises-exception"]
    execute(notebook, copy_project(tmp_path))
    assert "ofa_mbv3 has no finished run here: `kedro run --params=space=ofa_mbv3` first" in shown(first[0])
    makes = "MLflow has no finished run of this project: `make run`, then `kedro run --params=seed=7` first"
    assert makes in shown(fourth[1])


def shown(cell: nbformat.NotebookNode) -> str:
    """The text that a cell showed, without colours, as one line; the error's own text among it."""
    texts = [o.get("evalue", "") + o.get("data", {}).get("text/plain", "") for o in cell.outputs]
    return " ".join(re.sub(r"\x1b\[[\d;]*m", "", " ".join(texts)).split())
