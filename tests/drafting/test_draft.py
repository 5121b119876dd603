"""A table of architectures becomes a declared space, without anything being written by hand."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from autobuild_pipelines.drafting import Draft, DraftError, draft_space
from autobuild_pipelines.ingestion import RawRecords, ingest_records
from autobuild_pipelines.spaces import SearchSpace

Layer = str | dict[str, Any]


def table(rows: int = 200, layer: Callable[[random.Random], Layer] | None = None, **more: Any) -> RawRecords:
    """A table of two units, the first of one or two layers, the second of two or three."""
    rng = random.Random(0)
    layer = layer or (lambda r: f"mb_e{r.choice([1, 3, 6])}_k{r.choice([3, 5])}")
    records = []
    for row in range(rows):
        units = [[layer(rng) for _ in range(rng.randint(least, least + 1))] for least in (1, 2)]
        size = len(json.dumps(units))  # the same architecture has the same labels
        columns = {name: value(row, rng) if callable(value) else value for name, value in more.items()}
        records.append({"units": json.dumps(units), "acc": 1 - 1 / size, "latency_ms": 1 + size / 100, **columns})
    return RawRecords("mine.csv", "", records)


def draft(records: RawRecords, **options: Any) -> Draft:
    return draft_space(records, "mine", **options)


def test_layer_names_are_taken_apart_into_features() -> None:
    found = draft(table()).declaration
    assert found["layer_name"] == "mb_e{expand}_k{kernel}"
    assert found["layer_features"] == {"expand": {"choices": [1, 3, 6]}, "kernel": {"choices": [3, 5]}}
    assert [unit["layers"] for unit in found["units"]] == [[1, 2], [2, 3]]


def test_every_row_is_an_architecture_of_the_drafted_space() -> None:
    records = table(layer=lambda r: {"op": r.choice(["conv", "pool"]), "wide": r.choice([False, True])})
    space = SearchSpace.from_mapping("mine", draft(records).declaration)
    assert len(ingest_records(space, records).rejected) == 0


@settings(max_examples=25, deadline=None)
@given(st.sets(st.from_regex(r"[a-z]{1,4}\d?([_-][a-z]{0,2}\d{0,2}){0,3}", fullmatch=True), min_size=2, max_size=12))
def test_whatever_layers_are_called_every_row_stays_readable(names: set[str]) -> None:
    records = table(rows=40, layer=lambda r: r.choice(sorted(names)))
    space = SearchSpace.from_mapping("mine", draft(records).declaration)
    assert len(ingest_records(space, records).rejected) == 0


def test_names_that_are_no_product_of_features_are_the_choices_of_one() -> None:
    found = draft(table(layer=lambda r: r.choice(["conv_k3", "conv_k5", "pool_k3"]))).declaration
    assert found["layer_features"] == {"layer": {"choices": ["conv_k3", "conv_k5", "pool_k3"]}}


def test_a_unit_with_fewer_kinds_of_layers_says_so() -> None:
    records = table()
    for record in records.records:
        units = json.loads(record["units"])
        record["units"] = json.dumps([["mb_e1_k3" for _ in units[0]], units[1]])
    first, second = draft(records).declaration["units"]
    assert first["choices"] == {"expand": [1], "kernel": [3]}
    assert "choices" not in second


def test_a_column_of_few_whole_numbers_holds_for_the_whole_network() -> None:
    found = draft(table(resolution=lambda _, r: r.choice([160, 192])))
    assert found.declaration["graph_features"] == {
        "resolution": {"choices": [160, 192], "default": 192, "scale": {"offset": 160, "divisor": 32}}
    }
    assert any("resolution holds for the whole network" in note for note in found.notes)


def test_labels_are_good_when_high_unless_their_name_says_otherwise() -> None:
    (problem,) = draft(table()).settings["problems"].values()
    assert [o["direction"] for o in problem["objectives"].values()] == ["max", "min"]
    assert problem["objectives"]["latency_ms"]["reference"] > 1.6


def test_a_user_says_which_labels_matter_and_which_way() -> None:
    found = draft(table(gain=0.5), minimise=("gain",))
    assert found.settings["targets"] == {"low_gain": "-gain"}
    assert found.settings["evaluators"] == {"gain": {"type": "predictor"}}


def test_text_that_tells_rows_apart_is_left_out_with_a_note() -> None:
    found = draft(table(called=lambda row, _: f"net{row}"))
    assert any(note.startswith("column called is left out") for note in found.notes)


def test_rows_that_contradict_each_other_are_counted_and_allowed_for() -> None:
    records = table()
    records.records.append({**records.records[0], "acc": 0.5})
    found = draft(records)
    assert found.settings["ingest"] == {"max_rejected": 0.01}
    assert any("1 of 201 rows will not be used, the first is row 201" in note for note in found.notes)


def test_few_architectures_are_ranked_without_the_statistics_that_they_are_too_few_for() -> None:
    found = draft(table(rows=15))
    assert found.settings["scoring"] == {"methods": ["contextual"]}
    assert found.settings["search"] == {"variants": {"autobuild_nas_eq5": None}}
    assert any("Eq. 5 needs 10" in note for note in found.notes)


def test_the_files_are_yaml_of_what_was_drafted() -> None:
    found = draft(table(resolution=lambda _, r: r.choice([160, 192])))
    assert yaml.safe_load(found.space_yaml) == {"mine": {"space": found.declaration}}
    assert yaml.safe_load(found.parameters_yaml) == {"mine": found.settings}


@pytest.mark.parametrize(
    ("records", "message"),
    [
        (table(layer=lambda r: "conv"), "all layers are the same"),
        (RawRecords("t", "", [{"acc": 1}]), "row 1: has no 'units'"),
        (RawRecords("t", "", [{"units": [["a"]]}, {"units": [["a"], ["b"]]}]), "row 2: has 2 units, the first row 1"),
        (RawRecords("t", "", [{"units": [["a"]]}, {"units": [[{"k": 3}]]}]), "row 2 unit 1 layer 1: expected a name"),
        (RawRecords("t", "", [{"units": [[{"k": 3}, {"k": 3, "e": 1}]]}]), "'e' is not in all of them"),
        (RawRecords("t", "", [{"units": [["a"]]}, {"units": [["b"]]}]), "has no label"),
        (
            RawRecords("t", "", [{"units": [[n]], "top-1": v} for n, v in (("a", 0.1), ("b", 0.2))]),
            "call the column top_1",
        ),
    ],
)
def test_a_table_that_cannot_be_read_says_where_and_what_would_be_right(records: RawRecords, message: str) -> None:
    with pytest.raises(DraftError, match=message):
        draft(records)


def test_a_label_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(DraftError, match=r"no column 'speed'; it has acc, latency_ms"):
        draft(table(), maximise=("speed",))
