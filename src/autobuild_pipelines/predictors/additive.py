"""What layers contribute to a prediction one by one: a linear model on one-hot layers, learned beside the GNN."""

from __future__ import annotations

from itertools import accumulate

import torch
from torch import Tensor, nn

from autobuild_pipelines.graphs import FeatureSchema, SequenceGraphs


class AdditiveTerm(nn.Module):
    r"""The part of a prediction that layers make independently of each other ("wide and deep", Cheng et al. 2016).

    .. math:: a(G) = \sum_{i \in G} w_{x_i} + \sum_c v_{c, g_c}

    with one scalar w for every distinct node, told by all its categories that are not graph-level (unit, position and
    layer of the OFA spaces), and one scalar v for every graph-level value g. It is what ridge regression on one-hot
    layers can express, so that the GNN has to learn only what it cannot. Both start at 0.

    Args:
        schema: Node features.
        members: Independent predictors.
    """

    offsets: Tensor
    strides: Tensor

    def __init__(self, schema: FeatureSchema, members: int) -> None:
        super().__init__()
        own = [column for column, category in enumerate(schema.categories) if not category.of_graph]
        self._own = own
        self._shared = [column for column, category in enumerate(schema.categories) if category.of_graph]
        sizes = [len(schema.categories[column].values) for column in own]
        *strides, nodes = accumulate(reversed(sizes), lambda a, b: a * b, initial=1)
        self.nodes = nn.Parameter(torch.zeros(members, nodes))
        values = sum(len(category.values) for category in schema.categories)
        self.graph_values = nn.Parameter(torch.zeros(members, values if self._shared else 0))
        self.register_buffer("strides", torch.tensor(strides[::-1]), persistent=False)
        self.register_buffer("offsets", torch.from_numpy(schema.offsets[own]), persistent=False)

    def words(self, features: Tensor) -> Tensor:
        """[members, words] what a node of each word contributes, without graph-level values.

        Args:
            features: [words, categories] int64 as `Vocabulary.features`.
        """
        rows = ((features[:, self._own] - self.offsets) * self.strides).sum(1)
        return self.nodes.index_select(1, rows)

    def of_graph(self, features: Tensor) -> Tensor:
        """[members, words] what the graph-level values of an architecture with a node of that word contribute."""
        chosen = features[:, self._shared]
        if not self._shared:
            return self.nodes.new_zeros(len(self.nodes), len(features))
        return self.graph_values.index_select(1, chosen.reshape(-1)).view(-1, *chosen.shape).sum(-1)

    def forward(self, features: Tensor, graphs: SequenceGraphs) -> Tensor:
        """[members, n] the term of n sequence graphs; features as in `words`."""
        each = self.words(features).index_select(1, graphs.nodes)
        total = each.new_zeros(len(each), len(graphs)).index_add(1, graphs.graph_of_nodes, each)
        return total + self.of_graph(features).index_select(1, graphs.nodes[graphs.starts])
