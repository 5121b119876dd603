"""Scores of every module of every unit for every target, as one table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from autobuild_pipelines.predictors import TrainedPredictors
from autobuild_pipelines.scoring.contextual import contextual_scores
from autobuild_pipelines.scoring.embedding_norm import embedding_norm_scores
from autobuild_pipelines.scoring.eq5 import eq5_scores
from autobuild_pipelines.scoring.errors import ScoringError
from autobuild_pipelines.scoring.uncertainty import uncertainty
from autobuild_pipelines.spaces import ArchitectureArray, Codes, module_depths

METHODS = ("eq5", "contextual", "norm_constrained", "norm_unconstrained")
"""Eq. 5 (§7.3), contextual scores, and norms for few labels (see `embedding_norm_scores`), normalised within a number
of layers (AutoBuild Constrained, §7.9) or within the unit (Unconstrained, §7.10)."""


def score_modules(
    predictors: TrainedPredictors,
    *,
    methods: Sequence[str],
    label_statistics: pd.DataFrame,
    contexts: ArchitectureArray,
    graph: Mapping[str, Any] | None = None,
    min_count: int = 10,
    confidence: float = 0.9,
    progress: bool = True,
) -> pd.DataFrame:
    """Score all modules of all ranking units.

    Args:
        predictors: One per target.
        methods: Which scores, of `METHODS`.
        label_statistics: For Eq. 5, see `label_statistics`.
        contexts: For contextual scores; see `choose_contexts`.
        graph: Graph-level values at which Eq. 5 and the norms feed modules.
        min_count: Fewest architectures in a (unit, layers) cell for Eq. 5.
        confidence: Of what an ensemble says about ranks, see `uncertainty`.
        progress: Show progress bars.

    Returns:
        Columns unit (1-based ranking unit), module (JSON list of layer objects), layers, target, method, score (of an
        ensemble, its members' mean), standard_error (of that mean; NaN with one predictor per target), rank (1 is best
        within unit, target and method; ties in enumeration order), rank_low, rank_high, distinguishable (from the best;
        see `Uncertainty`).

    Raises:
        ScoringError: Unknown method, or see `eq5_scores`.
        UncertaintyError: `confidence` is not between 0 and 1.
    """
    if unknown := [m for m in methods if m not in METHODS]:
        raise ScoringError(f"scoring.methods: {unknown} not in {list(METHODS)}")
    parts = []
    for unit in predictors.space.ranking_units:
        modules = unit.module_array()
        scores: dict[str, NDArray[np.float64]] = {}
        if "eq5" in methods:
            scores["eq5"] = eq5_scores(predictors, unit, modules, label_statistics, graph=graph, min_count=min_count)
        if "contextual" in methods:
            scores["contextual"] = contextual_scores(predictors, unit, modules, contexts, progress=progress)
        for method in ("norm_constrained", "norm_unconstrained"):
            if method in methods:
                within = method == "norm_constrained"
                scores[method] = embedding_norm_scores(predictors, unit, modules, within_layers=within, graph=graph)
        parts.append(_table(predictors, unit.number, modules, scores, confidence))
    return pd.concat(parts, ignore_index=True)


def _table(
    predictors: TrainedPredictors,
    unit: int,
    modules: Codes,
    scores: Mapping[str, NDArray[np.float64]],
    confidence: float,
) -> pd.DataFrame:
    text = predictors.space.module_json(modules)
    depths = module_depths(modules)
    frames = []
    for method, values in scores.items():
        for target, of_members in zip(predictors.targets, values, strict=True):
            score = of_members.mean(axis=0)
            rank = np.empty(len(score), dtype=np.int64)
            rank[np.argsort(-score, kind="stable")] = np.arange(1, len(score) + 1)
            known = uncertainty(of_members, depths, confidence=confidence)
            frames.append(
                pd.DataFrame(
                    {
                        "unit": unit,
                        "module": text,
                        "layers": depths,
                        "target": target,
                        "method": method,
                        "score": score,
                        "standard_error": known.standard_error,
                        "rank": rank,
                        "rank_low": known.rank_low,
                        "rank_high": known.rank_high,
                        "distinguishable": known.distinguishable,
                    }
                )
            )
    return pd.concat(frames, ignore_index=True)
