"""A whole small search, printed as a digest: run in several processes by `test_run.py`."""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd

from autobuild_pipelines.building import ReducedSpace
from autobuild_pipelines.search import SearchSettings, read_problems, run_search
from autobuild_pipelines.spaces import ABSENT, ArchitectureArray, SearchSpace

SETTINGS = {
    "seeds": 2,
    "initial": 12,
    "iterations": 2,
    "per_iteration": 8,
    "variants": {
        "Layer-Full": {"mutation": "layer", "space": "full", "sampling": "depths"},
        "Layer-Insight": {"mutation": "layer", "space": "restriction", "sampling": "depths"},
        "Stage-Full": {"mutation": "module", "space": "full", "sampling": "modules"},
        "AutoBuild-NAS": {"mutation": "module", "space": "reduced", "method": "eq5"},
    },
}
OBJECTIVES = {
    "gain_percent": {"equation": "gain * 100", "direction": "max", "reference": 0},
    "cost": {"direction": "min", "reference": 30},
}
PROBLEMS = {
    "insight": {"objectives": OBJECTIVES, "layer_insight": "small", "graph": {"resolution": 32}, "targets": ["gain"]},
    "plain": {"objectives": OBJECTIVES},
}
SPACE = SearchSpace.from_mapping(
    "small",
    {
        "layer_features": {"kernel": {"choices": [3, 5, 7]}, "expand": {"choices": [1, 2]}},
        "graph_features": {"resolution": {"choices": [16, 32]}},
        "units": [{"name": f"u{i}", "layers": [1, 2, 3]} for i in range(3)],
        "restrictions": {"small": {"removed": [{"kernel": 7}]}},
    },
)


class Metrics:
    """Made-up metrics that take architectures as often as they come."""

    metrics = ("gain", "cost")

    def __init__(self, support: ArchitectureArray | None = None) -> None:
        self.support = support

    def evaluate(self, array: ArchitectureArray) -> pd.DataFrame:
        """Gain and cost, both growing with codes and depth."""
        depth = (array.layers != ABSENT).sum(axis=1)
        gain = np.sqrt((array.layers + 1).sum(axis=1)) + np.sin(array.layers[:, 0] * 3.0)
        return pd.DataFrame({"gain": gain / 10, "cost": depth + (array.layers + 1).sum(axis=1) / 5})


def reduced() -> dict[tuple[str, str], ReducedSpace]:
    """Five modules per unit for every problem."""
    modules = tuple(unit.module_array()[40:45] for unit in SPACE.ranking_units)
    listed = ReducedSpace(SPACE, modules, tuple((("gain",),) * 5 for _ in modules))
    return {(name, "eq5"): listed for name in PROBLEMS}


def search(support: ArchitectureArray | None = None, seed: int = 7) -> pd.DataFrame:
    """The table of evaluations."""
    settings = SearchSettings.from_mapping(SETTINGS)
    problems = read_problems(PROBLEMS)
    return run_search(SPACE, problems, settings, Metrics(support), reduced(), seed=seed, progress=False)


def digest() -> str:
    """Of the table of evaluations."""
    return hashlib.sha256(search().to_csv().encode()).hexdigest()


if __name__ == "__main__":
    print(digest())
