"""A user's own list of architectures, in every format, with labels and without."""

from __future__ import annotations

import gzip
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pandera.errors import SchemaError

from autobuild_pipelines.evaluators import CombinedEvaluator, EvaluationError
from autobuild_pipelines.ingestion import IngestError, RawRecords, read_records
from autobuild_pipelines.pipelines.evaluate_architectures.nodes import evaluate_architectures, read_architectures
from autobuild_pipelines.pipelines.evaluate_architectures.schemas import EVALUATED_ARCHITECTURES
from autobuild_pipelines.pipelines.evaluator import make_evaluator
from autobuild_pipelines.spaces import ABSENT, ArchitectureArray, SearchSpace

SETTINGS = {"max_rejected": 0.01}
SHAPES = [(2, 192), (3, 208), (4, 224)]
"""Layers per unit, resolution."""


class Depth:
    """The number of layers, as if it were an accuracy."""

    metrics = ("acc",)
    support = None

    def evaluate(self, array: ArchitectureArray) -> pd.DataFrame:
        return pd.DataFrame({"acc": (array.layers != ABSENT).sum(axis=1).astype(np.float64)})


def units(depth: int) -> list[list[dict[str, int]]]:
    return [[{"expand": 6, "kernel": 5}] * depth] * 5


def table(labels: dict[str, Any]) -> pd.DataFrame:
    rows = [{"units": json.dumps(units(depth)), "resolution": size, **labels} for depth, size in SHAPES]
    return pd.DataFrame(rows)


def write_pickle(path: Path, labels: dict[str, Any]) -> None:
    named = [[["mbconv3_e6_k5"] * depth] * 5 for depth, _ in SHAPES]
    records = [{"original config": [size, net], **labels} for (_, size), net in zip(SHAPES, named, strict=True)]
    path.write_bytes(pickle.dumps(records))


def write_json(path: Path, labels: dict[str, Any]) -> None:
    lines = [json.dumps({"units": units(d), "resolution": size, "labels": labels}) for d, size in SHAPES]
    path.write_bytes(gzip.compress("".join(f"{line}\r\n" for line in lines).encode()))


def write_csv(path: Path, labels: dict[str, Any]) -> None:
    table(labels).to_csv(path, index=False, lineterminator="\r\n")


def write_parquet(path: Path, labels: dict[str, Any]) -> None:
    # A column in which some resolution is missing elsewhere comes as floats.
    table(labels).astype({"resolution": "float64"}).to_parquet(path)


WRITERS: dict[str, Callable[[Path, dict[str, Any]], None]] = {
    "pkl": write_pickle,
    "jsonl.gz": write_json,
    "csv": write_csv,
    "parquet": write_parquet,
}


def evaluate(space: SearchSpace, records: RawRecords) -> pd.DataFrame:
    architectures, _ = read_architectures(space, records, SETTINGS)
    return evaluate_architectures(space, architectures, CombinedEvaluator([Depth()]), {"acc": {"type": "surrogate"}})


@pytest.mark.parametrize("labels", [{}, {"acc": 0.5, "watts": 3}], ids=["without labels", "with labels"])
@pytest.mark.parametrize("suffix", WRITERS)
def test_every_format_gives_the_same_metrics_at_every_resolution(
    suffix: str, labels: dict[str, Any], tmp_path: Path, ofa_mbv3: SearchSpace
) -> None:
    path = tmp_path / f"my nétworks.{suffix}"
    WRITERS[suffix](path, labels)
    found = evaluate(ofa_mbv3, read_records(str(path)))
    EVALUATED_ARCHITECTURES.validate(found)
    assert found["resolution"].tolist() == [192, 208, 224]
    assert found["acc"].tolist() == [10, 15, 20]
    given = {"acc": "given_acc"}
    assert {given.get(name, name) for name in labels} <= set(found.columns)
    assert set(found["metric_sources"]) == {"acc: surrogate"}


def test_what_was_evaluated_can_be_evaluated_again(tmp_path: Path, ofa_mbv3: SearchSpace) -> None:
    path = tmp_path / "list.csv"
    write_csv(path, {"acc": 0.5})
    first = evaluate(ofa_mbv3, read_records(str(path)))
    first.to_parquet(tmp_path / "evaluated.parquet")
    second = evaluate(ofa_mbv3, read_records(str(tmp_path / "evaluated.parquet")))
    assert second["given_acc"].tolist() == first["acc"].tolist() == second["acc"].tolist()


def test_what_cannot_be_evaluated_is_a_row_with_its_error_and_no_metric(ofa_mbv3: SearchSpace, tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    write_csv(path, {})
    done = evaluate(ofa_mbv3, read_records(str(path)))
    EVALUATED_ARCHITECTURES.validate(done.assign(evaluation_error=None))
    errors = [None, "out of memory", None]
    EVALUATED_ARCHITECTURES.validate(done.assign(acc=[1.0, np.nan, 2.0], evaluation_error=errors))
    with pytest.raises(SchemaError, match="a cell is missing or not finite, and evaluation_error does not say why"):
        EVALUATED_ARCHITECTURES.validate(done.assign(acc=[np.nan, np.nan, 2.0], evaluation_error=errors))


def test_a_resolution_that_is_text_is_rejected_with_the_choices(ofa_mbv3: SearchSpace) -> None:
    records = RawRecords("x.jsonl", "", [{"units": units(2), "resolution": "224"}])
    with pytest.raises(IngestError, match="row 1: ofa_mbv3: resolution='224' is not one of 192, 208, 224"):
        read_architectures(ofa_mbv3, records, SETTINGS)


def test_a_list_of_another_space_is_refused_with_the_space_it_was_read_for(ofa_pn: SearchSpace) -> None:
    records = RawRecords("x.jsonl", "", [{"units": units(2), "resolution": 224}])
    with pytest.raises(IngestError, match=r"read as architectures of 'ofa_pn' \(--params space=NAME chooses\)"):
        read_architectures(ofa_pn, records, SETTINGS)


def test_rejected_rows_stand_beside_the_rest(ofa_mbv3: SearchSpace) -> None:
    good = [
        {"units": [[{"expand": e, "kernel": k}] * d] * 5, "resolution": r}
        for e in (3, 4, 6) for k in (3, 5, 7) for d in (2, 3, 4) for r in (192, 208, 224, 192)
    ]  # fmt: skip
    records = RawRecords("x.jsonl", "", [*good, {"units": units(5), "resolution": 224}])
    architectures, rejected = read_architectures(ofa_mbv3, records, SETTINGS)
    assert len(architectures) == 81
    assert rejected["row"].tolist() == [109]
    assert "5 layers" in rejected["reason"][0]


@pytest.mark.parametrize("name", ["architecture_id", "units", "resolution", "rank", "problem", "metric_sources"])
def test_a_metric_must_not_take_the_name_of_a_column(name: str, ofa_mbv3: SearchSpace) -> None:
    with pytest.raises(EvaluationError, match=f"metric '{name}': tables of architectures have a column of this name"):
        make_evaluator(ofa_mbv3, {name: {"type": "macs"}})
