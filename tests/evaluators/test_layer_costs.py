from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from autobuild_pipelines.evaluators.layer_costs import LayerLatencyTable, LayerTableError
from autobuild_pipelines.spaces import SearchSpace

ROOT = Path(__file__).parents[2]


@pytest.fixture
def space() -> SearchSpace:
    return SearchSpace.from_yaml(ROOT / "conf" / "base" / "spaces" / "ofa_mbv3.yml")


@pytest.fixture
def table() -> pd.DataFrame:
    return pd.read_csv(ROOT / "data" / "01_raw" / "sample" / "layer_latency_ofa_mbv3.csv")


def test_latency_is_the_sum_of_stem_layers_and_head(space: SearchSpace, table: pd.DataFrame) -> None:
    array = space.sample(5, np.random.default_rng(0), law="depths")
    found = LayerLatencyTable(space, table).evaluate(array)["latency_cpu_ms"]
    for latency, architecture in zip(found, space.decode(array), strict=True):
        rows = table[table["resolution"] == dict(architecture.graph)["resolution"]]
        total = rows.loc[rows["part"] != "layer", "latency_cpu_ms"].sum()
        for number, unit in enumerate(architecture.units, start=1):
            for index, layer in enumerate(unit):
                values = {"unit": number, "position": "rest" if index else "first", **dict(layer)}
                total += rows.loc[(rows[list(values)] == pd.Series(values)).all(axis=1), "latency_cpu_ms"].item()
        assert latency == pytest.approx(total, abs=1e-4)


def test_the_committed_table_grows_with_expansion_and_names_its_machine(table: pd.DataFrame) -> None:
    layers = table[table["part"] == "layer"]
    place = ["unit", "position", "kernel", "resolution"]
    by_expansion = layers.pivot_table(index=place, columns="expand", values="latency_cpu_ms")
    assert (by_expansion[6] > by_expansion[3]).all()
    (note,) = table["measured_on"].unique()
    assert "torch" in note


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda t: t.drop(columns="position"), r"lacks the columns \['position'\]"),
        (lambda t: t.drop(index=20), r"lacks \('layer', 1, 'first',"),
        (lambda t: t[t["part"] != "stem"], r"lacks \('stem', 0"),
        (lambda t: pd.concat([t, t.tail(1)]), "twice"),
        (lambda t: t.assign(latency_cpu_ms=[0.0, *t["latency_cpu_ms"][1:]]), "must be positive, row 0 is not"),
        (lambda t: t.assign(latency_cpu_ms=["fast", *t["latency_cpu_ms"][1:]]), "must be positive, row 0 is not"),
        (lambda t: t.assign(latency_cpu_ms=[np.nan, *t["latency_cpu_ms"][1:]]), "must be positive, row 0 is not"),
    ],
)
def test_an_incomplete_table_is_refused(space: SearchSpace, table: pd.DataFrame, change: object, reason: str) -> None:
    assert callable(change)
    with pytest.raises(LayerTableError, match=reason):
        LayerLatencyTable(space, change(table))
