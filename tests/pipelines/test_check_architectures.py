"""Ingest refuses settings that a later step would stumble over, before anything is trained."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from autobuild_pipelines.config import SpaceOutline
from autobuild_pipelines.evaluators import EvaluationError
from autobuild_pipelines.ingestion import IngestError, RawRecords
from autobuild_pipelines.pipelines.ingest import create_pipeline
from autobuild_pipelines.pipelines.ingest.nodes import check_architectures, label_architectures
from autobuild_pipelines.search import SearchError
from autobuild_pipelines.spaces import ArchitectureArray, SearchSpace
from autobuild_pipelines.targets import EquationError

UNITS = json.dumps([[{"expand": 6, "kernel": 5}] * 2] * 5)
RAW = RawRecords("x.csv", "", [{"units": UNITS, "resolution": 224, "acc": 0.75, "latency_cpu": 12.0}])
OBJECTIVE = {"direction": "max", "reference": 0}
PROBLEM = {"objectives": {"acc": OBJECTIVE}, "targets": ["acc"], "graph": {"resolution": 224}}


def check(space: SearchSpace, **changes: Any) -> Any:
    settings = {
        "targets": {"acc": "acc"},
        "evaluators": {"acc": {"type": "surrogate"}},
        "problems": {"cpu": PROBLEM},
        "given_labels": {},
        "settings": {"max_rejected": 0.01},
    }
    return check_architectures(space, RAW, **{**settings, **changes})


def test_labels_that_no_target_reads_are_kept_too(ofa_mbv3: SearchSpace) -> None:
    architectures, rejected = check(ofa_mbv3)
    assert architectures[["acc", "latency_cpu"]].to_numpy().tolist() == [[0.75, 12.0]]
    assert rejected.empty


def test_a_target_of_an_unknown_label_is_named_with_the_label_and_the_labels_there_are(ofa_mbv3: SearchSpace) -> None:
    message = (
        r"x.csv: no record has the label 'latency_npu', which target 'per_npu' \(acc / latency_npu\) reads; "
        "its labels are acc, latency_cpu"
    )
    with pytest.raises(IngestError, match=message):
        check(ofa_mbv3, targets={"acc": "acc", "per_npu": "acc / latency_npu"})


def test_a_target_that_is_not_finite_is_named_with_the_architectures(ofa_mbv3: SearchSpace) -> None:
    architectures, _ = check(ofa_mbv3)
    name = architectures["architecture_id"][0]
    with pytest.raises(EquationError, match=rf"target 'odd': .* 1 rows: {name} \(acc=0.75, latency_cpu=12 gives inf\)"):
        check(ofa_mbv3, targets={"acc": "acc", "odd": "acc / (latency_cpu - 12)"})


def test_a_table_evaluator_of_an_unknown_column_is_named(ofa_mbv3: SearchSpace) -> None:
    with pytest.raises(IngestError, match="no record has the label 'top1', which evaluator 'acc' reads"):
        check(ofa_mbv3, evaluators={"acc": {"type": "table", "column": "top1"}})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"targets": ["speed"]}, r"problems.cpu.targets: there is no target 'speed', only \['acc'\]"),
        (
            {"objectives": {"ms": {**OBJECTIVE, "equation": "latency"}}},
            r"problems.cpu.objectives.ms: 'latency' reads 'latency', which no evaluator gives; there are \['acc'\]",
        ),
        (
            {"objectives": {"acc": {**OBJECTIVE, "equation": "acc * 100"}}},
            r"problems.cpu.objectives.acc: has the name of a metric, but is 'acc \* 100'; give it another name",
        ),
        (
            {"objectives": {"seed": {**OBJECTIVE, "equation": "acc"}}},
            "problems.cpu.objectives.seed: tables have a column of this name",
        ),
        ({"graph": {"size": 224}}, "problems.cpu.graph: 'size' is no graph feature of space 'ofa_mbv3'"),
        ({"graph": {"resolution": 225}}, r"problems.cpu.graph.resolution: 225 is not one of \[192, 208, 224\]"),
        ({"layer_insight": "phone"}, "problems.cpu.layer_insight: .*'phone'"),
    ],
)
def test_a_problem_that_fits_neither_targets_nor_metrics_nor_space_is_refused_by_key(
    change: dict[str, Any], message: str, ofa_mbv3: SearchSpace
) -> None:
    with pytest.raises(SearchError, match=message):
        check(ofa_mbv3, problems={"cpu": {**PROBLEM, **change}})


class Timer:
    """Gives a latency that the file lacks, and fails on the second architecture."""

    metrics = ("latency_npu",)

    def evaluate(self, array: ArchitectureArray) -> pd.DataFrame:
        failed = np.arange(len(array)) == 1
        latency = np.where(failed, np.nan, 5.0)
        return pd.DataFrame({"latency_npu": latency, "evaluation_error": np.where(failed, "too large", None)})


def test_labels_that_an_evaluator_gives_need_not_be_in_the_file(
    ofa_mbv3: SearchSpace, caplog: pytest.LogCaptureFixture
) -> None:
    targets = {"acc": "acc", "per_npu": "acc / latency_npu"}
    other = json.dumps([[{"expand": 3, "kernel": 5}] * 2] * 5)
    raw = RawRecords("x.csv", "", [*RAW.records, {"units": other, "resolution": 224, "acc": 0.7}])
    settings = {"max_rejected": 0.01}
    evaluators = {"acc": {"type": "surrogate"}}
    given = {"latency_npu": {"type": "latency_predictor"}}
    ingested, _ = check_architectures(ofa_mbv3, raw, targets, evaluators, {"cpu": PROBLEM}, given, settings)
    labelled = label_architectures(ofa_mbv3, ingested, Timer(), targets)  # type: ignore[arg-type]
    assert labelled[["acc", "latency_npu"]].to_numpy().tolist() == [[0.75, 5.0]]
    assert "1 architectures have no label and are left out: too large" in caplog.text


def test_labels_cannot_come_from_what_is_made_of_the_labelled_architectures() -> None:
    outline = SpaceOutline(label_types=frozenset({"predictor"}))
    with pytest.raises(EvaluationError, match="labels: type 'predictor' is made from the ingested architectures"):
        create_pipeline(outline)
