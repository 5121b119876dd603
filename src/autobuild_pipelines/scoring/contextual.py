"""Contextual module scores (method 3b): what the predictor says of whole networks that contain the module."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from autobuild_pipelines.graphs import SequenceGraphs, Vocabulary, sequence_graphs
from autobuild_pipelines.predictors import TrainedPredictors
from autobuild_pipelines.predictors.threads import keep_freed_memory
from autobuild_pipelines.scoring.contexts import contexts_with
from autobuild_pipelines.scoring.layout import by_layout
from autobuild_pipelines.scoring.windows import HopRecursion, State, Windows
from autobuild_pipelines.spaces import ArchitectureArray, Codes, RankingUnit

ROWS_AT_ONCE = 131_072
"""Modules × contexts × predictors worked on together: states stay in the processor's cache, memory stays small."""


def contextual_scores(
    predictors: TrainedPredictors,
    unit: RankingUnit,
    modules: Codes,
    contexts: ArchitectureArray,
    *,
    progress: bool = False,
) -> NDArray[np.float64]:
    """Mean over contexts of the prediction for the context with its unit replaced by the module.

    Where units share variables, the context's other units change with the module, see `contexts_with`: a score is that
    of valid networks.

    Args:
        predictors: The trained predictors.
        unit: The ranking unit of the modules.
        modules: [modules, slots of the unit] layer codes.
        contexts: Architectures of the predictors' space; their own module in `unit` does not matter.
        progress: Show a progress bar.

    Returns:
        [targets, ensemble, modules] scores of every member on the targets' own scale.

    Raises:
        ScoringError: A context is not of the space.
    """
    keep_freed_memory()
    total = torch.zeros(predictors.model.members, len(modules), dtype=torch.float64)
    parts = unit.part_of(modules)
    with tqdm(
        total=len(modules) * len(contexts), desc=f"scoring unit {unit.number}", unit="network", disable=not progress
    ) as bar:
        for part in np.unique(parts).tolist():
            rows = np.flatnonzero(parts == part)
            around = contexts_with(predictors.space, unit, part, contexts)
            total[:, rows] = _total(_Contexts(predictors, unit, around), modules[rows], bar)
    return predictors.rescale(predictors.by_target((total / len(contexts)).numpy()))


