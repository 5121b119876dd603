"""The paper's module score (Eq. 5, §7.3): a shifted, rescaled embedding norm of the module fed alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from autobuild_pipelines.graphs import Vocabulary
from autobuild_pipelines.predictors import TrainedPredictors
from autobuild_pipelines.scoring.errors import ScoringError
from autobuild_pipelines.scoring.layout import by_layout
from autobuild_pipelines.scoring.windows import HopRecursion, State, Windows
from autobuild_pipelines.spaces import Codes, RankingUnit, module_depths


def eq5_scores(
    predictors: TrainedPredictors,
    unit: RankingUnit,
    modules: Codes,
    label_statistics: pd.DataFrame,
    *,
    graph: Mapping[str, Any] | None = None,
    min_count: int = 10,
) -> NDArray[np.float64]:
    """Eq. 5 with l = m + 1:

        score = μ_ul + σ_ul · (‖h_root^m‖₁ − μ_m) / σ_m

    where μ_ul and σ_ul are the labels' mean and deviation over architectures whose unit u has l layers, μ_m and σ_m
    those of all nodes' norms at hop m, and the root is the module's last node, which at hop m = l - 1 sees exactly the
    module.

    Args:
        predictors: With their hop moments.
        unit: The ranking unit of the modules.
        modules: [modules, slots of the unit] layer codes.
        label_statistics: Columns target, unit, layers, mean, std, count (see `label_statistics`).
        graph: Graph-level values that the modules' nodes carry (declared defaults where left out).
        min_count: Fewest architectures that a (unit, layers) cell needs.

    Returns:
        [targets, ensemble, modules] scores of every member on the targets' own scale.

    Raises:
        ScoringError: A (unit, layers) cell has too few architectures, or a module is deeper than the predictor.
    """
    depths = module_depths(modules)
    norms = root_norms(predictors, unit, modules, graph=graph)
    hop_mean, hop_std = predictors.by_target(predictors.hop_mean), predictors.by_target(predictors.hop_std)
    scores = np.empty_like(norms)
    for index, target in enumerate(predictors.targets):
        for depth in np.unique(depths).tolist():
            mean, std = _cell(label_statistics, target, unit, depth, min_count)
            rows = depths == depth
            shifted = norms[index][:, rows] - hop_mean[index, :, depth - 1, None]
            scores[index][:, rows] = mean + std * shifted / hop_std[index, :, depth - 1, None]
    return scores


def root_norms(
    predictors: TrainedPredictors,
    unit: RankingUnit,
    modules: Codes,
    *,
    graph: Mapping[str, Any] | None = None,
    last_hop: bool = False,
) -> NDArray[np.float64]:
    """L1 norm of each module's last node at hop (layers - 1), the module being the whole graph.

    Args:
        predictors: The trained predictors.
        unit: The ranking unit of the modules.
        modules: [modules, slots of the unit] layer codes.
        graph: Graph-level values that the modules' nodes carry (declared defaults where left out).
        last_hop: Take the last hop of modules that have more layers than it sees, in place of refusing them.

    Returns:
        [targets, ensemble, modules].

    Raises:
        ScoringError: A module is deeper than the predictor.
    """
    deepest = int(module_depths(modules).max(initial=0))
    if not last_hop and deepest > predictors.model.hops + 1:
        raise ScoringError(
            f"{predictors.space.name}: unit {unit.number} has modules of {deepest} layers; a predictor of "
            f"{predictors.model.hops} message-passing layers sees at most {predictors.model.hops + 1}"
        )
    context = predictors.space.graph_code(graph)
    vocabulary = Vocabulary(predictors.space)
    out = np.empty((predictors.model.members, len(modules)))
    with torch.inference_mode():
        table = predictors.model.fe_mlp(torch.from_numpy(vocabulary.features).to(predictors.device))
        for slots, rows in by_layout(modules):
            part = modules[rows][:, slots]
            words = vocabulary.words(unit.start + slots, part, np.broadcast_to(context, (*part.shape, len(context))))
            root = _root(predictors, table, Windows(part, predictors.device), words)
            norms = root.values.abs().sum(-1)[:, 0]
            assert root.row_of is not None
            out[:, rows] = norms.index_select(1, root.row_of).cpu().numpy()
    return predictors.by_target(out)


def _root(predictors: TrainedPredictors, table: Tensor, windows: Windows, words: NDArray[np.int64]) -> State:
    """State of the last node at hop length - 1 (or the last hop), from the triangle of states below it."""
    recursion = HopRecursion(predictors.model, windows)
    line: list[State] = []
    for position in range(windows.length):
        representatives, row_of = windows.distinct(position, position + 1)
        word = torch.from_numpy(words[:, position]).to(table.device)[representatives]
        line.append(State(table[:, word].unsqueeze(1), row_of))
    for hop in range(min(windows.length - 1, predictors.model.hops)):
        # After this step, entry p holds node p at hop + 1; nodes before position hop + 1 are no longer needed.
        line = [line[0]] * (hop + 1) + [
            recursion.advance(hop, line[p], line[p - 1], (p - hop - 1, p + 1)) for p in range(hop + 1, windows.length)
        ]
    return line[-1]


def _cell(statistics: pd.DataFrame, target: str, unit: RankingUnit, depth: int, min_count: int) -> tuple[float, float]:
    match = (statistics["target"] == target) & (statistics["unit"] == unit.number) & (statistics["layers"] == depth)
    cell = statistics[match]
    count = int(cell["count"].iloc[0]) if len(cell) else 0
    if count < max(min_count, 2):
        raise ScoringError(
            f"unit {unit.number} ({unit.name}) with {depth} layers has {count} labelled architectures for target "
            f"{target!r}, Eq. 5 needs at least {max(min_count, 2)}; add such architectures, lower scoring.min_count, "
            "or use other scoring.methods, such as contextual or norm_constrained"
        )
    return float(cell["mean"].iloc[0]), float(cell["std"].iloc[0])
