"""Which subgraphs of operator graphs make a network good: in-neighbourhoods ranked by their roots' embedding norms."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from autobuild_pipelines.graphs.neighbourhoods import Hashes, hash_names, label_hashes, neighbourhood_hashes
from autobuild_pipelines.graphs.operator_batch import incoming
from autobuild_pipelines.graphs.operator_features import Packed, distinct_rows
from autobuild_pipelines.predictors.operator_predictors import OperatorPredictors


def rank_subgraphs(
    predictors: OperatorPredictors,
    packed: Packed,
    ids: Sequence[str],
    labels: Mapping[str, NDArray[np.float64]],
    *,
    min_architectures: int = 5,
) -> pd.DataFrame:
    """Rank the m-hop in-neighbourhoods of all nodes, m = 0 to M, one of each isomorphism class (§7.6, Fig. 8).

    Classes are told apart by operations, channels, attributes and edges (see `subgraph_hashes`), not by the size of
    images. A class's score is the mean over its occurrences of the root's embedding norm, standardised within the hop
    (`OperatorPredictors.node_scores`).

    Args:
        predictors: Trained on such graphs.
        packed: n operator graphs.
        ids: [n] their architectures.
        labels: Target name to labels [n].
        min_architectures: Classes that occur in fewer architectures are left out: their scores say little.

    Returns:
        Sorted by target, hop and rank (1 is the best), columns target, hop, rank, subgraph (16 hexadecimal digits, the
        same for the same class in any table), operation, in_channels and out_channels of the root, score, score_std
        (over the occurrences), nodes and architectures (how many hold it), label_difference (mean label of the
        architectures with it less that of those without, on the target's scale; NaN if all have it), and an example,
        the occurrence whose score is nearest to the class's: architecture_id, node (its index in topological order),
        part (of the network that it stands in).
    """
    texts = json.loads(np.asarray(packed["vocabulary"], dtype=np.uint8).tobytes())
    scores = predictors.node_scores(predictors.read(packed))
    graph = np.repeat(np.arange(len(ids)), np.diff(packed["node_offsets"]))
    tables = []
    for hop, level in enumerate(subgraph_hashes(packed, predictors.hops)):
        classes = _Classes(level, graph, len(ids))
        kept = np.flatnonzero(classes.architectures >= min_architectures)
        for place, target in enumerate(predictors.targets):
            table = classes.table(scores[place, hop], labels[target], packed, texts, ids).iloc[kept]
            table = table.sort_values(["score", "subgraph"], ascending=[False, True], ignore_index=True)
            table.insert(0, "rank", np.arange(1, len(table) + 1))
            table.insert(0, "hop", hop)
            table.insert(0, "target", target)
            tables.append((place, table))
    return pd.concat([table for _, table in sorted(tables, key=lambda entry: entry[0])], ignore_index=True)


def subgraph_hashes(packed: Packed, hops: int) -> Hashes:
    """[hops + 1, N] Weisfeiler-Lehman hashes of in-neighbourhoods over operation, channels and attributes.

    They depend on nothing else: the same neighbourhood has the same hash in any network, run and process.
    """
    texts = json.loads(np.asarray(packed["vocabulary"], dtype=np.uint8).tobytes())
    channels = (packed["in_shapes"][:, 0], packed["out_shapes"][:, 0])
    rows = np.stack([packed["operations"], packed["attributes"], *channels], axis=1).astype(np.int64)
    first, label_of = distinct_rows(rows)
    labels = [
        json.dumps([texts["operations"][operation], texts["attributes"][attributes], before, after], sort_keys=True)
        for operation, attributes, before, after in rows[first].tolist()
    ]
    return neighbourhood_hashes(label_hashes(labels)[label_of], *incoming(packed), hops)


class _Classes:
    """The classes of one hop.

    Attributes:
        hashes: [k].
        of_nodes: [N] the class of every node.
        nodes: [k] how many nodes have it.
        present: [k], [k] pairs of graph and class that occur.
        architectures: [k] how many graphs hold it.
    """

    def __init__(self, level: Hashes, graph: NDArray[np.int64], graphs: int) -> None:
        self.hashes, of_nodes, self.nodes = np.unique(level, return_inverse=True, return_counts=True)
        self.of_nodes, self.graph, self.graphs = of_nodes.reshape(-1), graph, graphs
        pairs = np.unique(graph * len(self.hashes) + self.of_nodes)
        self.present = np.divmod(pairs, max(len(self.hashes), 1))
        self.architectures = np.bincount(self.present[1], minlength=len(self.hashes))

    def table(
        self,
        scores: NDArray[np.float32],
        labels: NDArray[np.float64],
        packed: Packed,
        texts: Mapping[str, Any],
        ids: Sequence[str],
    ) -> pd.DataFrame:
        """One row a class."""
        k, values = len(self.hashes), scores.astype(np.float64)
        mean = np.bincount(self.of_nodes, values, minlength=k) / self.nodes
        away = values - mean[self.of_nodes]
        spread = np.sqrt(np.bincount(self.of_nodes, away**2, minlength=k) / self.nodes)
        # Rounded, so that the first of equally near occurrences is the example.
        nearest = np.lexsort((np.arange(len(values)), np.abs(away).round(5), self.of_nodes))
        example = nearest[np.searchsorted(self.of_nodes[nearest], np.arange(k))]
        graph = self.graph[example]
        return pd.DataFrame(
            {
                "subgraph": hash_names(self.hashes),
                "operation": [texts["operations"][code] for code in packed["operations"][example]],
                "in_channels": packed["in_shapes"][example, 0].astype(np.int64),
                "out_channels": packed["out_shapes"][example, 0].astype(np.int64),
                "score": mean,
                "score_std": spread,
                "nodes": self.nodes,
                "architectures": self.architectures,
                "label_difference": self._difference(labels),
                "architecture_id": [ids[row] for row in graph],
                "node": example - packed["node_offsets"][graph],
                "part": [texts["parts"][code] for code in packed["parts"][example]],
            }
        )

    def _difference(self, labels: NDArray[np.float64]) -> NDArray[np.float64]:
        graph, found = self.present
        total = np.bincount(found, labels[graph], minlength=len(self.hashes))
        without = self.graphs - self.architectures
        rest = np.divide(labels.sum() - total, without, out=np.full(len(total), np.nan), where=without > 0)
        difference: NDArray[np.float64] = total / self.architectures - rest
        return difference