def _total(runner: _Contexts, modules: Codes, bar: tqdm[Any]) -> Tensor:
    """[members, modules] sums over contexts of standardised predictions."""
    predictors, contexts = runner.predictors, runner.contexts
    total = torch.zeros(predictors.model.members, len(modules), dtype=torch.float64)
    with torch.inference_mode():
        for slots, rows in by_layout(modules):
            windows = Windows(modules[rows][:, slots], predictors.device)
            size = max(1, ROWS_AT_ONCE // (len(rows) * predictors.model.members))
            for start in range(0, len(contexts), size):
                chosen = slice(start, min(start + size, len(contexts)))
                predicted = runner.predict(slots, windows, chosen)
                total[:, rows] += predicted.double().sum(1).cpu()
                bar.update(predicted.shape[1] * predicted.shape[2])
    return total


@dataclass(frozen=True, eq=False)
class _Surroundings:
    """What a context contributes around the module, per context c.

    Attributes:
        before: Hop 0 to M - 1 of the last node before the unit, each [members, contexts, 1, width]; None if none is.
        after: Hop 0 to M - 1 of the k-th node after the unit, k = 0 .. M - 1, as in `before` (padded at the end).
        after_present: [contexts, M] 1.0 where that node exists.
        rest: [members, contexts, width] sum of hop-M embeddings of nodes that the module does not reach.
        nodes: [contexts] nodes outside the unit.
        additive: [members, contexts] the predictor's additive term without the unit's nodes; None if it has none.
    """

    before: list[Tensor] | None
    after: list[list[Tensor]]
    after_present: Tensor
    rest: Tensor
    nodes: Tensor
    additive: Tensor | None


class _Contexts:
    """Runs modules inside contexts; context nodes are embedded once."""

    def __init__(self, predictors: TrainedPredictors, unit: RankingUnit, contexts: ArchitectureArray) -> None:
        self.predictors, self.unit, self.contexts = predictors, unit, contexts
        self.model = predictors.model
        self.vocabulary = Vocabulary(predictors.space)
        with torch.inference_mode():
            features = torch.from_numpy(self.vocabulary.features).to(predictors.device)
            self.table = self.model.fe_mlp(features)
            self.additive = None if self.model.additive is None else self.model.additive.words(features)
            graphs = sequence_graphs(predictors.space, contexts, self.vocabulary).to(predictors.device)
            hops = self.model.node_embeddings(features, graphs)
            self.around = self._surroundings(features, graphs, hops)

    def predict(self, slots: NDArray[np.int64], windows: Windows, chosen: slice) -> Tensor:
        """Standardised predictions [members, contexts, modules] with the modules of one layout in the unit."""
        hops, length = self.model.hops, windows.length
        recursion = HopRecursion(self.model, windows)
        before = None
        if self.around.before is not None:
            before = [State(hop[:, chosen]) for hop in self.around.before]
        total = self.around.rest[:, chosen].unsqueeze(2)
        previous = before
        for position in range(length):
            line = [self._layer_state(slots, windows, position, chosen)]
            for hop in range(hops):
                window = (max(0, position - hop - 1), position + 1)
                line.append(recursion.advance(hop, line[hop], None if previous is None else previous[hop], window))
            total = total + line[hops].expand()
            previous = line
        assert previous is not None
        for distance in range(hops):
            # Hops up to `distance` of this node do not reach the module: they are the context's own.
            line = [State(hop[:, chosen]) for hop in self.around.after[distance][: distance + 1]]
            for hop in range(distance, hops):
                window = (max(0, length + distance - hop - 1), length)
                line.append(recursion.advance(hop, line[hop], previous[hop], window))
            present = self.around.after_present[chosen, distance]
            total = total + line[hops].expand() * present[:, None, None]
            previous = line
        if self.model.settings.aggregation == "mean":
            total = total / (self.around.nodes[chosen] + length)[:, None, None]
        members, contexts, modules, _ = total.shape
        predicted = self.model.regress(total.flatten(1, 2)).view(members, contexts, modules)
        if self.around.additive is None or self.additive is None:
            return predicted
        own = sum(self._words(slots, windows.modules[:, p], p, chosen, self.additive) for p in range(length))
        return predicted + self.around.additive[:, chosen, None] + own

    def _layer_state(self, slots: NDArray[np.int64], windows: Windows, position: int, chosen: slice) -> State:
        representatives, row_of = windows.distinct(position, position + 1)
        codes = windows.modules[representatives.cpu().numpy(), position]
        return State(self._words(slots, codes, position, chosen, self.table), row_of)

    def _words(
        self, slots: NDArray[np.int64], codes: NDArray[np.int64], position: int, chosen: slice, table: Tensor
    ) -> Tensor:
        """[members, contexts, codes, ...] what `table` [members, words, ...] has for layer codes at a position."""
        graph = self.contexts.graph[chosen]
        shape = (len(graph), len(codes))
        words = self.vocabulary.words(
            self.unit.start + slots[position],
            np.broadcast_to(codes, shape),
            np.broadcast_to(graph[:, None], (*shape, graph.shape[1])),
        )
        return table[:, torch.from_numpy(words).to(table.device)]

    def _surroundings(self, features: Tensor, graphs: SequenceGraphs, hops: list[Tensor]) -> _Surroundings:
        layers = self.contexts.layers
        start, stop = self.unit.start, self.unit.start + self.unit.slots
        device = self.predictors.device
        count_before = torch.from_numpy((layers[:, :start] >= 0).sum(axis=1)).to(device)
        count_after = torch.from_numpy((layers[:, stop:] >= 0).sum(axis=1)).to(device)
        first_after = graphs.pointer[1:] - count_after
        depth = self.model.hops
        before = None
        if start > 0:
            last = graphs.starts + count_before - 1
            before = [hop[:, last].unsqueeze(2) for hop in hops[:depth]]
        after: list[list[Tensor]] = []
        limit = len(graphs.nodes) - 1
        for distance in range(depth):
            node = (first_after + distance).clamp_max(limit)
            after.append([hop[:, node].unsqueeze(2) for hop in hops[:depth]])
        present = torch.arange(depth, device=device) < count_after[:, None]
        return _Surroundings(
            before,
            after,
            present.float(),
            self._untouched(graphs, hops[-1], count_before, first_after),
            (count_before + count_after).float(),
            self._additive_outside(features, graphs, count_before, first_after),
        )

    def _additive_outside(
        self, features: Tensor, graphs: SequenceGraphs, before: Tensor, first_after: Tensor
    ) -> Tensor | None:
        if self.model.additive is None or self.additive is None:
            return None
        graph, node = graphs.graph_of_nodes, torch.arange(len(graphs.nodes), device=graphs.nodes.device)
        outside = (node < (graphs.starts + before)[graph]) | (node >= first_after[graph])
        total = self.additive.new_zeros(len(self.additive), len(graphs))
        total = total.index_add(1, graph, self.additive[:, graphs.nodes] * outside)
        return total + self.model.additive.of_graph(features)[:, graphs.nodes[graphs.starts]]

    def _untouched(self, graphs: SequenceGraphs, last_hop: Tensor, before: Tensor, first_after: Tensor) -> Tensor:
        """Sum of hop-M embeddings over nodes before the unit and over those M or more nodes behind it."""
        graph, node = graphs.graph_of_nodes, torch.arange(len(graphs.nodes), device=graphs.nodes.device)
        outside = (node < (graphs.starts + before)[graph]) | (node >= (first_after + self.model.hops)[graph])
        total = last_hop.new_zeros(len(last_hop), len(graphs), last_hop.shape[2])
        return total.index_add(1, graph, last_hop * outside[:, None])
