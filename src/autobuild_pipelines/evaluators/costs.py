"""Exact costs of the real network: multiply-accumulates and parameters."""

from __future__ import annotations

import numpy as np
import pandas as pd

from autobuild_pipelines.networks import Costs
from autobuild_pipelines.spaces import ArchitectureArray


class CostEvaluator:
    """One additive cost of architectures, exact.

    Args:
        metric: Its name.
        costs: As `networks.mac_costs`, `networks.parameter_costs` or `networks.unet_costs.UNetCostTable` give it.
        unit: The size of the metric's unit: 1e9 gives a cost in billions.
    """

    support: ArchitectureArray | None = None

    def __init__(self, metric: str, costs: Costs, *, unit: float = 1.0) -> None:
        self.metrics: tuple[str, ...] = (metric,)
        self._costs = costs
        self._unit = unit

    def evaluate(self, array: ArchitectureArray) -> pd.DataFrame:
        """The costs [n, 1] as float64 (integers below 2^53, divided by the unit)."""
        return pd.DataFrame({self.metrics[0]: self._costs.total(array).astype(np.float64) / self._unit})
