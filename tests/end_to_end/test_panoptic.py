"""`kedro run --pipeline=panoptic`: on the embedded sample, and on files of the published formats."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from project_copy import PROJECT, SMALL, copy_project, run_kedro, tables

pytestmark = pytest.mark.slow

SPACES = ("ofa_mbv3_panoptic", "ofa_pn_panoptic")
PREFIX = {"ofa_mbv3": "mbconv3", "ofa_pn": "mbconv2"}
HEADS = 163.5
"""G of neck and heads in the files that stand for published ones."""


def flattened(settings: dict[str, Any], prefix: str = "") -> list[str]:
    """Settings as `--params` takes them; lists stay as they are in the project."""
    out = []
    for key, value in settings.items():
        out += flattened(value, f"{prefix}{key}.") if isinstance(value, dict) else [f"{prefix}{key}={value}"]
    return [text for text in out if "[" not in text]


def write_published(folder: Path, family: str) -> None:
    """The sample's architectures and labels, in the layouts of AutoBuild's and AIO-P's caches."""

    def rows(name: str, count: int) -> list[dict[str, Any]]:
        table = pd.read_csv(PROJECT / "data" / "01_raw" / "sample" / name).head(count)
        made: list[dict[str, Any]] = []
        for place, row in enumerate(table.to_dict("records")):
            units = [
                [f"{PREFIX[family]}_e{x['expand']}_k{x['kernel']}" for x in unit] for unit in json.loads(row["units"])
            ]
            config = ((192, 208, 224)[place % 3], units)
            made.append({"original config": config, "PQ": row["pan_seg_PQ"], "G": HEADS + 0.83 * row["flops_pan_seg"]})
        return made

    cache = [
        {"original config": list(row["original config"]), "pan_seg_PQ": row["PQ"], "flops_pan_seg": row["G"]}
        for row in rows(f"{family}_panoptic.csv", 300)
    ]
    (folder / f"{family}_pan_seg_custom_cache.pkl").write_bytes(pickle.dumps(cache))
    individual = [
        {
            "compute graph": None,
            "acc": row["PQ"] / 100,
            "flops": row["G"],
            "original config": row["original config"],
            "pan_seg_PQ": row["PQ"],
            "metric_map": "pan_seg_PQ->acc",
        }
        for row in rows(f"{family}_panoptic_fine_tuned.csv", 118)
    ]
    name = f"gpi_{family}_pan_seg_coco_ind_comp_graph_cache.pkl"
    (folder / name).write_bytes(pickle.dumps(individual, 4))


def test_the_job_runs_the_chain_on_its_two_spaces_and_compares_with_the_fine_tuned_set(tmp_path: Path) -> None:
    project = copy_project(tmp_path)
    done = run_kedro(project, "run", "--env=small", "--pipeline=panoptic")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert {path.name for path in (project / "data" / "08_reporting").iterdir()} == {*SPACES, "report.html"}
    for space in SPACES:
        found = tables(project, space)
        assert len(found["architectures"]) == 1300
        assert len(found["fine_tuned_architectures"]) == 118
        comparison = found["comparison"].set_index(["problem", "variant"])
        for problem, target in (("flops", "hand"), ("designed", "flops_2")):
            assert comparison.loc[(problem, "fine_tuned"), "evaluations"] == 118
            assert {f"built:{target}:contextual", "autobuild_nas"} <= set(comparison.loc[problem].index)
            (figure,) = (project / "data" / "08_reporting" / space / f"fine_tuned_{problem}.json").glob("*/*.json")
            assert "surrogate labels" in figure.read_text()


def test_files_of_the_published_formats_run_through_and_what_is_predicted_is_labelled_so(tmp_path: Path) -> None:
    project, data = copy_project(tmp_path / "project"), tmp_path / "caches"
    data.mkdir()
    write_published(data, "ofa_pn")
    small = ",".join(flattened(SMALL))
    done = run_kedro(
        *(project, "run", "--env=published", "--pipeline=panoptic", f"--params=space=ofa_pn_panoptic,{small}"),
        AUTOBUILD_DATA_DIR=str(data),
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    found = tables(project, "ofa_pn_panoptic")
    assert set(found["architectures"]["resolution"]) == {224}
    built = found["built_architectures"]
    assert set(built["metric_sources"]) == {"pan_seg_PQ: predictor, flops_pan_seg: fitted_flops"}
    assert built["flops_pan_seg"].between(HEADS + 2, HEADS + 20).all()
    assert found["comparison"].set_index("variant").loc["fine_tuned", "evaluations"] == 118
