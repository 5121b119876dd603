"""Training losses: AutoBuild's hop-wise ranking loss (Eq. 4) and the latency predictors' (Eq. 6)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from autobuild_pipelines.predictors.soft_rank import soft_spearman

Loss = Callable[[Tensor, Sequence[Tensor], Tensor, float, float, Tensor | None], tuple[Tensor, Tensor]]
"""(predictions, graph embeddings, targets, ranking weight, soft-rank strength, mask) to error and ranking term."""


def embedding_norms(embeddings: Sequence[Tensor]) -> Tensor:
    """L1 norms of graph embeddings: M + 1 tensors [members, n, width] to [M + 1, members, n]."""
    return torch.stack([embedding.abs().sum(-1) for embedding in embeddings])


def autobuild_loss(
    predicted: Tensor,
    embeddings: Sequence[Tensor],
    target: Tensor,
    weight: float,
    strength: float,
    mask: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    r"""Eq. 4: :math:`MSE(\hat y, y) + \frac{\lambda}{M + 1} \sum_m [1 - \rho(y, \lVert h_G^m \rVert_1)]`, per member.

    Args:
        predicted: [members, n] standardised predictions.
        embeddings: Graph embeddings of hop 0 to M.
        target: [members, n] standardised labels.
        weight: Lambda.
        strength: Regularisation of the soft rank.
        mask: [members, n] bool, True for the rows that count for a member; all by default. The loss is that of the
            member's rows alone (0 and lambda for a member without any).
    """
    norms = embedding_norms(embeddings)
    hops, members, n = norms.shape
    counted = None if mask is None else mask.repeat(hops, 1)
    rho = soft_spearman(norms.reshape(-1, n), target.repeat(hops, 1), strength, counted).view(hops, members)
    return _mean((predicted - target).square(), mask), weight * (1 - rho).mean(0)


def latency_loss(
    predicted: Tensor,
    embeddings: Sequence[Tensor],
    target: Tensor,
    weight: float,
    strength: float,
    mask: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    r"""Eq. 6: :math:`MAE(\hat y, y) + \lambda (1 - \rho(y, \hat y))`, per member; arguments as in `autobuild_loss`."""
    ranking = weight * (1 - soft_spearman(predicted, target, strength, mask))
    return _mean((predicted - target).abs(), mask), ranking


def _mean(errors: Tensor, mask: Tensor | None) -> Tensor:
    """[members] means of [members, n] over the rows that count."""
    return errors.mean(-1) if mask is None else (errors * mask).sum(-1) / mask.sum(-1).clamp_min(1)


LOSSES: dict[str, Loss] = {"autobuild": autobuild_loss, "latency": latency_loss}
"""Losses by the name that parameters use."""
