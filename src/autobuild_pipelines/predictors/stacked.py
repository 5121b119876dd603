"""What predictors share whatever they read: networks stacked target by target, and labels' moments."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from autobuild_pipelines.predictors.model import GraphPredictor

Number = TypeVar("Number", bound=np.floating)


class PredictorError(ValueError):
    """A predictor does not fit what it is used with; the message says in what they differ."""


class StackedPredictors:
    """One or an ensemble per target; the members of the first target come first in everything stacked.

    Attributes:
        targets: Names of the targets.
        model: The stacked networks.
        label_mean, label_std: [targets] moments that standardised the labels.
        hop_mean, hop_std: [members, M + 1] moments of node-embedding L1 norms.
    """

    targets: tuple[str, ...]
    model: GraphPredictor
    label_mean: NDArray[np.float64]
    label_std: NDArray[np.float64]
    hop_mean: NDArray[np.float64]
    hop_std: NDArray[np.float64]

    def __post_init__(self) -> None:
        if self.model.members % len(self.targets):
            raise PredictorError(f"{self.model.members} networks cannot be shared by {len(self.targets)} targets")

    @property
    def ensemble(self) -> int:
        """Predictors per target."""
        return self.model.members // len(self.targets)

    @property
    def device(self) -> torch.device:
        """Where the networks are."""
        return next(self.model.parameters()).device

    def by_target(self, stacked: NDArray[Number]) -> NDArray[Number]:
        """[members, ...] to [targets, ensemble, ...]."""
        return stacked.reshape(len(self.targets), self.ensemble, *stacked.shape[1:])

    def rescale(self, standardised: NDArray[np.float64]) -> NDArray[np.float64]:
        """Standardised predictions [targets, ...] on the targets' own scale."""
        values, shape = standardised, (-1,) + (1,) * (standardised.ndim - 1)
        return values * self.label_std.reshape(shape) + self.label_mean.reshape(shape)
