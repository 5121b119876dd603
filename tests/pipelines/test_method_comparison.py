"""The steps of `compare_methods` on a small search."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from autobuild_pipelines.pipelines.compare_methods import create_pipeline
from autobuild_pipelines.pipelines.compare_methods.nodes import (
    draw_anytime,
    draw_methods,
    seek_under_caps,
    trace_hypervolumes,
)
from autobuild_pipelines.pipelines.compare_methods.schemas import (
    BEST_UNDER_CAPS,
    HYPERVOLUME_CURVES,
    METHOD_COMPARISON,
)
from autobuild_pipelines.spaces import SearchSpace, to_table

OBJECTIVES = {
    "gain": {"direction": "max", "reference": 0},
    "cost": {"direction": "min", "reference": 30},
}
PROBLEMS: dict[str, Any] = {
    "fast": {"objectives": OBJECTIVES, "graph": {"resolution": 32}},
    "plain": {"objectives": OBJECTIVES},
}
SPACE = SearchSpace.from_mapping(
    "small",
    {
        "title": "Small space",
        "layer_features": {"kernel": {"choices": [3, 5, 7]}},
        "graph_features": {"resolution": {"choices": [16, 32]}},
        "units": [{"name": "u", "layers": [1, 2, 3]}],
    },
)
SETTINGS = {"caps": {}, "cap_quantiles": [0.1, 0.5]}


def labelled(count: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    array = SPACE.sample(count, rng, law="depths", graph={"resolution": 32})
    return to_table(SPACE, array, {"gain": rng.uniform(0, 1, count), "cost": rng.uniform(1, 40, count)})


@pytest.fixture
def evaluations() -> pd.DataFrame:
    keys = [(problem, variant, seed) for problem in PROBLEMS for variant in ("stage_full", "mine") for seed in range(3)]
    parts = [
        labelled(20, number).assign(problem=p, variant=v, seed=s, evaluation=np.arange(1, 21))
        for number, (p, v, s) in enumerate(keys)
    ]
    return pd.concat(parts, ignore_index=True)


def test_its_tables_fit_their_schemas_and_are_the_same_every_time(evaluations: pd.DataFrame) -> None:
    def tables() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
        curves, methods = trace_hypervolumes(evaluations, PROBLEMS, "measured")
        return curves, methods, seek_under_caps(SPACE, labelled(50, 99), evaluations, PROBLEMS, SETTINGS, "measured")

    schemas = (HYPERVOLUME_CURVES, METHOD_COMPARISON, BEST_UNDER_CAPS)
    for first, second, schema in zip(tables(), tables(), schemas, strict=True):
        schema.validate(first)
        pd.testing.assert_frame_equal(first, second, check_exact=True)
        assert set(first["problem"]) == set(PROBLEMS)


def test_a_search_without_any_success_still_fits(evaluations: pd.DataFrame) -> None:
    failed = evaluations.assign(gain=np.nan, cost=np.nan)
    for table, schema in zip(
        trace_hypervolumes(failed, PROBLEMS, "measured"), (HYPERVOLUME_CURVES, METHOD_COMPARISON), strict=True
    ):
        schema.validate(table)
    BEST_UNDER_CAPS.validate(seek_under_caps(SPACE, labelled(9, 1), failed, PROBLEMS, SETTINGS, "measured"))


def test_its_figures_name_the_space(evaluations: pd.DataFrame) -> None:
    curves, methods = trace_hypervolumes(evaluations, PROBLEMS, "measured")
    caps = seek_under_caps(SPACE, labelled(50, 99), evaluations, PROBLEMS, SETTINGS, "measured")
    times = evaluations[["problem", "variant", "seed"]].drop_duplicates().assign(wall_s=1.5)
    for figure in (
        draw_anytime(SPACE, curves, PROBLEMS, "measured"),
        draw_methods(SPACE, methods, caps, times, "measured"),
    ):
        assert "Small space" in figure.layout.title.text


def test_the_step_reads_searches_and_their_times_but_no_clock() -> None:
    inputs = create_pipeline().inputs()
    assert {"evaluations", "search_times", "architectures"} <= inputs
    assert "stopwatch" not in inputs
