"""Made-up labelled architectures with a known front, for the tests of designed targets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from autobuild_pipelines.search import Problem

Floats = NDArray[np.float64]


def problem(*others: str, first: str = "max", **changes: Any) -> Problem:
    """`acc_percent` and the given objectives, of which less is better."""
    objectives: dict[str, Any] = {"acc_percent": {"equation": "acc * 100", "direction": first, "reference": 60}}
    objectives |= {name: {"direction": "min", "reference": 30} for name in others or ("cost",)}
    return Problem.from_mapping("p", {"objectives": objectives, **changes})


def below(curve: Callable[[Floats], Floats], count: int = 1500, seed: int = 0) -> pd.DataFrame:
    """Architectures with costs from 1 to 20 and an accuracy [%] on or below a curve over the cost."""
    rng = np.random.default_rng(seed)
    cost = rng.uniform(1, 20, count)
    accuracy = curve(cost) - rng.exponential(0.4, count)
    ids = [f"a{row}" for row in range(count)]
    return pd.DataFrame({"architecture_id": ids, "resolution": 224, "acc": accuracy / 100, "cost": cost})


def concave(cost: Floats) -> Floats:
    """Ever less accuracy for the same cost, as networks have it: 70 to 80 %."""
    return 80 - 10 * np.exp(-(cost - 1) / 5)


def convex(power: float) -> Callable[[Floats], Floats]:
    """Ever more accuracy for the same cost: a weighted sum of it and the cost prefers one of the two ends."""
    return lambda cost: 70 + 10 * (cost / 20) ** power


def two_costs(count: int = 3000, seed: int = 0) -> pd.DataFrame:
    """Architectures whose accuracy grows with two unrelated costs, `cost` and `memory`."""
    rng = np.random.default_rng(seed)
    cost, memory = rng.uniform(1, 20, count), rng.uniform(1, 20, count)
    accuracy = 60 + 4 * np.log(cost) + 3 * np.log(memory) - rng.exponential(0.3, count)
    return pd.DataFrame({"acc": accuracy / 100, "cost": cost, "memory": memory})
