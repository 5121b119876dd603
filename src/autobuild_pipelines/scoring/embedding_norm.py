"""Module scores from fewer than 100 labels (§7.9, §7.10): embedding norms, normalised within a unit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autobuild_pipelines.predictors import TrainedPredictors
from autobuild_pipelines.scoring.eq5 import root_norms
from autobuild_pipelines.spaces import Codes, RankingUnit, module_depths


def embedding_norm_scores(
    predictors: TrainedPredictors,
    unit: RankingUnit,
    modules: Codes,
    *,
    within_layers: bool,
    graph: Mapping[str, Any] | None = None,
) -> NDArray[np.float64]:
    r"""L1 norm of each module's root embedding at hop m = l - 1, normalised to N(0, 1) for every member on its own.

    It takes the place of Eq. 5 where there are too few labels for its statistics. Norms grow with the hop, so which
    modules are normalised together decides whether those of different numbers of layers can be compared.

    Args:
        predictors: Their ranking loss has made norms grow with the target (Eq. 4).
        unit: The ranking unit of the modules.
        modules: [modules, slots of the unit] layer codes: all modules of the unit, since they are what scores are
            normalised over.
        within_layers: Normalise over the modules with as many layers (AutoBuild Constrained, §7.9), whose scores are
            comparable among themselves only; else over all modules of the unit (Unconstrained, §7.10).
        graph: Graph-level values that the modules' nodes carry (declared defaults where left out).

    Returns:
        [targets, ensemble, modules]: of every member, without unit; 0 where all norms of a group are the same, as that
        of the only module of its kind. A module with more layers than the predictor's M + 1 hops is seen by its last
        M + 1 layers.
    """
    norms = root_norms(predictors, unit, modules, graph=graph, last_hop=True)
    depths = module_depths(modules)
    scores = np.empty_like(norms)
    for depth in np.unique(depths) if within_layers else [None]:
        rows = np.full(len(modules), True) if depth is None else depths == depth
        found = norms[..., rows]
        centred = found - found.mean(axis=-1, keepdims=True)
        std = found.std(axis=-1, keepdims=True)
        # A deviation of rounding errors is none.
        told_apart = std > 1e-6 * np.abs(found).max(axis=-1, keepdims=True)
        scores[..., rows] = np.where(told_apart, centred / np.where(told_apart, std, 1.0), 0.0)
    return scores
