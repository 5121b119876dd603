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
    def forward(ctx: Any, values: Tensor, strength: float, mask: Tensor | None) -> Tensor:
        # rank(v) is the point of the permutahedron nearest to v / strength (ascending order, Blondel et al. Eq. 6):
        # z sorted increasingly minus its isotonic fit to (z - (1, ..., n)), which pools neighbours that are too close.
        z = values.detach().to("cpu", torch.float64).numpy() / strength
        rows, n = z.shape
        kept = np.full(rows, n)
        if mask is not None:  # what is left out stands behind the others
            inside = mask.cpu().numpy()
            z = np.where(inside, z, np.inf)
            kept = inside.sum(axis=1)
        order = np.argsort(z, axis=1, kind="stable")
        ascending = np.take_along_axis(z, order, axis=1)
        ascending[np.arange(n) >= kept[:, None]] = 0.0
        ranks = np.arange(1, n + 1, dtype=np.float64)
        fitted = ascending.copy()
        block = np.tile(np.arange(n), (rows, 1))
        for row, count in enumerate(kept.tolist()):
            if not count:
                continue
            fit = isotonic_regression(ascending[row, :count] - ranks[:count], increasing=True)
            fitted[row, :count] = fit.x
            block[row, :count] = np.repeat(np.arange(len(fit.blocks) - 1), np.diff(fit.blocks))
        out = np.empty_like(z)
        np.put_along_axis(out, order, ascending - fitted, axis=1)
        ctx.strength, ctx.order, ctx.block = strength, order, block
        return torch.from_numpy(out).to(values)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        # d(rank)/d(z) = I - (mean over the pooled block), applied in sorted order (Blondel et al., Prop. 4). A block of
        # one entry passes nothing on, which is what entries that are left out need.
        gradient = gradients[0].detach().to("cpu", torch.float64).numpy()
        ascending = np.take_along_axis(gradient, ctx.order, axis=1)
        flat = (ctx.block + np.arange(len(gradient))[:, None] * gradient.shape[1]).ravel()
        sums = np.bincount(flat, weights=ascending.ravel(), minlength=gradient.size)
        counts = np.bincount(flat, minlength=gradient.size)
        means = (sums / np.maximum(counts, 1))[flat].reshape(gradient.shape)
        out = np.empty_like(gradient)
        np.put_along_axis(out, ctx.order, ascending - means, axis=1)
        return torch.from_numpy(out / ctx.strength).to(gradients[0]), None, None


def soft_rank(values: Tensor, strength: float = 1.0, mask: Tensor | None = None) -> Tensor:
    """Differentiable ranks 1 (smallest) to n (largest) of every row.

    Args:
        values: [rows, n].
        strength: Regularisation; towards 0 the ranks become the ordinary ones.
        mask: [rows, n] bool, True for what is ranked; all by default. A row's k entries get ranks 1 to k, as if the
            others were not there, and these get 0.

    Returns:
        [rows, n], rows sum to k (k + 1) / 2.
    """
    return _SoftRank.apply(values, strength, mask)  # type: ignore[no-untyped-call, no-any-return]


def soft_spearman(values: Tensor, target: Tensor, strength: float = 1.0, mask: Tensor | None = None) -> Tensor:
    """Differentiable Spearman correlation (Eq. 4's rho): Pearson correlation of the target with soft ranks.

    Args:
        values: [rows, n] what is to rank like the target, for instance embedding norms.
        target: [rows, n] or [n] the target labels.
        strength: Regularisation of the soft rank.
        mask: [rows, n] bool, True for what counts; all by default.

    Returns:
        [rows] in [-1, 1].
    """
    return pearson(soft_rank(values, strength, mask), target, mask)


def pearson(a: Tensor, b: Tensor, mask: Tensor | None = None) -> Tensor:
    """Pearson correlation of the last axis of [..., n] and [..., n] where `mask` is True; 0 if either is constant."""
    if mask is None:
        a = a - a.mean(-1, keepdim=True)
        b = b - b.mean(-1, keepdim=True)
    else:
        count = mask.sum(-1, keepdim=True).clamp_min(1)
        a, b = a * mask, b * mask
        a = (a - a.sum(-1, keepdim=True) / count) * mask
        b = (b - b.sum(-1, keepdim=True) / count) * mask
    product: Tensor = (a * b).sum(-1) / (a.norm(dim=-1) * b.norm(dim=-1)).clamp_min(1e-12)
    return product
