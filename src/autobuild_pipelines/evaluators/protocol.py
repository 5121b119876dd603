"""What every source of labels looks like to a search."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import pandas as pd

from autobuild_pipelines.spaces import ArchitectureArray

ERROR = "evaluation_error"
"""The column that says why an architecture could not be evaluated; None where it could."""


class EvaluationError(ValueError):
    """An evaluator is set up wrongly, or cannot evaluate an architecture; the message names the metric."""


class Evaluator(Protocol):
    """Gives architectures their metrics, many in one call."""

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of the columns that `evaluate` returns."""
        ...

    @property
    def support(self) -> ArchitectureArray | None:
        """The architectures that it can evaluate, distinct and in a fixed order; None means every one of the space."""
        ...

    def evaluate(self, array: ArchitectureArray) -> pd.DataFrame:
        """[n rows] the metric columns, float64 and finite, one row per architecture in the same order.

        An evaluator that may fail on single architectures adds the column `ERROR`: rows with an error in it have no
        metrics (NaN).

        Raises:
            EvaluationError: An architecture lies outside the support.
        """
        ...


def checked_evaluation(evaluator: Evaluator, array: ArchitectureArray) -> pd.DataFrame:
    """What `evaluator` returns for `array`, held to the protocol: n rows, its metrics in order, float64.

    Metrics are finite but for rows with an error; the column `ERROR` is there if the evaluator gave it, and last.

    Raises:
        EvaluationError: Names the metric and the first row that is wrong.
    """
    table = evaluator.evaluate(array)
    if missing := [metric for metric in evaluator.metrics if metric not in table.columns]:
        raise EvaluationError(f"evaluator of {list(evaluator.metrics)}: did not return {missing}")
    if len(table) != len(array):
        raise EvaluationError(
            f"evaluator of {list(evaluator.metrics)}: returned {len(table)} rows for {len(array)} architectures"
        )
    errors = None
    if ERROR in table:  # whatever stands for nothing there (pandas' own missing values) becomes None
        errors = pd.Series([error if isinstance(error, str) else None for error in table[ERROR]], dtype=object)
    evaluated = np.ones(len(table), dtype=bool) if errors is None else errors.isna().to_numpy(dtype=bool)
    table = table[list(evaluator.metrics)].astype(np.float64).reset_index(drop=True)
    for metric in evaluator.metrics:
        bad = np.flatnonzero(~np.isfinite(table[metric].to_numpy()) & evaluated)
        if len(bad):
            raise EvaluationError(
                f"metric {metric!r}: {table[metric].iloc[bad[0]]} for architecture {int(bad[0]) + 1} of {len(array)} "
                "is not finite"
            )
    return table if errors is None else table.where(pd.Series(evaluated)).assign(**{ERROR: errors})
