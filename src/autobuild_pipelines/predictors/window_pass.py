"""A pass over a whole training set in one batch, on its distinct windows: what equal nodes have in common, once.

The same as `GraphPredictor.forward` in training mode but for rounding, and for batch norm's running moments, which it
leaves alone. With few architectures made of few modules that is half the work; it needs a batch that stays the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from autobuild_pipelines.graphs import HopWindows, SequenceGraphs
from autobuild_pipelines.predictors.layers import GATv2Layer
from autobuild_pipelines.predictors.model import ACTIVATIONS, GraphPredictor
from autobuild_pipelines.predictors.share_norm import normalise_shares


def window_pass(
    network: GraphPredictor, features: Tensor, graphs: SequenceGraphs, windows: Sequence[HopWindows]
) -> tuple[Tensor, list[Tensor]]:
    """Predictions [members, n] and graph embeddings of hop 0 to M, each [members, n, width], of all `graphs`.

    Args:
        network: In training mode.
        features: [words, categories] int64 features of the vocabulary.
        graphs: n sequence graphs.
        windows: Their windows, from `hop_windows`.
    """
    lengths = graphs.lengths[:, None]
    hidden = network.fe_mlp(features.index_select(0, windows[0].own))
    received = network.receive(0, hidden)
    embeddings = [_pool(network, hidden, windows[0], lengths)]
    for hop, (level, norm) in enumerate(zip(windows[1:], network.batch_norms(), strict=True)):
        layer, own = network.layer(hop), received.index_select(1, level.own)
        if isinstance(layer, GATv2Layer):
            out = _gatv2(layer, received, own, level)
        else:
            out = layer.on_windows(received, level.own, level.previous, level.linked)
        out = ACTIVATIONS[network.settings.activation](normalise_shares(norm, out, level.share))
        received = out if hop == 0 else out + own
        embeddings.append(_pool(network, received, level, lengths))
    predicted = network.regress(embeddings[-1])
    if network.additive is not None:
        predicted = predicted + network.additive(features, graphs)
    return predicted, embeddings


def _pool(network: GraphPredictor, hidden: Tensor, level: HopWindows, lengths: Tensor) -> Tensor:
    total = torch.bmm(level.counts.expand(len(hidden), -1, -1), hidden)
    return total if network.settings.aggregation == "sum" else total / lengths


def _gatv2(layer: GATv2Layer, received: Tensor, own: Tensor, level: HopWindows) -> Tensor:
    """The layer up to a constant that batch norm takes out again: its bias, and messages' bias where they are summed.

    Args:
        layer: The layer.
        received: [members, windows of the hop below, inputs].
        own: [members, k, inputs] of them those of the nodes themselves.
        level: The k windows.
    """
    assert layer.left.bias is not None
    assert layer.right.bias is not None
    message = torch.bmm(received.expand(len(layer.left.weight), -1, -1), layer.left.weight)
    asked = torch.baddbmm(layer.left.bias + layer.right.bias, own, layer.right.weight)
    out = _attend(message, asked, layer.attention, level.own, level.previous, layer.slope)
    return out if layer.residual is None else torch.baddbmm(out, own, layer.residual.weight)


class _WindowAttention(torch.autograd.Function):
    """GATv2 from the windows of one hop to those of the next, with a hand-written gradient.

    A node without one before it is its own predecessor here: both parts are then the same, and so is their mean.
    """

    @staticmethod
    def forward(
        ctx: Any, message: Tensor, asked: Tensor, attention: Tensor, own: Tensor, previous: Tensor, slope: float
    ) -> Tensor:
        before, mine = message.index_select(1, previous), message.index_select(1, own)
        to_before, to_mine = before + asked, mine + asked
        gap = F.leaky_relu(to_before, slope).sub_(F.leaky_relu(to_mine, slope))
        share = torch.bmm(gap, attention.transpose(1, 2)).sigmoid_()
        difference = before.sub_(mine)
        ctx.slope, ctx.rows = slope, message.shape[1]
        ctx.save_for_backward(difference, to_before, to_mine, attention, share, gap, own, previous)
        return torch.addcmul(mine, difference, share)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        difference, to_before, to_mine, attention, share, gap, own, previous = ctx.saved_tensors
        (grad,) = gradients
        logit = (difference * grad).sum(-1, keepdim=True).mul_(share).mul_(1 - share)
        grad_attention = torch.bmm(logit.transpose(1, 2), gap)
        through = logit * attention
        slope_of = torch.ops.aten.leaky_relu_backward
        from_before = slope_of(through, to_before, ctx.slope, False)
        from_mine = slope_of(through, to_mine, ctx.slope, False)
        shared = torch.mul(grad, share, out=through)
        grad_message = grad.new_zeros(len(grad), ctx.rows, grad.shape[2])
        grad_message.index_add_(1, own, (grad - shared).sub_(from_mine))
        grad_message.index_add_(1, previous, shared.add_(from_before))
        return grad_message, from_before.sub_(from_mine), grad_attention, None, None, None


def _attend(message: Tensor, asked: Tensor, attention: Tensor, own: Tensor, previous: Tensor, slope: float) -> Tensor:
    return _WindowAttention.apply(message, asked, attention, own, previous, slope)  # type: ignore[no-untyped-call, no-any-return]
