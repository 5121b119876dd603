"""AutoBuild-Guided: predictors propose, evaluations correct them, again and again within the same budget.

Every round evolves a large population on predicted objectives, which costs no evaluation, and evaluates the candidates
that are predicted to add the most hypervolume. What is evaluated corrects the predictions of the next round.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from autobuild_pipelines.evaluators import Evaluator
from autobuild_pipelines.search.evolution import Evolution, EvolutionSettings, Record, Sampler
from autobuild_pipelines.search.guide import CorrectedGuide, Guide, Seen
from autobuild_pipelines.search.mutation import Mutation, hit_units
from autobuild_pipelines.search.problem import Problem
from autobuild_pipelines.search.selection import best_fronts, greatest_gains
from autobuild_pipelines.spaces import ArchitectureArray, Codes, RankingUnit, SearchSpace
from autobuild_pipelines.spaces.settings import FrozenSettings

Floats = NDArray[np.float64]


class GuidedSettings(FrozenSettings):
    """The parameter `search.guided`: how much a guided search thinks between evaluations.

    Attributes:
        drawn: Random architectures that the first population starts from.
        population: Architectures with the best predictions that are kept.
        children: New ones in each generation.
        generations: Of predicted evolution, before the first evaluations.
        generations_later: The same, before each later round; it goes on from the population that there is.
        exchange_probability: Probability that a child takes a unit's module from a second parent.
        mutated: Share of children that are mutated too.
        first: Evaluations of the first round, which only the predictors choose.
        per_round: Evaluations of a later round: fewer teach sooner what predictors get wrong, and cost more thinking.
        candidates: Most candidates, from the first predicted fronts, among which a round's evaluations are chosen.
        optimism: Standard deviations of the correction by which predictions are taken to be better than expected.
    """

    drawn: Annotated[int, Field(ge=1)] = 2000
    population: Annotated[int, Field(ge=2)] = 300
    children: Annotated[int, Field(ge=1)] = 1000
    generations: Annotated[int, Field(ge=0)] = 30
    generations_later: Annotated[int, Field(ge=0)] = 6
    first: Annotated[int, Field(ge=1)] = 10
    per_round: Annotated[int, Field(ge=1)] = 10
    exchange_probability: Annotated[float, Field(ge=0, le=1)] = 0.3
    mutated: Annotated[float, Field(ge=0, le=1)] = 0.7
    candidates: Annotated[int, Field(ge=1)] = 1000
    optimism: Annotated[float, Field(ge=0)] = 2.0


def guided_search(
    space: SearchSpace,
    sample: Sampler,
    mutation: Mutation,
    evaluator: Evaluator,
    problem: Problem,
    guide: Guide,
    settings: EvolutionSettings,
    thinking: GuidedSettings,
    rng: np.random.Generator,
    *,
    support: ArchitectureArray | None = None,
) -> Evolution:
    """Run one guided search on the budget of `evolve`.

    The first round has `thinking.first` evaluations, later ones `thinking.per_round` until the budget is spent. No
    architecture is evaluated twice, and a failed one is never a parent.

    Args:
        space: The search space.
        sample: Source of random architectures.
        mutation: Mutates children of the predicted evolution.
        evaluator: Gives metrics.
        problem: Its objectives and reference point decide what is sought.
        guide: Predicts the objectives.
        settings: The budget.
        thinking: What happens between evaluations.
        rng: Source of all randomness; the same state gives the same run.
        support: When only some architectures can be evaluated, these: then all of them are the candidates, and nothing
            is evolved.

    Returns:
        Everything evaluated, in order.
    """
    corrected = CorrectedGuide(space, guide, problem.maximise, thinking.optimism)
    record = Record(evaluator, problem)
    pool = corrected.see(sample(thinking.drawn, rng) if support is None else support)
    evaluated = pool.take(np.empty(0, dtype=np.int64))
    for number, count in enumerate(_rounds(settings, thinking)):
        if support is None:
            generations = thinking.generations_later if number else thinking.generations
            pool = _evolved(space, pool, mutation, corrected, problem, thinking, generations, rng)
        chosen = _choose(pool, evaluated, corrected, problem, record.values, count, thinking.candidates)
        if not len(chosen):
            break
        record.add(chosen.array)
        evaluated = evaluated.joined(chosen)
        corrected.learn(evaluated, record.values)
        if support is None:
            pool = _distinct(evaluated.take(problem.front(record.values)).joined(pool))
    return record.evolution(settings.budget)


def _rounds(settings: EvolutionSettings, thinking: GuidedSettings) -> list[int]:
    """Evaluations of every round; they add up to the budget."""
    first = min(thinking.first, settings.budget)
    whole, rest = divmod(settings.budget - first, thinking.per_round)
    return [first, *[thinking.per_round] * whole, *[rest] * (rest > 0)]


def _choose(
    pool: Seen,
    evaluated: Seen,
    guide: CorrectedGuide,
    problem: Problem,
    reached: Floats,
    count: int,
    candidates: int,
) -> Seen:
    """The architectures of the pool to evaluate next."""
    keys, known = pool.array.keys(), set(evaluated.array.keys())
    fresh = pool.take(np.asarray([key not in known for key in keys], dtype=bool))
    if not len(fresh):
        return fresh
    predicted = guide.predict(fresh)
    listed = best_fronts(predicted, problem.maximise, max(candidates, count))
    return fresh.take(listed[greatest_gains(problem, reached, predicted[listed], count)])


def _evolved(
    space: SearchSpace,
    pool: Seen,
    mutation: Mutation,
    guide: CorrectedGuide,
    problem: Problem,
    thinking: GuidedSettings,
    generations: int,
    rng: np.random.Generator,
) -> Seen:
    """A pool after generations of evolution on predicted objectives, distinct."""
    pool = _distinct(pool)
    predicted = guide.predict(pool)
    for _ in range(generations):
        kept = best_fronts(predicted, problem.maximise, thinking.population)
        pool, predicted = pool.take(kept), predicted[kept]
        drawn = _children(space.ranking_units, pool.array, mutation, thinking, rng)
        drawn = drawn.take(_new(drawn, set(pool.array.keys())))
        if len(drawn):
            children = guide.see(drawn)
            pool, predicted = pool.joined(children), np.concatenate([predicted, guide.predict(children)])
    return pool


def _children(
    units: tuple[RankingUnit, ...],
    parents: ArchitectureArray,
    mutation: Mutation,
    thinking: GuidedSettings,
    rng: np.random.Generator,
) -> ArchitectureArray:
    """Children with modules of two parents, most of them mutated; graph-level values are the first parent's."""
    first = parents.take(rng.integers(0, len(parents), thinking.children))
    second = parents.take(rng.integers(0, len(parents), thinking.children))
    layers: Codes = first.layers.copy()
    odds = np.full(len(units), thinking.exchange_probability)
    exchanged = hit_units(len(layers), odds, np.ones(len(units)), rng)
    for unit, rows in zip(units, exchanged.T, strict=True):
        layers[rows, unit.columns] = second.layers[rows, unit.columns]
    mutated = rng.random(len(layers)) < thinking.mutated
    layers[mutated] = mutation.mutate(layers[mutated], rng)
    return ArchitectureArray(layers, first.graph)


def _distinct(seen: Seen) -> Seen:
    """Without repetitions, the first of each."""
    return seen.take(_new(seen.array, set()))


def _new(array: ArchitectureArray, known: set[bytes]) -> NDArray[np.int64]:
    """The first row of every architecture that is not known."""
    rows: dict[bytes, int] = {}
    for row, key in enumerate(array.keys()):
        if key not in known:
            rows.setdefault(key, row)
    return np.asarray(list(rows.values()), dtype=np.int64)
