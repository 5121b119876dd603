"""What is kept, collapsed, rejected and refused."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import pandas as pd
import pytest

from autobuild_pipelines.ingestion import IngestError, RawRecords, ingest_records
from autobuild_pipelines.ingestion.schemas import ARCHITECTURES, REJECTED_ARCHITECTURES
from autobuild_pipelines.spaces import SearchSpace, from_table, to_table


@pytest.fixture(scope="module")
def rows(ofa_mbv3: SearchSpace) -> list[dict[str, Any]]:
    """200 distinct records as a table has them."""
    rng = np.random.default_rng(1)
    table = to_table(ofa_mbv3, ofa_mbv3.sample(200, rng), {"acc": rng.random(200), "lat": rng.random(200)})
    assert table["architecture_id"].is_unique
    return [{str(key): value for key, value in row.items()} for row in table.to_dict("records")]


def raw(rows: list[dict[str, Any]]) -> RawRecords:
    return RawRecords("x.jsonl", "", list(rows))


def test_the_tables_fit_their_schemas_even_without_rejected_rows(
    rows: list[dict[str, Any]], ofa_mbv3: SearchSpace
) -> None:
    ingested = ingest_records(ofa_mbv3, raw(rows))
    ARCHITECTURES.validate(ingested.architectures)
    REJECTED_ARCHITECTURES.validate(ingested.rejected)
    assert from_table(ofa_mbv3, ingested.architectures).layers.shape == (200, ofa_mbv3.slots)


def test_exact_duplicates_collapse_and_keep_the_first_place(rows: list[dict[str, Any]], ofa_mbv3: SearchSpace) -> None:
    ingested = ingest_records(ofa_mbv3, raw([rows[0], *rows]))
    assert (ingested.rows, ingested.collapsed, len(ingested.rejected)) == (201, 1, 0)
    assert ingested.architectures["architecture_id"].tolist() == [row["architecture_id"] for row in rows]


def test_a_different_label_of_the_same_architecture_is_rejected_and_the_first_kept(
    rows: list[dict[str, Any]], ofa_mbv3: SearchSpace
) -> None:
    ingested = ingest_records(ofa_mbv3, raw([*rows, {**rows[3], "lat": 99.0}]), labels=["acc"])
    assert ingested.rejected["row"].tolist() == [201]
    assert "row 4 with a different label: lat=99.0" in ingested.rejected["reason"][0]
    assert ingested.architectures["lat"][3] == rows[3]["lat"]


def test_up_to_the_given_share_may_be_rejected(rows: list[dict[str, Any]], ofa_mbv3: SearchSpace) -> None:
    bad = {**rows[0], "acc": None}
    assert len(ingest_records(ofa_mbv3, raw([*rows[:198], bad, bad]), labels=["acc"]).rejected) == 2
    with pytest.raises(IngestError, match=r"3 of 200 records are rejected, at most 1\.00%"):
        ingest_records(ofa_mbv3, raw([*rows[:197], bad, bad, bad]), labels=["acc"])


def test_a_share_of_one_still_needs_one_accepted_record(ofa_mbv3: SearchSpace) -> None:
    with pytest.raises(IngestError, match="1 of 1 records are rejected, none is left"):
        ingest_records(ofa_mbv3, raw([{"acc": 1}]), max_rejected=1.0)


def test_a_required_label_that_no_record_has_is_named_with_those_there_are(
    rows: list[dict[str, Any]], ofa_mbv3: SearchSpace
) -> None:
    with pytest.raises(IngestError, match=r"no record has the label 'latency_npu'; its labels are acc, lat"):
        ingest_records(ofa_mbv3, raw(rows), labels=["acc", "latency_npu"])


def test_a_label_that_is_not_required_is_kept_only_when_complete(
    rows: list[dict[str, Any]], ofa_mbv3: SearchSpace, caplog: pytest.LogCaptureFixture
) -> None:
    changed = [*rows[:7], {**rows[7], "lat": float("nan")}, *rows[8:]]
    with caplog.at_level(logging.INFO):
        ingested = ingest_records(ofa_mbv3, raw(changed), labels=["acc"])
    assert "lat" not in ingested.architectures
    assert ingested.rejected.empty
    assert "label 'lat' is not kept: row 8: label 'lat' is nan" in caplog.text


def test_every_numeric_label_is_required_when_none_is_named(rows: list[dict[str, Any]], ofa_mbv3: SearchSpace) -> None:
    changed = [{**row, "name": "somebody"} for row in rows]
    del changed[7]["lat"]
    ingested = ingest_records(ofa_mbv3, raw(changed))
    assert ingested.rejected["reason"].tolist() == ["label 'lat' is missing"]
    assert list(ingested.dropped_labels) == ["name"]


def test_a_list_of_architectures_needs_no_labels(rows: list[dict[str, Any]], ofa_mbv3: SearchSpace) -> None:
    ingested = ingest_records(ofa_mbv3, raw([{"units": row["units"], "res": 192} for row in rows]), labels=[])
    assert list(ingested.architectures) == ["architecture_id", "resolution", "units"]
    assert set(ingested.architectures["resolution"]) == {192}


def test_records_without_resolution_take_the_default_and_are_counted(
    rows: list[dict[str, Any]], ofa_mbv3: SearchSpace, caplog: pytest.LogCaptureFixture
) -> None:
    changed = [{"net": row["units"], "acc": row["acc"]} for row in rows[:10]] + rows[10:]
    with caplog.at_level(logging.INFO):
        ingested = ingest_records(ofa_mbv3, raw(changed), labels=["acc"])
    assert ingested.defaulted == {"resolution": 10}
    assert set(ingested.architectures["resolution"][:10]) == {224}
    assert "200 records read, 200 architectures kept" in caplog.text
    assert "10 without resolution take the space's default" in caplog.text


def test_a_space_without_a_default_rejects_records_without_the_feature(rows: list[dict[str, Any]]) -> None:
    space = SearchSpace.from_mapping(
        "s", {"layer_features": {"k": {"choices": [3, 5]}}, "graph_features": {"res": {"choices": [1, 2]}},
              "units": [{"name": "a", "layers": [1]}]}
    )  # fmt: skip
    ingested = ingest_records(
        space, raw([{"units": [[{"k": 3}]], "res": 1}, {"units": [[{"k": 5}]]}]), max_rejected=0.5
    )
    assert ingested.rejected["reason"].tolist() == ["s: lacks res, one of 1, 2, and the space declares no default"]


def test_the_same_records_give_the_same_table(rows: list[dict[str, Any]], ofa_mbv3: SearchSpace) -> None:
    first, second = (ingest_records(ofa_mbv3, raw(rows)) for _ in range(2))
    pd.testing.assert_frame_equal(first.architectures, second.architectures)


@pytest.mark.parametrize("share", [-0.1, 1.5, float("nan")])
def test_an_impossible_share_is_refused(share: float, rows: list[dict[str, Any]], ofa_mbv3: SearchSpace) -> None:
    with pytest.raises(IngestError, match="max_rejected must lie in"):
        ingest_records(ofa_mbv3, raw(rows), max_rejected=share)


def test_a_table_of_unets_is_read_and_those_that_could_not_run_are_rejected(sd_fid: SearchSpace) -> None:
    array = sd_fid.sample(120, np.random.default_rng(0))
    table = to_table(sd_fid, array, {"fid": np.arange(120.0)}).drop_duplicates("architecture_id")
    records = [{str(key): value for key, value in row.items()} for row in table[["units", "fid"]].to_dict("records")]
    units = sd_fid.decode(array.take([0]))[0].unit_objects()
    records[0] = {"units": [*units[:8], [{"operation": "residual", "channels": 1024}] * 2], "fid": 0.0}
    ingested = ingest_records(sd_fid, raw(records))
    assert ingested.architectures["architecture_id"].tolist() == table["architecture_id"].tolist()[1:]
    assert "unit 9 (output1) layer 1: residual_1024 is not allowed in this unit" in ingested.rejected["reason"][0]
