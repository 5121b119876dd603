"""Nodes of `verification`."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from autobuild_pipelines.evaluators import EvaluationError, Evaluator
from autobuild_pipelines.evaluators.latency import LATENCY_MS, SPREAD
from autobuild_pipelines.evaluators.protocol import ERROR
from autobuild_pipelines.predictors import prediction_metrics
from autobuild_pipelines.reporting import verification_figure
from autobuild_pipelines.spaces import SearchSpace, from_table

logger = logging.getLogger(__name__)

ALL = "all"
_COLUMNS = ["target", "method", "rank", "architecture_id", "units", "metric_sources"]


def measure_built(
    space: SearchSpace, built_architectures: pd.DataFrame, evaluator: Evaluator, settings: Mapping[str, Any]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Measure the latency of architectures built by one method, and compare it with the metric that the search used.

    Args:
        space: The search space.
        built_architectures: With the metric.
        evaluator: Measures `latency_ms` on this machine.
        settings: `metric`, the column to compare with; `method`, whose architectures are measured.

    Returns:
        Tables `verified_architectures` and `verification_metrics`; architectures that could not be measured stand in
        neither but as a count.

    Raises:
        EvaluationError: There is no such metric or method.
    """
    metric, method = settings["metric"], settings["method"]
    chosen = built_architectures[built_architectures["method"] == method].reset_index(drop=True)
    if metric not in built_architectures or chosen.empty:
        raise EvaluationError(
            f"verification: nothing was built by method {method!r} that has the metric {metric!r}; built_architectures "
            f"has the methods {sorted(built_architectures['method'].unique())}"
        )
    measured = evaluator.evaluate(from_table(space, chosen)).reset_index(drop=True)
    table = chosen[_COLUMNS].assign(
        expected_ms=chosen[metric].astype(float),
        measured_ms=measured[LATENCY_MS],
        measured_spread=measured[SPREAD],
    )
    if ERROR in measured and len(errors := measured[ERROR].dropna()):
        logger.warning("%d built architectures could not be measured: %s", len(errors), errors.iloc[0])
    kept = table.dropna(subset=["measured_ms", "expected_ms"]).reset_index(drop=True)
    return kept, _metrics(table, kept)


def _metrics(table: pd.DataFrame, kept: pd.DataFrame) -> pd.DataFrame:
    rows: list[tuple[str, str, float]] = []
    for target in [*dict.fromkeys(table["target"]), ALL]:
        asked, known = (part if target == ALL else part[part["target"] == target] for part in (table, kept))
        # One architecture may be built for several targets: it counts once.
        asked, known = (part.drop_duplicates("architecture_id") for part in (asked, known))
        expected, true = known["expected_ms"].to_numpy(), known["measured_ms"].to_numpy()
        rows += [(target, "architectures", float(len(known))), (target, "failed", float(len(asked) - len(known)))]
        if len(known) > 1:
            found = prediction_metrics(expected, true)
            rows += [
                (target, "spearman", found["spearman"]),
                (target, "mae_ms", found["mae"]),
                (target, "bias_ms", found["bias"]),
                (target, "mean_ape", float((abs(expected - true) / true).mean())),
            ]
    return pd.DataFrame(rows, columns=["target", "metric", "value"])


def draw_verification(
    space: SearchSpace, verified: pd.DataFrame, metrics: pd.DataFrame, settings: Mapping[str, Any]
) -> go.Figure:
    """Expected against measured latency of built architectures."""
    title = space.declaration.title or space.name
    return verification_figure(verified, metrics, metric=settings["metric"], space=title)
