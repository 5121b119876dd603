"""A predictor on operator graphs: every distinct in-neighbourhood once, in place of every node."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from autobuild_pipelines.graphs.operator_batch import HopClasses
from autobuild_pipelines.predictors.model import ACTIVATIONS, GraphPredictor
from autobuild_pipelines.predictors.share_norm import normalise_shares, update_moments


def class_embeddings(network: GraphPredictor, features: Tensor, classes: Sequence[HopClasses]) -> list[Tensor]:
    """Embeddings of the in-neighbourhoods of hop 0 to M, each [members, k, width]: what all nodes of a class have.

    In training mode batch norm takes the moments of the batch's nodes and moves its running moments; otherwise it takes
    the running ones.

    Args:
        network: Its layers are applied as `GraphPredictor.node_embeddings` does.
        features: [words, categories] int64.
        classes: Of one batch, hop 0 to M.
    """
    hidden = [network.fe_mlp(features.index_select(0, classes[0].own))]
    received = network.receive(0, hidden[0])
    for hop, (level, norm) in enumerate(zip(classes[1:], network.batch_norms(), strict=True)):
        out = network.layer(hop).on_edges(received, level.own, level.source, level.target)
        if network.training:
            update_moments(norm, out, level.share)
            out = normalise_shares(norm, out, level.share)
        else:
            out = norm(out)
        out = ACTIVATIONS[network.settings.activation](out)
        received = out if hop == 0 else out + received.index_select(1, level.own)
        hidden.append(received)
    return hidden


def class_pass(
    network: GraphPredictor, features: Tensor, classes: Sequence[HopClasses]
) -> tuple[Tensor, list[Tensor], list[Tensor]]:
    """Predictions of a batch and what they are made of.

    Args:
        network: In training or evaluation mode, see `class_embeddings`.
        features: [words, categories] int64.
        classes: Of one batch of n graphs, hop 0 to M.

    Returns:
        Standardised predictions [members, n]; graph embeddings of hop 0 to M [members, n, width]; the embeddings of
        the classes [members, k, width].
    """
    hidden = class_embeddings(network, features, classes)
    graphs = [_pool(network, nodes, level) for nodes, level in zip(hidden, classes, strict=True)]
    return network.regress(graphs[-1]), graphs, hidden


def _pool(network: GraphPredictor, hidden: Tensor, level: HopClasses) -> Tensor:
    total = torch.bmm(level.counts.expand(len(hidden), -1, -1), hidden)
    return total if network.settings.aggregation == "sum" else total / level.counts.sum(1)[:, None]
