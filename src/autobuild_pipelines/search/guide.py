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


class CorrectedGuide:
    r"""A guide plus a Gaussian process on what it got wrong.

    The residuals of every objective, standardised, have the covariance

    .. math:: k(a, b) = w_1 \exp(-\lVert e_a - e_b \rVert^2 / 2 d) + w_2 s_{ab} + w_3 \exp(-4 (5/4 - s_{ab}))

    with graph embeddings e (d wide, standardised over the evaluated architectures) and s what a and b have in common:
    slots with the same layer, units of the same length, graph-level values, over the number of slots. The first term is
    what the predictors' own view of architectures explains; the other two are for what they never saw: the effect of
    single layers, and of many together. The weights are those of `WEIGHTS` with the greatest marginal likelihood,
    chosen anew for every objective whenever more is known.

    Args:
        space: The search space.
        guide: What is corrected.
    """

    def __init__(self, space: SearchSpace, guide: Guide) -> None:
        self._space, self._guide = space, guide
        self._known: tuple[Floats, Floats] | None = None

    def learn(self, array: ArchitectureArray, objectives: Floats) -> None:
        """Fit the correction to everything evaluated so far; rows with NaN, which failed, teach nothing.

        Args:
            array: [n] evaluated architectures.
            objectives: [n, objectives].
        """
        known = np.asarray(~np.isnan(objectives).any(axis=1), dtype=bool)
        if not known.any():
            return
        array = array.take(known)
        predicted, embeddings = self._guide.look(array)
        residuals = objectives[known] - predicted
        self._scale = np.maximum(residuals.std(axis=0), 1e-9)
        self._centre, self._spread = embeddings.mean(axis=0), embeddings.std(axis=0) + 1e-6
        self._known = self._features(array, embeddings)
        terms = self._terms(*self._known)
        self._weighted = [_fit(terms, column) for column in (residuals / self._scale).T]

    def predict(self, array: ArchitectureArray) -> Floats:
        """[n, objectives] predictions, corrected once something has been learned."""
        predicted, embeddings = self._guide.look(array)
        if self._known is None or not len(array):
            return predicted
        terms = self._terms(*self._features(array, embeddings))
        corrections = [np.tensordot(weights, terms, 1) @ solved for weights, solved in self._weighted]
        return np.asarray(predicted + np.stack(corrections, axis=1) * self._scale)

    def _features(self, array: ArchitectureArray, embeddings: Floats) -> tuple[Floats, Floats]:
        return (embeddings - self._centre) / self._spread, one_hot(self._space, array)

    def _terms(self, embeddings: Floats, layers: Floats) -> Floats:
        """[3, n, known] the terms of the covariance."""
        assert self._known is not None
        other, other_layers = self._known
        distance = (embeddings**2).sum(axis=1)[:, None] + (other**2).sum(axis=1) - 2 * embeddings @ other.T
        shared = layers @ other_layers.T / len(self._space.slot_units)
        near = np.exp(-distance / (2 * embeddings.shape[1]))
        return np.stack([near, shared, np.exp(-4 * (1.25 - shared))])


def _fit(terms: Floats, residuals: Floats) -> tuple[Floats, Floats]:
    """The likeliest weights [3], and the solution [known] of the covariance that they make for residuals [known]."""
    best: tuple[float, Floats, Floats] | None = None
    for weights in WEIGHTS:
        covariance = np.tensordot(weights, terms, 1) + NOISE * np.eye(len(residuals))
        factor = scipy.linalg.cho_factor(covariance, lower=True)
        solved = scipy.linalg.cho_solve(factor, residuals)
        likelihood = -0.5 * residuals @ solved - np.log(np.diag(factor[0])).sum()
        if best is None or likelihood > best[0]:
            best = (float(likelihood), np.asarray(weights), solved)
    assert best is not None
    return best[1:]
