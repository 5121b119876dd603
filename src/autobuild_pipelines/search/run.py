"""Running every variant of every problem over several seeds, into tables."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import Annotated, Any, cast

import numpy as np
import pandas as pd
from pydantic import Field
from tqdm import tqdm

from autobuild_pipelines.building import with_graph
from autobuild_pipelines.evaluators import Evaluator, checked_evaluation
from autobuild_pipelines.predictors.threads import one_thread_per_operation
from autobuild_pipelines.search.evolution import Evolution, EvolutionSettings, evolve
from autobuild_pipelines.search.guide import Guide
from autobuild_pipelines.search.guided import GuidedSettings, guided_search
from autobuild_pipelines.search.problem import Problem, SearchError, check_problems, checked
from autobuild_pipelines.search.projection import NearestSupported
from autobuild_pipelines.search.randomness import generator
from autobuild_pipelines.search.stopwatch import Stopwatch
from autobuild_pipelines.search.variants import ReducedSpaces, Variant, VariantSearch, variant_search
from autobuild_pipelines.spaces import ArchitectureArray, SearchSpace, to_table

log = logging.getLogger(__name__)

RUN = ["problem", "variant", "seed"]
"""The columns that name one run in the tables."""


class SearchSettings(EvolutionSettings):
    """The parameter `search`.

    Attributes:
        seeds: Runs of every variant.
        variants: Name to variant, in the order of the tables; null turns one off.
        mutation_probability: For variants that name none.
        guided: What guided variants do between evaluations.
    """

    seeds: Annotated[int, Field(ge=1)] = 5
    mutation_probability: Annotated[float, Field(ge=0, le=1)] = 0.5
    guided: GuidedSettings = Field(default_factory=GuidedSettings)
    variants: Annotated[dict[str, dict[str, Any] | None], Field(min_length=1)]

    @classmethod
    def from_mapping(cls, content: Any) -> SearchSettings:
        """Read the parameter.

        Raises:
            SearchError: Names the key that is wrong and the reason.
        """
        settings = checked(cls, "search", content)
        _ = settings.all_variants
        return settings

    @property
    def all_variants(self) -> tuple[Variant, ...]:
        """The variants, checked."""
        default = {"mutation_probability": self.mutation_probability}
        return tuple(Variant.from_mapping(name, {**default, **entry}) for name, entry in self.variants.items() if entry)

    @property
    def is_guided(self) -> bool:
        """Whether a variant asks for predictors of the objectives."""
        return any(variant.strategy == "guided" for variant in self.all_variants)


def read_problems(content: Any) -> tuple[Problem, ...]:
    """Read the parameter `problems` of a space.

    Raises:
        SearchError: Names the key that is wrong and the reason.
    """
    if not isinstance(content, Mapping) or not content:
        raise SearchError("problems: expected a mapping of at least one problem's name to its settings")
    return tuple(Problem.from_mapping(str(name), entry) for name, entry in content.items())


def run_search(
    space: SearchSpace,
    problems: Sequence[Problem],
    settings: SearchSettings,
    evaluator: Evaluator,
    reduced: ReducedSpaces,
    *,
    seed: int,
    guides: Mapping[str, Guide] | None = None,
    stopwatch: Stopwatch | None = None,
    progress: bool = True,
) -> pd.DataFrame:
    """Run every variant of every problem `settings.seeds` times.

    A variant that searches a restriction is left out for problems that declare none. Every run has its own random
    numbers, made from `seed` and the names of problem and variant: adding a variant changes no other.

    Args:
        space: The whole search space.
        problems: What to optimise.
        settings: Budget, seeds and variants.
        evaluator: Gives all metrics that the objectives read; all its metrics stand in the table. With a finite
            support only its architectures are evaluated (see `evolve`).
        reduced: The reduced spaces that the variants name.
        seed: The run's seed.
        guides: Per problem what predicts its objectives. Guided variants are left out, with a warning, for problems
            without.
        stopwatch: Takes the wall time of every run.
        progress: Whether to show a progress bar.

    Returns:
        Table `evaluations`: problem, variant, seed (0, 1, ...), evaluation (1, 2, ... in order), generation (0 is
        random), architecture_id, graph-level features, units, metrics, objectives (empty for other problems').

    Raises:
        SearchError: A problem does not fit space and metrics, a reduced space is missing, or nothing can be evaluated
            for a problem.
        EvaluationError, EquationError: A metric or an objective cannot be had.
    """
    check_problems(space, problems, metrics=evaluator.metrics)
    guides = guides or {}
    jobs = [(p, v) for p in problems for v in settings.all_variants if v.applies_to(p) and _guided(v, p, guides)]
    tables = []
    with tqdm(total=len(jobs) * settings.seeds, desc=f"search {space.name}", unit="run", disable=not progress) as bar:
        for problem, variant in jobs:
            search = variant_search(space, problem, variant, reduced)
            support = _support(space, problem, evaluator, search)
            for run in range(settings.seeds):
                bar.set_postfix_str(f"{problem.name} {variant.name}", refresh=False)
                rng = generator(seed, "search", space.name, problem.name, variant.name, index=run)
                with stopwatch.run(problem.name, variant.name, run) if stopwatch else nullcontext():
                    if variant.strategy == "guided":
                        with one_thread_per_operation():
                            found = guided_search(
                                space,
                                search.sample,
                                search.mutation,
                                evaluator,
                                problem,
                                guides[problem.name],
                                settings,
                                settings.guided,
                                rng,
                                support=support,
                            )
                    else:
                        found = evolve(
                            search.sample, search.mutation, evaluator, problem, settings, rng, support=support
                        )
                if found.shortfall:
                    log.warning(
                        "%s, %s, seed %d: %d of %d evaluations; no more architectures that are new were found",
                        problem.name,
                        variant.name,
                        run,
                        len(found.array),
                        found.budget,
                    )
                tables.append(_table(space, problem, variant, run, found))
                bar.update()
    if not tables:
        raise SearchError(f"search of space {space.name!r}: no variant applies to any problem")
    return _aligned(space, tables, evaluator.metrics, problems)


def _guided(variant: Variant, problem: Problem, guides: Mapping[str, Guide]) -> bool:
    """Whether the variant has all the guidance that it asks for."""
    known = variant.strategy != "guided" or problem.name in guides
    if not known:
        log.warning(
            "problem %s: variant %s is left out, there are no predictors of %s: the labelled architectures must have "
            "all metrics that the objectives read",
            problem.name,
            variant.name,
            ", ".join(problem.objectives),
        )
    return known


def pareto_fronts(evaluations: pd.DataFrame, problems: Sequence[Problem]) -> pd.DataFrame:
    """Table `pareto_fronts`: the rows of `evaluations` on the final front of each problem, variant and seed.

    Architectures with equal objectives are all kept.
    """
    keep = np.zeros(len(evaluations), dtype=bool)
    by_name = {problem.name: problem for problem in problems}
    for key, rows in evaluations.groupby(RUN, sort=False).indices.items():
        problem = by_name.get(cast("tuple[str, str, int]", key)[0])
        if problem is not None:
            keep[rows] = problem.front(problem.values(evaluations.iloc[rows]))
    return evaluations[keep].reset_index(drop=True)


def random_members(
    space: SearchSpace,
    problems: Sequence[Problem],
    settings: SearchSettings,
    evaluator: Evaluator,
    reduced: ReducedSpaces,
    *,
    seed: int,
    count: int = 1000,
) -> pd.DataFrame:
    """What a random member of the space of each variant is worth, drawn as the variant draws its first architectures.

    With a finite support every draw counts as the nearest supported architecture (repeats allowed).

    Returns:
        Table: problem, variant, objective, members (`count`), mean, std, space_size (an exact integer as text).
    """
    rows = []
    for problem in problems:
        for variant in settings.all_variants:
            if not variant.applies_to(problem):
                continue
            search = variant_search(space, problem, variant, reduced)
            support = _support(space, problem, evaluator, search)
            array = search.sample(count, generator(seed, "random_members", space.name, problem.name, variant.name))
            if support is not None:
                array = support.take(NearestSupported(support).project(array))
            objectives = problem.evaluate(checked_evaluation(evaluator, array))
            for name in problem.objectives:
                mean, std = float(objectives[name].mean()), float(objectives[name].std())
                rows.append((problem.name, variant.name, name, count, mean, std, str(search.size)))
    columns = ["problem", "variant", "objective", "members", "mean", "std", "space_size"]
    return pd.DataFrame(rows, columns=columns)


def _support(
    space: SearchSpace, problem: Problem, evaluator: Evaluator, search: VariantSearch
) -> ArchitectureArray | None:
    if evaluator.support is None:
        return None
    support = with_graph(space, evaluator.support, problem.graph)
    if search.restricted is not None:
        support = support.take(search.restricted.contains(support))
    if not len(support):
        raise SearchError(
            f"problems.{problem.name}: none of the {len(evaluator.support)} architectures that can be evaluated has "
            f"{problem.graph or 'its graph features'}" + (" and lies in its restriction" if search.restricted else "")
        )
    return support


def _table(space: SearchSpace, problem: Problem, variant: Variant, run: int, found: Evolution) -> pd.DataFrame:
    table = to_table(space, found.array)
    table.insert(0, "problem", problem.name)
    table.insert(1, "variant", variant.name)
    table.insert(2, "seed", run)
    table.insert(3, "evaluation", np.arange(1, len(table) + 1))
    table.insert(4, "generation", found.generation)
    # An objective may be a metric itself.
    objectives = found.objectives.drop(columns=[c for c in found.objectives if c in found.metrics])
    return pd.concat([table, found.metrics, objectives], axis=1)


def _aligned(
    space: SearchSpace, tables: Sequence[pd.DataFrame], metrics: Sequence[str], problems: Sequence[Problem]
) -> pd.DataFrame:
    table = pd.concat(tables, ignore_index=True)
    objectives = dict.fromkeys(name for problem in problems for name in problem.objectives if name not in metrics)
    values = [*metrics, *objectives]
    table = table[[*(c for c in table.columns if c not in values), *(c for c in values if c in table.columns)]]
    return table.astype({c: np.float64 for c in values if c in table.columns})
