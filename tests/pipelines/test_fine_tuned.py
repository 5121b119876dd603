"""The second set of evaluated architectures: what ingest asks of it, and what evaluation makes of it."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from autobuild_pipelines.config import SpaceOutline
from autobuild_pipelines.ingestion import IngestError, RawRecords
from autobuild_pipelines.pipelines import evaluation, ingest
from autobuild_pipelines.pipelines.ingest.nodes import check_fine_tuned_architectures
from autobuild_pipelines.spaces import SearchSpace
from autobuild_pipelines.targets import EquationError

PQ = {"direction": "max", "reference": 34}
PROBLEMS = {
    "flops": {
        "objectives": {
            "pan_seg_PQ": PQ,
            "flops_g": {"equation": "flops_pan_seg", "direction": "min", "reference": 180},
        },
        "targets": ["hand"],
    }
}
UNITS = json.dumps([[{"expand": 6, "kernel": 5}] * 2] * 5)
LABELS = {"pan_seg_PQ": 37.4, "flops_pan_seg": 172.9}


def check(space: SearchSpace, *records: dict[str, Any], **settings: Any) -> Any:
    raw = RawRecords("x.csv", "", list(records))
    return check_fine_tuned_architectures(space, raw, PROBLEMS, {"max_rejected": 0.5, **settings})


def test_the_set_needs_the_labels_that_objectives_read_and_no_others(ofa_mbv3: SearchSpace) -> None:
    table, rejected = check(ofa_mbv3, {"units": UNITS, "resolution": 224, **LABELS}, {"units": "[]", **LABELS})
    assert table[[*LABELS]].to_numpy().tolist() == [[37.4, 172.9]]
    assert rejected["row"].tolist() == [2]
    with pytest.raises(IngestError, match="no record has the label 'flops_pan_seg', which problem 'flops' reads"):
        check(ofa_mbv3, {"units": UNITS, "pan_seg_PQ": 37.4})


def test_an_objective_that_is_not_finite_is_an_error_before_anything_is_trained(ofa_mbv3: SearchSpace) -> None:
    changed = {"flops": {**PROBLEMS["flops"], "objectives": {"x": {**PQ, "equation": "1 / (pan_seg_PQ - 37.4)"}}}}
    raw = RawRecords("x.csv", "", [{"units": UNITS, **LABELS}])
    with pytest.raises(EquationError, match="not finite"):
        check_fine_tuned_architectures(ofa_mbv3, raw, changed, {"max_rejected": 0.0})


def test_given_graph_values_take_the_place_of_the_records_own(
    ofa_mbv3: SearchSpace, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    other = json.dumps([[{"expand": 3, "kernel": 5}] * 2] * 5)
    records = [{"units": UNITS, "resolution": 192, **LABELS}, {"units": other, **LABELS}]
    table, _ = check(ofa_mbv3, *records, graph={"resolution": 208})
    assert table["resolution"].tolist() == [208, 208]
    assert "1 records take resolution=208 in place of their own" in caplog.text
    assert "take the space's default" not in caplog.text


@pytest.mark.parametrize(
    ("graph", "message"),
    [
        ({"size": 224}, "ingest.graph: 'size' is no graph feature of space 'ofa_mbv3'"),
        ({"resolution": 225}, r"ingest.graph.resolution: 225 is not one of \[192, 208, 224\]"),
    ],
)
def test_graph_values_that_the_space_has_not_are_an_error_that_names_them(
    graph: dict[str, int], message: str, ofa_mbv3: SearchSpace
) -> None:
    with pytest.raises(IngestError, match=message):
        check(ofa_mbv3, {"units": UNITS, **LABELS}, graph=graph)


@pytest.mark.parametrize("create", [ingest.create_pipeline, evaluation.create_pipeline])
def test_nodes_for_the_set_exist_where_a_space_has_one(create: Any) -> None:
    without, with_set = (create(SpaceOutline(("flops",), fine_tuned=fine_tuned)) for fine_tuned in (False, True))
    assert not [name for name in without.datasets() if "fine_tuned" in name]
    assert "fine_tuned_architectures" in with_set.datasets()
    assert len(with_set.nodes) == len(without.nodes) + 1
