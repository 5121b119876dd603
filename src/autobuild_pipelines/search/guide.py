"""What a guided search believes of architectures: predicted objectives, corrected by what it has evaluated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Protocol

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from autobuild_pipelines.predictors import TrainedPredictors
from autobuild_pipelines.predictors.baseline import one_hot
from autobuild_pipelines.search.problem import Problem
from autobuild_pipelines.spaces import ArchitectureArray, SearchSpace

Floats = NDArray[np.float64]

NOISE = 0.05
"""Variance of what an evaluation shows beyond what the correction can explain, of a residual's variance 1."""

WEIGHTS = tuple(product((0.1, 1.0, 10.0), repeat=3))
"""Weights of the correction's three terms to choose from."""


@dataclass(frozen=True)
class ObjectiveTargets:
    """The targets whose predictors guide searches: the objectives themselves.

    Attributes:
        equations: Name to equation of those that are not among the targets already.
        of_problem: Per problem the target of each of its objectives; without problems whose metrics are not all labels.
    """

    equations: dict[str, str]
    of_problem: dict[str, tuple[str, ...]]


def objective_targets(
    problems: Sequence[Problem], targets: Mapping[str, str], labels: Sequence[str]
) -> ObjectiveTargets:
    """Which predictors guided searches need.

    Args:
        problems: What is searched for.
        targets: The targets that have predictors anyway, name to equation.
        labels: What labelled architectures have.

    Returns:
        A target an objective: one of `targets` where it is the same equation, else a new one of the objective's name
        (`<problem>_<objective>` where another equation has that name).
    """
    equations: dict[str, str] = {}
    of_problem: dict[str, tuple[str, ...]] = {}
    for problem in problems:
        if not set(problem.metrics) <= set(labels):
            continue
        names = []
        for name, objective in problem.objectives.items():
            text = objective.equation or name
            known = {**targets, **equations}
            same = [target for target, other in known.items() if other.strip() == text.strip()]
            target = same[0] if same else f"{problem.name}_{name}" if name in known else name
            if not same:
                equations[target] = text
            names.append(target)
        of_problem[problem.name] = tuple(names)
    return ObjectiveTargets(equations, of_problem)


class Guide(Protocol):
    """Predicts the objectives of a problem."""

    def look(self, array: ArchitectureArray) -> tuple[Floats, Floats]:
        """Predicted objectives [n, objectives] and features [n, width] in which alike architectures are near."""
        ...


class PredictorGuide:
    """Trained predictors of objectives as a guide; its features are their last graph embeddings.

    Args:
        predictors: Trained on the space.
        targets: Per objective, in the problem's order, the target that is its value.

    Raises:
        PredictorError: There is no predictor of a target.
    """

    def __init__(self, predictors: TrainedPredictors, targets: Sequence[str]) -> None:
        self._predictors = predictors.only(targets)

    def look(self, array: ArchitectureArray) -> tuple[Floats, Floats]:
        """Predicted objectives [n, objectives] and graph embeddings [n, members * width]."""
        predicted, embeddings = self._predictors.embed(array)
        return predicted.T, embeddings


@dataclass(frozen=True, eq=False)
class Seen:
    """Architectures with what a guide says of them, which does not change as evaluations correct it.

    Attributes:
        array: [n] architectures.
        predicted: [n, objectives].
        features: [n, width] as of `Guide.look`.
    """

    array: ArchitectureArray
    predicted: Floats
    features: Floats

    def __len__(self) -> int:
        return len(self.array)

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Seen:
        """Some of them, by number or by mask."""
        return Seen(self.array.take(rows), self.predicted[rows], self.features[rows])

    def joined(self, other: Seen) -> Seen:
        """These, then the others."""
        array = ArchitectureArray.concat([self.array, other.array])
        predicted = np.concatenate([self.predicted, other.predicted])
        return Seen(array, predicted, np.concatenate([self.features, other.features]))


