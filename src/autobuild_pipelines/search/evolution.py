"""The evolutionary search (§7.5): random architectures, then mutants of the Pareto front.

One engine for every variant. It knows where random architectures come from, a mutation and an evaluator, nothing of
layers, modules or reduced spaces.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from autobuild_pipelines.evaluators import Evaluator, checked_evaluation
from autobuild_pipelines.search.mutation import Mutation
from autobuild_pipelines.search.problem import Problem
from autobuild_pipelines.search.projection import NearestSupported
from autobuild_pipelines.spaces import ArchitectureArray
from autobuild_pipelines.spaces.settings import FrozenSettings

Sampler = Callable[[int, np.random.Generator], ArchitectureArray]
"""Draws so many random architectures."""


class EvolutionSettings(FrozenSettings):
    """The budget of one run.

    Attributes:
        initial: Random architectures at the start.
        iterations: Generations of mutants.
        per_iteration: Mutants in each.
        max_rounds: How often to draw again when draws give too few architectures that are new.
    """

    initial: Annotated[int, Field(ge=1)] = 50
    iterations: Annotated[int, Field(ge=0)] = 4
    per_iteration: Annotated[int, Field(ge=1)] = 50
    max_rounds: Annotated[int, Field(ge=1)] = 100

    @property
    def budget(self) -> int:
        """Most evaluations of a run."""
        return self.initial + self.iterations * self.per_iteration


@dataclass(frozen=True, eq=False)
class Evolution:
    """What one run evaluated, in order; no architecture occurs twice.

    Attributes:
        array: [n] the architectures.
        metrics: [n, metrics].
        objectives: [n, objectives].
        generation: [n] 0 for the random ones, then 1, 2, ...
        budget: How many evaluations it was allowed.
    """

    array: ArchitectureArray
    metrics: pd.DataFrame
    objectives: pd.DataFrame
    generation: NDArray[np.int64]
    budget: int

    @property
    def shortfall(self) -> int:
        """Evaluations not spent because no more architectures that are new were found."""
        return self.budget - len(self.array)


def evolve(
    sample: Sampler,
    mutation: Mutation,
    evaluator: Evaluator,
    problem: Problem,
    settings: EvolutionSettings,
    rng: np.random.Generator,
    *,
    support: ArchitectureArray | None = None,
) -> Evolution:
    """Run one search.

    A generation is evaluated in one call, and no architecture twice. One that could not be evaluated has cost an
    evaluation and is nobody's parent. Parents are drawn uniformly from the whole
    first front over everything evaluated so far. The run always ends: a generation stays short when `max_rounds`
    rounds of draws give no more architectures that are new, and the run stops at a generation without any.

    Args:
        sample: Source of the initial architectures.
        mutation: Makes children of parents; graph-level values are inherited.
        evaluator: Gives metrics.
        problem: Its objectives decide the front.
        settings: The budget.
        rng: Source of all randomness; the same state gives the same run.
        support: When only some architectures can be evaluated, these. Every draw is then replaced by the nearest of
            them that is not evaluated yet (see `NearestSupported`).

    Returns:
        Everything evaluated, in order.
    """
    proposer = _FromSupport(support) if support is not None else _Distinct(settings.max_rounds)
    record = Record(evaluator, problem)
    record.add(proposer.propose(lambda count: sample(count, rng), settings.initial))
    for _ in range(settings.iterations):
        parents = record.array.take(problem.front(record.objectives.to_numpy()))
        if not len(parents):  # nothing could be evaluated
            break

        def mutants(count: int, parents: ArchitectureArray = parents) -> ArchitectureArray:
            chosen = parents.take(rng.integers(0, len(parents), size=count))
            return ArchitectureArray(mutation.mutate(chosen.layers, rng), chosen.graph)

        children = proposer.propose(mutants, settings.per_iteration)
        if not len(children):
            break
        record.add(children)
    return record.evolution(settings.budget)


class Record:
    """Everything evaluated so far.

    Args:
        evaluator: Gives metrics.
        problem: Gives objectives.
    """

    def __init__(self, evaluator: Evaluator, problem: Problem) -> None:
        self._evaluator, self._problem = evaluator, problem
        self._arrays: list[ArchitectureArray] = []
        self._tables: list[pd.DataFrame] = []
        self.generations: list[NDArray[np.int64]] = []

    @property
    def values(self) -> NDArray[np.float64]:
        """[n, objectives] so far; NaN where an evaluation failed."""
        if not self._arrays:
            return np.empty((0, len(self._problem.objectives)))
        return self.objectives.to_numpy(dtype=np.float64)

    def evolution(self, budget: int) -> Evolution:
        """The run that these evaluations are."""
        return Evolution(self.array, self.metrics, self.objectives, np.concatenate(self.generations), budget)

    def add(self, array: ArchitectureArray) -> None:
        """Evaluate a generation, in one call."""
        self.generations.append(np.full(len(array), len(self.generations), dtype=np.int64))
        self._arrays.append(array)
        self._tables.append(checked_evaluation(self._evaluator, array))
        self.array = ArchitectureArray.concat(self._arrays)
        self.metrics = pd.concat(self._tables, ignore_index=True)
        self.objectives = self._problem.evaluate(self.metrics)


class _Distinct:
    """Draws until there are enough architectures never proposed before, or the rounds are spent."""

    def __init__(self, max_rounds: int) -> None:
        self._max_rounds = max_rounds
        self._known: set[bytes] = set()

    def propose(self, draw: Callable[[int], ArchitectureArray], count: int) -> ArchitectureArray:
        parts: list[ArchitectureArray] = []
        missing = count
        for _ in range(self._max_rounds):
            drawn = draw(count)
            new: list[int] = []
            for row, key in enumerate(drawn.keys()):
                if key not in self._known and len(new) < missing:
                    self._known.add(key)
                    new.append(row)
            missing -= len(new)
            parts.append(drawn.take(new))
            if not missing:
                break
        return ArchitectureArray.concat(parts)


class _FromSupport:
    """Draws once and takes the nearest supported architectures not proposed before."""

    def __init__(self, support: ArchitectureArray) -> None:
        self._nearest = NearestSupported(support)
        self._taken = np.zeros(len(support), dtype=bool)

    def propose(self, draw: Callable[[int], ArchitectureArray], count: int) -> ArchitectureArray:
        chosen = self._nearest.project(draw(count), self._taken)
        self._taken[chosen] = True
        return self._nearest.support.take(chosen)
