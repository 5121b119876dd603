"""What a guided search believes of architectures: predicted objectives, corrected by what it has evaluated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from autobuild_pipelines.predictors import TrainedPredictors
from autobuild_pipelines.search.alikeness import Alikeness, likeliest
from autobuild_pipelines.search.problem import Problem
from autobuild_pipelines.spaces import ArchitectureArray, SearchSpace

Floats = NDArray[np.float64]


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
    """A guide plus a Gaussian process on what it got wrong.

    Residuals of every objective have the covariance of `Alikeness`, whose weights are chosen anew for each whenever
    more is known. The process also tells how sure it is: predictions may be optimistic by some of its standard
    deviations, so that what nothing like it was evaluated of gets a chance.

    Args:
        space: The search space.
        guide: What is corrected.
        maximise: Per objective, whether more is better.
        optimism: Standard deviations by which corrected predictions are better than expected.
    """

    def __init__(self, space: SearchSpace, guide: Guide, maximise: Sequence[bool], optimism: float = 0.0) -> None:
        self._space, self._guide = space, guide
        self._better = optimism * np.where(maximise, 1.0, -1.0)
        self._alike: Alikeness | None = None

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
        self._alike = Alikeness(self._space, seen.array, seen.features)
        terms = self._alike.terms(seen.array, seen.features)
        self._fits = [likeliest(terms, residuals) for residuals in (objectives[known] - seen.predicted).T]

    def predict(self, seen: Seen) -> Floats:
        """[n, objectives] predictions, corrected (and optimistic) once something has been learned."""
        if self._alike is None or not len(seen):
            return seen.predicted
        terms = self._alike.terms(seen.array, seen.features)
        alone = self._alike.alone(seen.array) if self._better.any() else None
        corrections = []
        for better, fit in zip(self._better, self._fits, strict=True):
            correction = fit.mean(terms)
            if alone is not None:
                correction = correction + better * fit.deviation(terms, alone)
            corrections.append(correction)
        return np.asarray(seen.predicted + np.stack(corrections, axis=1))
