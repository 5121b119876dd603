"""Batch norm where a row stands for many: that of all rows, from the distinct ones and how often they occur."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from autobuild_pipelines.predictors.layers import MemberBatchNorm


def normalise_shares(norm: MemberBatchNorm, x: Tensor, share: Tensor) -> Tensor:
    """Normalise by the batch's moments, whatever the mode; running moments stay as they are.

    Args:
        norm: Its weight, bias and eps are used.
        x: [members, k, features].
        share: [k] the share of all rows that each of the k stands for; they add up to 1.
    """
    return _ShareNorm.apply(x, share, norm.weight, norm.bias, norm.eps)  # type: ignore[no-untyped-call, no-any-return]


def update_moments(norm: MemberBatchNorm, x: Tensor, share: Tensor) -> None:
    """Move the running moments towards those of a batch, by `norm.momentum`; arguments as in `normalise_shares`."""
    with torch.no_grad():
        portion = share.expand(len(x), 1, -1)
        mean = torch.bmm(portion, x)
        variance = torch.bmm(portion, (x - mean).square())
        norm.running_mean.lerp_(mean[:, 0], norm.momentum)
        norm.running_var.lerp_(variance[:, 0], norm.momentum)


class _ShareNorm(torch.autograd.Function):
    """Batch norm of rows [members, k, features] that stand for `share` [k] of all rows each."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, share: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
        portion = share.expand(len(x), 1, -1)
        centred = x - torch.bmm(portion, x)
        scale = torch.bmm(portion, centred.square()).add_(eps).rsqrt_()
        ctx.save_for_backward(centred, share, weight, scale)
        return torch.addcmul(bias[:, None], centred, scale * weight[:, None])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        centred, share, weight, scale = ctx.saved_tensors
        (grad,) = gradients
        # As batch norm's own, a row's gradient being the sum of those of all rows that it stands for.
        grad_bias, along = grad.sum(1, keepdim=True), (grad * centred).sum(1, keepdim=True).mul_(scale)
        common = torch.addcmul(grad_bias, centred, along * scale).mul_(share[:, None])
        return (grad - common).mul_(scale * weight[:, None]), None, along[:, 0], grad_bias[:, 0], None
