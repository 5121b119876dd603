"""Sequence graphs: every layer a node, an edge from each layer to the next, batched as one flat run of nodes.

Nodes of all architectures stand one after the other; a pointer array marks where each architecture starts. The edge
list is implied: node i receives from node i - 1 unless it starts an architecture. Nodes with equal features share a
`word`, so that the FE-MLP is evaluated once per distinct node (540 for OFA-MBv3) instead of once per node.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from autobuild_pipelines.graphs.features import FeatureSchema
from autobuild_pipelines.spaces import ABSENT, ArchitectureArray, SearchSpace

Integers = NDArray[np.integer] | np.integer | int


class Vocabulary:
    """All distinct nodes of a space: every (slot, layer code, graph-level choice) numbered as a word.

    Args:
        space: The search space.

    Attributes:
        features: [words, categories] int64, numbered through all categories (see `FeatureSchema.offsets`).
    """

    def __init__(self, space: SearchSpace) -> None:
        self.schema = FeatureSchema.of(space)
        self._layers = len(space.vocabulary)
        self._graph_sizes = [len(f.choices) for f in space.declaration.graph_features.values()]
        self._contexts = int(np.prod(self._graph_sizes, dtype=np.int64))
        self.features = self._features(space)

    def words(
        self, slots: NDArray[np.integer], codes: NDArray[np.integer], graph: NDArray[np.integer]
    ) -> NDArray[np.int64]:
        """Word of every node.

        Args:
            slots: [...] slot of the node.
            codes: [...] layer code.
            graph: [..., graph features] graph-level codes of its architecture.
        """
        context = np.zeros(np.shape(codes), dtype=np.int64)
        for column, size in enumerate(self._graph_sizes):
            context = context * size + graph[..., column]
        return (np.asarray(slots, dtype=np.int64) * self._layers + codes) * self._contexts + context

    def _features(self, space: SearchSpace) -> NDArray[np.int64]:
        slot, code, context = np.indices((space.slots, self._layers, self._contexts), dtype=np.int64).reshape(3, -1)
        positions = {"unit": space.slot_units, "layer": space.slot_positions}
        columns = [positions[name][slot] for name in space.declaration.position_features]
        columns += [values[space.slot_units[slot]] for values in space.unit_values]
        searched = {name: column for column, name in enumerate(space.features)}
        for name, feature in space.declaration.layer_features.items():
            if name in searched:
                columns.append(space.vocabulary[code, searched[name]].astype(np.int64))
            else:
                constant = next(i for i, choice in enumerate(feature.choices) if choice == feature.value)
                columns.append(np.full(len(slot), constant, dtype=np.int64))
        if self._graph_sizes:
            columns.extend(np.unravel_index(context, self._graph_sizes))
        return np.stack(columns, axis=1).astype(np.int64) + self.schema.offsets


@dataclass(frozen=True, eq=False)
class SequenceGraphs:
    """A batch of sequence graphs.

    Attributes:
        nodes: [N] int64, the word of every node; the nodes of one graph are adjacent, in order.
        pointer: [n + 1] int64, graph g holds nodes pointer[g] to pointer[g + 1] - 1.
    """

    nodes: Tensor
    pointer: Tensor

    def __len__(self) -> int:
        return len(self.pointer) - 1

    @property
    def lengths(self) -> Tensor:
        """[n] nodes of every graph."""
        return self.pointer[1:] - self.pointer[:-1]

    @property
    def starts(self) -> Tensor:
        """[n] the first node of every graph."""
        return self.pointer[:-1]

    @property
    def graph_of_nodes(self) -> Tensor:
        """[N] number of the graph of every node."""
        return torch.repeat_interleave(torch.arange(len(self), device=self.nodes.device), self.lengths)

    def take(self, rows: Tensor) -> SequenceGraphs:
        """The graphs at `rows` [k] int64, in that order."""
        lengths = self.lengths[rows]
        pointer = torch.zeros(len(rows) + 1, dtype=torch.int64, device=lengths.device)
        torch.cumsum(lengths, 0, out=pointer[1:])
        shift = torch.repeat_interleave(self.starts[rows] - pointer[:-1], lengths)
        return SequenceGraphs(self.nodes[shift + torch.arange(len(shift), device=shift.device)], pointer)

    def to(self, device: torch.device | str) -> SequenceGraphs:
        """The same batch on another device."""
        return SequenceGraphs(self.nodes.to(device), self.pointer.to(device))

    def edge_index(self) -> Tensor:
        """[2, N - n] the edges as torch_geometric writes them (source, target)."""
        target = torch.ones(len(self.nodes), dtype=torch.bool)
        target[self.starts] = False
        index = torch.nonzero(target).squeeze(1)
        return torch.stack([index - 1, index])


def sequence_graphs(
    space: SearchSpace, array: ArchitectureArray, vocabulary: Vocabulary | None = None
) -> SequenceGraphs:
    """Sequence graphs of encoded architectures (§7.1: one node a layer, an edge to the next layer)."""
    vocabulary = vocabulary or Vocabulary(space)
    row, slot = np.nonzero(array.layers != ABSENT)
    words = vocabulary.words(slot, array.layers[row, slot], array.graph[row])
    pointer = np.concatenate([[0], np.cumsum((array.layers != ABSENT).sum(axis=1))]).astype(np.int64)
    return SequenceGraphs(torch.from_numpy(words), torch.from_numpy(pointer))
