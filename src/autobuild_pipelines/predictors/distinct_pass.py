"""What trained predictors say of many architectures, computed on their distinct windows.

The same as `GraphPredictor.forward` in evaluation mode but for rounding. Architectures of one population have many
modules in common: of 1,000 in a guided search, 8 % of the nodes differ at hop 1 and half of them at hop 4.
"""

from __future__ import annotations

from torch import Tensor

from autobuild_pipelines.graphs import SequenceGraphs, node_windows
from autobuild_pipelines.predictors.model import GraphPredictor


def distinct_pass(
    network: GraphPredictor, features: Tensor, graphs: SequenceGraphs, *, every_hop: bool = True
) -> tuple[Tensor, list[Tensor]]:
    """Predictions [members, n] and graph embeddings, each [members, n, width], of hop 0 to M or of the last alone.

    Args:
        network: In evaluation mode.
        features: [words, categories] int64 features of the vocabulary.
        graphs: n sequence graphs.
        every_hop: Whether the embeddings of all hops are wanted.
    """
    first, *rest = node_windows(graphs, network.hops)
    hidden = network.fe_mlp(features.index_select(0, first.own))
    received = network.receive(0, hidden)
    embeddings = [network.pool(hidden.index_select(1, first.of_nodes), graphs)] if every_hop else []
    for hop, level in enumerate(rest):
        out = network.layer(hop).on_windows(received, level.own, level.previous, level.linked)
        # The skip connection starts at the second layer: what stands before the first is another width.
        received = network.finish(hop, out, received.index_select(1, level.own) if hop else out)
        if every_hop or hop == network.hops - 1:
            embeddings.append(network.pool(received.index_select(1, level.of_nodes), graphs))
    predicted = network.regress(embeddings[-1])
    if network.additive is not None:
        predicted = predicted + network.additive(features, graphs)
    return predicted, embeddings
