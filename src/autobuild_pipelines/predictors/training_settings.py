"""How predictors are trained, as it stands in parameters."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from autobuild_pipelines.predictors.losses import LOSSES

SCHEDULES: dict[str, Callable[[float], float]] = {
    "constant": lambda done: 1.0,
    "cosine": lambda done: (1 + math.cos(math.pi * done)) / 2,
}
"""Factor of the learning rate, given the share of all steps that is done."""


@dataclass(frozen=True)
class TrainingSettings:
    """How predictors are trained; the defaults are the paper's (§7.1).

    Attributes:
        epochs, batch_size, learning_rate, weight_decay, gradient_norm: As named (AdamW; norm clipped per target).
        schedule: Of the learning rate: "constant" (the paper's), or "cosine", from its full value to 0 over the epochs.
        loss: "autobuild" (Eq. 4) or "latency" (Eq. 6).
        ranking_weight: Lambda of the loss.
        soft_rank_strength: Regularisation of the differentiable rank.
        evaluate_every: Epochs between held-out Spearman values in the training history, and between looks at the
            validation part.
        validation: Share of the training architectures that is not learned from: every predictor keeps the weights that
            had the smallest error there. With 0 all are learned from and the last epoch's weights are kept.
        device: "auto" (CUDA when present), or a torch device.
    """

    epochs: int = 200
    batch_size: int = 128
    learning_rate: float = 1e-4
    weight_decay: float = 1e-5
    gradient_norm: float = 5.0
    schedule: str = "constant"
    loss: str = "autobuild"
    ranking_weight: float = 1.0
    soft_rank_strength: float = 1.0
    evaluate_every: int = 10
    validation: float = 0.0
    device: str = "auto"

    def __post_init__(self) -> None:
        if self.loss not in LOSSES:
            raise ValueError(f"predictors.training.loss: {self.loss!r} is not one of {sorted(LOSSES)}")
        if self.schedule not in SCHEDULES:
            raise ValueError(f"predictors.training.schedule: {self.schedule!r} is not one of {sorted(SCHEDULES)}")
        for key in ("epochs", "batch_size", "evaluate_every"):
            if int(getattr(self, key)) < 1:
                raise ValueError(f"predictors.training.{key}: must be 1 or more, got {getattr(self, key)}")
        if not 0 <= self.validation < 1:
            raise ValueError(f"predictors.training.validation: must lie in [0, 1), got {self.validation}")
        for key in ("learning_rate", "gradient_norm", "soft_rank_strength"):
            if not float(getattr(self, key)) > 0:
                raise ValueError(f"predictors.training.{key}: must be above 0, got {getattr(self, key)}")
