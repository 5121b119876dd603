"""Operator graphs as arrays that learning works on: nodes that an encoder cannot tell apart count once.

A network is made of few kinds of blocks, so most of the nodes of many networks have the same in-neighbourhood as
others: of the 77,000 nodes of 300 OFA networks some hundreds differ at hop 0, and some thousands at hop 4. An encoder
gives nodes of the same m-hop in-neighbourhood the same embedding at hop m; a batch computes each embedding once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from autobuild_pipelines.graphs.features import FeatureSchema
from autobuild_pipelines.graphs.neighbourhoods import Hashes, neighbourhood_hashes
from autobuild_pipelines.graphs.operator_arrays import pack
from autobuild_pipelines.graphs.operator_features import Packed, distinct_rows, operator_features
from autobuild_pipelines.graphs.operator_graph import OperatorGraph


@dataclass(frozen=True, eq=False)
class HopClasses:
    """The k distinct m-hop in-neighbourhoods of a batch's nodes, m being one hop.

    Attributes:
        own: [k] int64, the root's class one hop below; at hop 0, a word.
        source, target: [e] int64, edges from classes one hop below into these classes; empty at hop 0.
        share: [k] the share of all nodes that have this class.
        counts: [n, k] how many nodes of each graph have it.
        of_nodes: [N] int64, the class of every node.
    """

    own: Tensor
    source: Tensor
    target: Tensor
    share: Tensor
    counts: Tensor
    of_nodes: Tensor


@dataclass(frozen=True, eq=False)
class OperatorBatch:
    """Any number of operator graphs.

    Attributes:
        schema: The categories of their nodes.
        features: [words, categories] int64, the distinct nodes, numbered through all categories as in `Vocabulary`.
        words: [N] int64, the word of every node; the nodes of one graph are adjacent, in topological order.
        offsets: [n + 1] int64, graph g holds nodes offsets[g] to offsets[g + 1] - 1.
        sources: [E] int64, source nodes of all edges, sorted by target.
        in_offsets: [N + 1] int64, where each node's edges start in `sources`.
    """

    schema: FeatureSchema
    features: NDArray[np.int64]
    words: NDArray[np.int64]
    offsets: NDArray[np.int64]
    sources: NDArray[np.int64]
    in_offsets: NDArray[np.int64]

    @classmethod
    def of(cls, graphs: Sequence[OperatorGraph], known: FeatureSchema | None = None) -> OperatorBatch:
        """The batch of these graphs; `known` as in `operator_features`."""
        return cls.from_packed(pack(graphs), known)

    @classmethod
    def from_packed(cls, packed: Packed, known: FeatureSchema | None = None) -> OperatorBatch:
        """The batch of packed graphs.

        Args:
            packed: As `pack` writes them.
            known: As in `operator_features`.

        Raises:
            OperatorFeatureError: A node has a value that `known` lacks.
        """
        schema, codes = operator_features(packed, known)
        first, words = distinct_rows(codes)
        sources, in_offsets = incoming(packed)
        offsets = packed["node_offsets"].astype(np.int64)
        return cls(schema, codes[first] + schema.offsets, words, offsets, sources, in_offsets)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def lengths(self) -> NDArray[np.int64]:
        """[n] nodes of every graph."""
        return np.diff(self.offsets)

    def nodes(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """The nodes of the graphs at `rows`, one graph after the other."""
        return _ranges(self.offsets, rows)[0]

    def hashes(self, hops: int) -> Hashes:
        """[hops + 1, N] hashes of in-neighbourhoods, equal where an encoder cannot tell nodes apart."""
        return neighbourhood_hashes(self.words.astype(np.uint64), self.sources, self.in_offsets, hops)

    def take(self, rows: NDArray[np.int64]) -> OperatorBatch:
        """The graphs at `rows` [k], in that order, with the same words."""
        nodes, offsets = _ranges(self.offsets, rows)
        edges, in_offsets = _ranges(self.in_offsets, nodes)
        # Where a node of the whole stands in the part: a graph's nodes have moved together.
        moved = np.repeat(self.offsets[rows] - offsets[:-1], np.diff(offsets))
        sources = self.sources[edges] - np.repeat(moved, np.diff(in_offsets))
        words = self.words[nodes]
        return replace(self, words=words, offsets=offsets, sources=sources, in_offsets=in_offsets)

    def classes(self, hashes: Hashes, device: torch.device | None = None) -> list[HopClasses]:
        """The distinct in-neighbourhoods of hop 0 to M.

        Args:
            hashes: [M + 1, N] as `hashes` gives them.
            device: Where the tensors are to be.
        """
        n, nodes = len(self), len(self.words)
        graph = np.repeat(np.arange(n), self.lengths)
        found: list[HopClasses] = []
        below = np.zeros(0, dtype=np.int64)
        for hop, level in enumerate(hashes):
            _, roots, of_nodes = np.unique(level, return_index=True, return_inverse=True)
            of_nodes, k = of_nodes.reshape(-1), len(roots)
            own, source, target = self.words[roots], below[:0], below[:0]
            if hop:
                edges, in_offsets = _ranges(self.in_offsets, roots)
                own, source = below[roots], below[self.sources[edges]]
                target = np.repeat(np.arange(k), np.diff(in_offsets))
            share = (np.bincount(of_nodes, minlength=k) / max(nodes, 1)).astype(np.float32)
            counts = np.bincount(graph * k + of_nodes, minlength=n * k).reshape(n, k).astype(np.float32)
            arrays = (own, source, target, share, counts, of_nodes)
            found.append(HopClasses(*(torch.from_numpy(array).to(device) for array in arrays)))
            below = of_nodes
        return found


def incoming(packed: Packed) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Source nodes [E] of all edges sorted by target, nodes counted through all graphs, and offsets [N + 1]."""
    nodes, edges = packed["node_offsets"].astype(np.int64), packed["edge_offsets"].astype(np.int64)
    source, target = packed["edges"].astype(np.int64) + np.repeat(nodes[:-1], np.diff(edges))
    order = np.argsort(target, kind="stable")
    counts = np.bincount(target, minlength=int(nodes[-1]))
    return source[order], np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


def _ranges(offsets: NDArray[np.int64], rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The numbers offsets[r] to offsets[r + 1] - 1 of every row one after the other, and where each row's start."""
    lengths = offsets[rows + 1] - offsets[rows]
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return np.arange(starts[-1]) + np.repeat(offsets[rows] - starts[:-1], lengths), starts
