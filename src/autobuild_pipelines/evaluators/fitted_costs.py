"""A label that is a straight line over an exact cost: the line comes from labelled architectures, the rest is exact."""

from __future__ import annotations

import logging

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from autobuild_pipelines.evaluators.protocol import EvaluationError
from autobuild_pipelines.networks import LayerCosts
from autobuild_pipelines.spaces import ArchitectureArray

log = logging.getLogger(__name__)

SUFFICIENT = 0.99
"""The least share of the label's variance that a line must explain for it to be taken."""


class FittedCostEvaluator:
    """`intercept + slope * cost`, with the line of least squares through labelled architectures.

    The FLOPs of a whole segmentation network are such a label: its neck and heads are the same for every backbone (the
    intercept), and the images that they were counted on differ from the assumed ones by a factor (the slope).

    Args:
        metric: Its name.
        costs: The exact cost of every layer.
        array: Labelled architectures.
        labels: [n] their labels.

    Raises:
        EvaluationError: There are too few architectures for a line, or the label is no straight line over the cost.
    """

    support: ArchitectureArray | None = None

    def __init__(
        self, metric: str, costs: LayerCosts[np.int64], array: ArchitectureArray, labels: NDArray[np.float64]
    ) -> None:
        self.metrics: tuple[str, ...] = (metric,)
        self._costs = costs
        cost = costs.total(array).astype(np.float64)
        if len(np.unique(cost)) < 3:
            raise EvaluationError(f"metric {metric!r}: {len(cost)} labelled architectures are too few for a line")
        self.slope, self.intercept = np.polyfit(cost, labels, 1)
        residual = labels - self.intercept - self.slope * cost
        self.explained = float(1 - residual.var() / labels.var()) if labels.var() else 0.0
        if self.explained < SUFFICIENT:
            raise EvaluationError(
                f"metric {metric!r}: a line over the exact cost explains {self.explained:.1%} of the label's variance, "
                f"at least {SUFFICIENT:.0%} is expected; take a predictor (type 'predictor') for it"
            )
        self.deviation = float(residual.std())
        log.info(
            "metric %r: %.6g + %.6g x cost, %.4f %% of the variance, residual deviation %.3g",
            *(metric, self.intercept, self.slope, 100 * self.explained, self.deviation),
        )

    def evaluate(self, array: ArchitectureArray) -> pd.DataFrame:
        """The line's values [n, 1], in the label's unit."""
        return pd.DataFrame({self.metrics[0]: self.intercept + self.slope * self._costs.total(array)})
