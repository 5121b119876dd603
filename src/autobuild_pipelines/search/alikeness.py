"""How alike architectures are, and what follows for what a guide gets wrong: the covariance of a Gaussian process."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from autobuild_pipelines.graphs import Vocabulary, sequence_graphs, window_counts
from autobuild_pipelines.predictors.baseline import one_hot
from autobuild_pipelines.spaces import ArchitectureArray, SearchSpace

Floats = NDArray[np.float64]

HOPS = 4
"""Of the windows that count as shared: as many as predictors pass messages over."""

WEIGHTS = tuple(weights for weights in product((0.1, 1.0), repeat=3) if max(weights) == 1.0)
"""Weights of the three terms to choose from, but for their common scale."""

NOISES = (0.03, 0.003, 0.0003)
"""Variances of what an evaluation shows beyond the three terms, on the weights' scale, to choose from."""


class Alikeness:
    r"""Three ways in which architectures are like those that are known.

    - **Embeddings**: exp(−‖e_a − e_b‖² / 2d) with graph embeddings e (d wide, standardised over the known
      architectures). What the predictors' own view of architectures explains.
    - **Layers**: what a and b have in common, over the number of slots: slots with the same layer, units of the same
      length, graph-level values. For effects of single layers that predictors do not see.
    - **Windows**: a Weisfeiler-Lehman kernel (Shervashidze et al., 2011; for architectures: Ru et al., 2021). A window
      of hop h is a layer with the h layers before it; counted are those that a and b share of the hops 0 to `HOPS`,
      over the geometric mean of what either shares with itself. For effects of layers that follow each other, which are
      those that message passing can have.

    Args:
        space: The search space.
        known: [k] architectures.
        features: [k, d] their embeddings.
    """

    def __init__(self, space: SearchSpace, known: ArchitectureArray, features: Floats) -> None:
        self._space, self._known, self._vocabulary = space, known, Vocabulary(space)
        self._centre, self._spread = features.mean(axis=0), features.std(axis=0) + 1e-6
        self._embeddings = self._standardised(features)
        self._layers = one_hot(space, known)

    def terms(self, array: ArchitectureArray, features: Floats) -> Floats:
        """[3, n, k] the terms, between n architectures and the known ones.

        Args:
            array: [n] architectures.
            features: [n, d] their embeddings.
        """
        embeddings, other = self._standardised(features), self._embeddings
        distance = (embeddings**2).sum(axis=1)[:, None] + (other**2).sum(axis=1) - 2 * embeddings @ other.T
        near = np.exp(-distance / (2 * embeddings.shape[1]))
        shared = one_hot(self._space, array) @ self._layers.T / len(self._space.slot_units)
        return np.stack([near, shared, self._windows(array)])

    def alone(self, array: ArchitectureArray) -> Floats:
        """[3, n] the terms between every architecture and itself."""
        layers = (one_hot(self._space, array) ** 2).sum(axis=1) / len(self._space.slot_units)
        return np.stack([np.ones(len(array)), layers, np.ones(len(array))])

    def _standardised(self, features: Floats) -> Floats:
        return np.asarray((features - self._centre) / self._spread)

    def _windows(self, array: ArchitectureArray) -> Floats:
        both = ArchitectureArray.concat([array, self._known])
        counts = window_counts(sequence_graphs(self._space, both, self._vocabulary), HOPS)
        length = np.sqrt(np.asarray(counts.multiply(counts).sum(axis=1)).ravel())
        shared = (counts[: len(array)] @ counts[len(array) :].T).toarray()
        return np.asarray(shared / length[: len(array), None] / length[len(array) :])


@dataclass(frozen=True, eq=False)
class Fit:
    """The covariance of the residuals of one objective.

    Attributes:
        weights: [3] of the terms.
        factor: [k, k] lower Cholesky factor of the known architectures' covariance, noise included.
        solved: [k] its solution for their residuals.
    """

    weights: Floats
    factor: Floats
    solved: Floats

    def mean(self, terms: Floats) -> Floats:
        """[n] expected residuals, by [3, n, k] terms."""
        return np.asarray(np.tensordot(self.weights, terms, 1) @ self.solved)

    def deviation(self, terms: Floats, alone: Floats) -> Floats:
        """[n] standard deviations of the residuals, by [3, n, k] terms and [3, n] those with themselves."""
        covariance = np.tensordot(self.weights, terms, 1)
        explained = scipy.linalg.solve_triangular(self.factor, covariance.T, lower=True)
        return np.asarray(np.sqrt((self.weights @ alone - (explained**2).sum(axis=0)).clip(min=0.0)))


def likeliest(terms: Floats, residuals: Floats) -> Fit:
    """The covariance with the greatest marginal likelihood.

    Weights and noise are those of `WEIGHTS` and `NOISES`; of each, their common scale is the likeliest.

    Args:
        terms: [3, k, k] of the known architectures.
        residuals: [k].
    """
    best: tuple[float, Fit] | None = None
    count = len(residuals)
    for weights, noise in product(WEIGHTS, NOISES):
        factor = scipy.linalg.cholesky(np.tensordot(weights, terms, 1) + noise * np.eye(count), lower=True)
        solved = scipy.linalg.cho_solve((factor, True), residuals)
        scale = max(float(residuals @ solved) / count, 1e-18)
        likelihood = float(-0.5 * count * np.log(scale) - np.log(np.diag(factor)).sum())
        if best is None or likelihood > best[0]:
            best = likelihood, Fit(scale * np.asarray(weights), np.sqrt(scale) * factor, solved / scale)
    assert best is not None
    return best[1]
