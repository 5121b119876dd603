"""The differentiable rank of Blondel et al. (2020), "Fast Differentiable Sorting and Ranking", l2-regularised."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from scipy.optimize import isotonic_regression
from torch import Tensor


class _SoftRank(torch.autograd.Function):
    """Projection of values / strength onto the permutahedron of (1, ..., n), row by row."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, strength: float) -> Tensor:
        # rank(v) is the point of the permutahedron nearest to v / strength (ascending order, Blondel et al. Eq. 6):
        # z sorted increasingly minus its isotonic fit to (z - (1, ..., n)), which pools neighbours that are too close.
        z = values.detach().to("cpu", torch.float64).numpy() / strength
        order = np.argsort(z, axis=1, kind="stable")
        ascending = np.take_along_axis(z, order, axis=1)
        ranks = np.arange(1, z.shape[1] + 1, dtype=np.float64)
        fitted = np.empty_like(ascending)
        block = np.empty(z.shape, dtype=np.int64)
        for row, residual in enumerate(ascending - ranks):
            fit = isotonic_regression(residual, increasing=True)
            fitted[row] = fit.x
            block[row] = np.repeat(np.arange(len(fit.blocks) - 1), np.diff(fit.blocks))
        out = np.empty_like(z)
        np.put_along_axis(out, order, ascending - fitted, axis=1)
        ctx.strength, ctx.order, ctx.block = strength, order, block
        return torch.from_numpy(out).to(values)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        # d(rank)/d(z) = I - (mean over the pooled block), applied in sorted order (Blondel et al., Prop. 4).
        gradient = gradients[0].detach().to("cpu", torch.float64).numpy()
        ascending = np.take_along_axis(gradient, ctx.order, axis=1)
        flat = (ctx.block + np.arange(len(gradient))[:, None] * gradient.shape[1]).ravel()
        sums = np.bincount(flat, weights=ascending.ravel(), minlength=gradient.size)
        counts = np.bincount(flat, minlength=gradient.size)
        means = (sums / np.maximum(counts, 1))[flat].reshape(gradient.shape)
        out = np.empty_like(gradient)
        np.put_along_axis(out, ctx.order, ascending - means, axis=1)
        return torch.from_numpy(out / ctx.strength).to(gradients[0]), None


def soft_rank(values: Tensor, strength: float = 1.0) -> Tensor:
    """Differentiable ranks 1 (smallest) to n (largest) of every row.

    Args:
        values: [rows, n].
        strength: Regularisation; towards 0 the ranks become the ordinary ones.

    Returns:
        [rows, n], rows sum to n (n + 1) / 2.
    """
    return _SoftRank.apply(values, strength)  # type: ignore[no-untyped-call, no-any-return]


def soft_spearman(values: Tensor, target: Tensor, strength: float = 1.0) -> Tensor:
    """Differentiable Spearman correlation (Eq. 4's rho): Pearson correlation of the target with soft ranks.

    Args:
        values: [rows, n] what is to rank like the target, for instance embedding norms.
        target: [rows, n] or [n] the target labels.
        strength: Regularisation of the soft rank.

    Returns:
        [rows] in [-1, 1].
    """
    return pearson(soft_rank(values, strength), target)


def pearson(a: Tensor, b: Tensor) -> Tensor:
    """Pearson correlation of the last axis of [..., n] and [..., n]; 0 where either is constant."""
    a = a - a.mean(-1, keepdim=True)
    b = b - b.mean(-1, keepdim=True)
    product: Tensor = (a * b).sum(-1) / (a.norm(dim=-1) * b.norm(dim=-1)).clamp_min(1e-12)
    return product
