"""Small spaces, a made-up evaluator and problems for the tests of the search."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from autobuild_pipelines.search import Problem, read_problems
from autobuild_pipelines.spaces import ABSENT, ArchitectureArray, SearchSpace

TINY: Mapping[str, Any] = {
    "layer_features": {"kernel": {"choices": [3, 5]}},
    "units": [{"name": "one", "layers": [1, 2]}, {"name": "two", "layers": [1]}],
}
"""(2 + 4) * 2 = 12 architectures."""


@st.composite
def declarations(draw: st.DrawFn) -> dict[str, Any]:
    """Declarations of spaces with gaps in their depths, single depths, narrower choices and shared features."""
    units = [
        {
            "name": f"u{number}",
            "layers": sorted(draw(st.sets(st.integers(1, 4), min_size=1, max_size=3))),
            **({"choices": {"kernel": [3, 7]}} if draw(st.booleans()) else {}),
        }
        for number in range(draw(st.integers(1, 3)))
    ]
    declaration: dict[str, Any] = {
        "layer_features": {"kernel": {"choices": [3, 5, 7]}, "expand": {"choices": [1, 2]}},
        "graph_features": {"resolution": {"choices": [16, 32]}},
        "units": units,
        "restrictions": {"small": {"removed": [{"kernel": 7, "expand": 2}]}},
    }
    shared = draw(st.sampled_from([None, [], ["kernel"], ["expand"]]))
    if shared is not None:
        declaration["constraints"] = {"equal_within_unit": {"features": shared}}
    return declaration


def tiny_space() -> SearchSpace:
    """A space of 12 architectures."""
    return SearchSpace.from_mapping("tiny", TINY)


def problem(**changes: Any) -> Problem:
    """More `gain`, less `cost`."""
    objectives = {
        "gain": {"equation": "gain * 100", "direction": "max", "reference": 0},
        "cost": {"direction": "min", "reference": 100},
    }
    return read_problems({"p": {"objectives": objectives, **changes}})[0]


class CountingEvaluator:
    """Made-up metrics, a record of the calls, and a complaint about architectures that come twice."""

    metrics = ("gain", "cost")

    def __init__(self, support: ArchitectureArray | None = None) -> None:
        self.support = support
        self.calls: list[int] = []
        self.seen: set[bytes] = set()

    def evaluate(self, array: ArchitectureArray) -> pd.DataFrame:
        """Pseudo-random gains and the number of layers as cost."""
        keys = array.keys()
        assert not self.seen.intersection(keys)
        assert len(set(keys)) == len(keys)
        self.seen.update(keys)
        self.calls.append(len(array))
        weights = np.sin(np.arange(1, array.layers.shape[1] + 1) * 12.9898) * 43758.5453 % 1
        gain = ((array.layers + 2) * weights).sum(axis=1) / 100
        cost = (array.layers != ABSENT).sum(axis=1) + array.layers.sum(axis=1) / 50 + 2
        return pd.DataFrame({"gain": gain, "cost": cost.astype(float)})