class CorrectedGuide:
    r"""A guide plus a Gaussian process on what it got wrong.

    The residuals of every objective, standardised, have the covariance

        k(a, b) = w₁ exp(−‖e_a − e_b‖² / 2d) + w₂ s_ab + w₃ exp(−4 (5/4 − s_ab))

    with graph embeddings e (d wide, standardised over the evaluated architectures) and s what a and b have in common:
    slots with the same layer, units of the same length, graph-level values, over the number of slots. The first term is
    what the predictors' own view of architectures explains; the other two are for what they never saw: the effect of
    single layers, and of many together. The weights are those of `WEIGHTS` with the greatest marginal likelihood,
    chosen anew for every objective whenever more is known. The process also tells how sure it is: predictions may be
    optimistic by some of its standard deviations, so that what nothing like it was evaluated of gets a chance.

    Args:
        space: The search space.
        guide: What is corrected.
        maximise: Per objective, whether more is better.
        optimism: Standard deviations by which corrected predictions are better than expected.
    """

    def __init__(self, space: SearchSpace, guide: Guide, maximise: Sequence[bool], optimism: float = 0.0) -> None:
        self._space, self._guide = space, guide
        self._better = optimism * np.where(maximise, 1.0, -1.0)
        self._known: tuple[Floats, Floats] | None = None

    def see(self, array: ArchitectureArray) -> Seen:
        """What the guide says of architectures."""
        return Seen(array, *self._guide.look(array))

    def learn(self, seen: Seen, objectives: Floats) -> None:
        """Fit the correction to everything evaluated so far; rows with NaN, which failed, teach nothing.

        Args:
            seen: The n evaluated architectures.
            objectives: [n, objectives].
        """
        known = np.asarray(~np.isnan(objectives).any(axis=1), dtype=bool)
        if not known.any():
            return
        seen = seen.take(known)
        residuals = objectives[known] - seen.predicted
        self._scale = np.maximum(residuals.std(axis=0), 1e-9)
        self._centre, self._spread = seen.features.mean(axis=0), seen.features.std(axis=0) + 1e-6
        self._known = self._features(seen)
        terms = self._terms(*self._known)
        self._fits = [_fit(terms, column) for column in (residuals / self._scale).T]

    def predict(self, seen: Seen) -> Floats:
        """[n, objectives] predictions, corrected (and optimistic) once something has been learned."""
        if self._known is None or not len(seen):
            return seen.predicted
        features = self._features(seen)
        terms = self._terms(*features)
        alone = (features[1] ** 2).sum(axis=1) / len(self._space.slot_units)
        prior = np.stack([np.ones(len(seen)), alone, _together(alone)])
        corrections = []
        for better, fit in zip(self._better, self._fits, strict=True):
            covariance = np.tensordot(fit.weights, terms, 1)
            correction = covariance @ fit.solved
            if better:
                explained = scipy.linalg.solve_triangular(fit.factor, covariance.T, lower=True)
                variance = fit.weights @ prior - (explained**2).sum(axis=0)
                correction = correction + better * np.sqrt(variance.clip(min=0.0))
            corrections.append(correction)
        return np.asarray(seen.predicted + np.stack(corrections, axis=1) * self._scale)

    def _features(self, seen: Seen) -> tuple[Floats, Floats]:
        return (seen.features - self._centre) / self._spread, one_hot(self._space, seen.array)

    def _terms(self, embeddings: Floats, layers: Floats) -> Floats:
        """[3, n, known] the terms of the covariance."""
        assert self._known is not None
        other, other_layers = self._known
        distance = (embeddings**2).sum(axis=1)[:, None] + (other**2).sum(axis=1) - 2 * embeddings @ other.T
        shared = layers @ other_layers.T / len(self._space.slot_units)
        near = np.exp(-distance / (2 * embeddings.shape[1]))
        return np.stack([near, shared, _together(shared)])


def _together(shared: Floats) -> Floats:
    """The third term of the covariance, from what two architectures have in common."""
    return np.asarray(np.exp(-4 * (1.25 - shared)))


@dataclass(frozen=True, eq=False)
class _Fit:
    """The covariance of one objective's residuals.

    Attributes:
        weights: [3] of its terms.
        factor: [known, known] lower Cholesky factor, noise included.
        solved: [known] the covariance's solution for the residuals.
    """

    weights: Floats
    factor: Floats
    solved: Floats


def _fit(terms: Floats, residuals: Floats) -> _Fit:
    """The covariance with the likeliest weights, for residuals [known]."""
    best: tuple[float, _Fit] | None = None
    for weights in WEIGHTS:
        covariance = np.tensordot(weights, terms, 1) + NOISE * np.eye(len(residuals))
        factor = np.asarray(scipy.linalg.cholesky(covariance, lower=True))
        solved = np.asarray(scipy.linalg.cho_solve((factor, True), residuals))
        likelihood = float(-0.5 * residuals @ solved - np.log(np.diag(factor)).sum())
        if best is None or likelihood > best[0]:
            best = (likelihood, _Fit(np.asarray(weights), factor, solved))
    assert best is not None
    return best[1]
