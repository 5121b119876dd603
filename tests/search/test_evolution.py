"""The evolutionary search spends its budget once, always ends, and depends on its seed only."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from search_spaces import CountingEvaluator, declarations, problem, tiny_space

from autobuild_pipelines.evaluators import EvaluationError
from autobuild_pipelines.search import EvolutionSettings, LayerMutation, ModuleMutation, evolve
from autobuild_pipelines.search.mutation import Mutation
from autobuild_pipelines.spaces import ArchitectureArray, SearchSpace


def mutation_of(space: SearchSpace, kind: str) -> Mutation:
    if kind == "layer":
        return LayerMutation(space, [0.5] * len(space.units))
    return ModuleMutation(space.ranking_units, [0.5] * len(space.ranking_units))


def run(space: SearchSpace, kind: str, evaluator: CountingEvaluator, seed: int = 0, **budget: int) -> Any:
    return evolve(
        lambda count, rng: space.sample(count, rng),
        mutation_of(space, kind),
        evaluator,
        problem(),
        EvolutionSettings(**budget),
        np.random.default_rng(seed),
        support=evaluator.support,
    )


@pytest.mark.parametrize("kind", ["layer", "module"])
def test_a_generation_is_evaluated_in_one_call_and_the_budget_is_spent(ofa_mbv3: SearchSpace, kind: str) -> None:
    evaluator = CountingEvaluator()
    found = run(ofa_mbv3, kind, evaluator)
    assert evaluator.calls == [50, 50, 50, 50, 50]
    assert found.shortfall == 0
    assert np.bincount(found.generation).tolist() == evaluator.calls


@settings(max_examples=60)
@given(
    declaration=declarations(),
    kind=st.sampled_from(["layer", "module"]),
    seed=st.integers(0, 50),
    initial=st.integers(1, 20),
    iterations=st.integers(0, 3),
)
def test_in_any_space_it_ends_within_its_budget_and_never_repeats(
    declaration: dict[str, Any], kind: str, seed: int, initial: int, iterations: int
) -> None:
    space = SearchSpace.from_mapping("any", declaration)
    evaluator = CountingEvaluator()  # refuses an architecture that it has seen
    found = run(space, kind, evaluator, seed, initial=initial, iterations=iterations, per_iteration=10, max_rounds=5)
    assert len(found.array) == len(evaluator.seen) <= min(found.budget, space.size_with_graph_features)
    assert space.contains(found.array).all()
    assert found.shortfall == found.budget - len(found.array)


@pytest.mark.parametrize("kind", ["layer", "module"])
def test_a_space_smaller_than_the_budget_is_searched_whole_and_the_shortfall_told(kind: str) -> None:
    found = run(tiny_space(), kind, CountingEvaluator(), initial=5, iterations=10, per_iteration=6)
    assert len(found.array) == 12
    assert found.shortfall == 65 - 12


def test_children_are_mutants_of_the_front_over_everything_before(ofa_mbv3: SearchSpace) -> None:
    class Recording(LayerMutation):
        parents: list[set[bytes]] = []  # noqa: RUF012

        def mutate(self, parents: Any, rng: np.random.Generator) -> Any:
            self.parents.append({row.tobytes() for row in np.ascontiguousarray(parents)})
            return super().mutate(parents, rng)

    found = evolve(
        lambda count, rng: ofa_mbv3.sample(count, rng),
        Recording(ofa_mbv3, [0.5] * 5),
        CountingEvaluator(),
        problem(),
        EvolutionSettings(initial=20, iterations=3, per_iteration=40),
        np.random.default_rng(0),
    )
    values = found.objectives.to_numpy()
    for generation, parents in enumerate(Recording.parents, start=1):
        before = found.generation < generation
        front = problem().front(values[before])
        assert parents <= {row.tobytes() for row in np.ascontiguousarray(found.array.layers[before][front])}


def test_the_same_seed_gives_the_same_run_and_another_seed_another(ofa_mbv3: SearchSpace) -> None:
    first, second, other = (run(ofa_mbv3, "layer", CountingEvaluator(), seed) for seed in (1, 1, 2))
    assert first.array.keys() == second.array.keys()
    assert first.array.keys() != other.array.keys()


def test_it_improves_on_random_search(ofa_mbv3: SearchSpace) -> None:
    found = run(ofa_mbv3, "layer", CountingEvaluator())
    random = problem().hypervolume(run(ofa_mbv3, "layer", CountingEvaluator(), initial=250, iterations=0).objectives)
    assert problem().hypervolume(found.objectives) > random


def test_a_closed_table_is_searched_within_itself(ofa_mbv3: SearchSpace) -> None:
    support = ofa_mbv3.sample(300, np.random.default_rng(9), graph={"resolution": 224})
    found = run(ofa_mbv3, "module", CountingEvaluator(support))
    assert set(found.array.keys()) <= set(support.keys())
    assert found.shortfall == 0


def test_a_closed_table_smaller_than_the_budget_is_evaluated_whole(ofa_mbv3: SearchSpace) -> None:
    support = ofa_mbv3.sample(70, np.random.default_rng(9))
    found = run(ofa_mbv3, "layer", CountingEvaluator(support))
    assert sorted(found.array.keys()) == sorted(support.keys())
    assert found.shortfall == 180


def test_a_metric_that_is_not_finite_is_named(ofa_mbv3: SearchSpace) -> None:
    class Broken(CountingEvaluator):
        def evaluate(self, array: Any) -> Any:
            return super().evaluate(array).assign(gain=float("nan"))

    with pytest.raises(EvaluationError, match="metric 'gain': nan for architecture 1 of 50 is not finite"):
        run(ofa_mbv3, "layer", Broken())


class FailingEvaluator(CountingEvaluator):
    """Fails on architectures whose first layer is even, or on all."""

    def __init__(self, everything: bool = False) -> None:
        super().__init__()
        self.everything = everything

    def evaluate(self, array: ArchitectureArray) -> pd.DataFrame:
        table = super().evaluate(array)
        failed = (array.layers[:, 0] % 2 == 0) | self.everything
        table.loc[failed] = np.nan
        return table.assign(evaluation_error=np.where(failed, "broken", None))


def test_an_evaluation_that_failed_is_spent_and_is_nobodys_parent(ofa_mbv3: SearchSpace) -> None:
    evaluator = FailingEvaluator()
    found = run(ofa_mbv3, "layer", evaluator)
    assert sum(evaluator.calls) == 250
    failed = found.metrics["evaluation_error"].notna().to_numpy()
    assert failed.any()
    assert found.objectives[failed].isna().all(axis=None)
    front = problem().front(found.objectives.to_numpy())
    assert front.any()
    assert not (front & failed).any()


def test_a_search_in_which_nothing_can_be_evaluated_ends_after_the_first_generation(ofa_mbv3: SearchSpace) -> None:
    found = run(ofa_mbv3, "layer", FailingEvaluator(everything=True))
    assert found.shortfall == 200
