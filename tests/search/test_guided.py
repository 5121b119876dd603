"""The guided search, its guide and how it chooses what to evaluate."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from tests.search.search_run import PROBLEMS, SPACE, Metrics

from autobuild_pipelines.search import Problem, SearchSettings, objective_targets, read_problems, run_search
from autobuild_pipelines.search.guide import CorrectedGuide
from autobuild_pipelines.search.selection import best_fronts, greatest_gains
from autobuild_pipelines.spaces import ArchitectureArray

THINKING = {
    "drawn": 60,
    "population": 30,
    "children": 60,
    "generations": 4,
    "generations_later": 2,
    "candidates": 60,
    "first": 9,
    "per_round": 7,
}
SETTINGS = {
    "seeds": 1,
    "initial": 10,
    "iterations": 3,
    "per_iteration": 6,
    "guided": THINKING,
    "variants": {
        "Layer-Full": {"mutation": "layer", "space": "full", "sampling": "depths"},
        "AutoBuild-Guided": {"strategy": "guided", "mutation": "layer", "space": "full", "sampling": "depths"},
    },
}
PLAIN = read_problems({"plain": {**PROBLEMS["plain"], "graph": {"resolution": 32}}})
POINTS = arrays(float, st.tuples(st.integers(1, 12), st.just(2)), elements=st.integers(0, 30).map(float))


class Guess:
    """Predicts the objectives but for an effect of the first layer that it does not know."""

    def look(self, array: ArchitectureArray) -> tuple[np.ndarray, np.ndarray]:
        """Predicted objectives and features."""
        true = PLAIN[0].evaluate(Metrics().evaluate(array)).to_numpy()
        wrong = np.where(array.layers[:, :1] == 2, 5.0, 0.0)
        return true + wrong, np.stack([true.sum(axis=1), array.layers.sum(axis=1)], axis=1)


def search(support: ArchitectureArray | None = None, **settings: object) -> pd.DataFrame:
    read = SearchSettings.from_mapping({**SETTINGS, **settings})
    return run_search(SPACE, PLAIN, read, Metrics(support), {}, seed=3, guides={"plain": Guess()}, progress=False)


def of_variant(table: pd.DataFrame, name: str = "AutoBuild-Guided") -> pd.DataFrame:
    return table[table["variant"] == name].reset_index(drop=True)


def test_a_guided_search_spends_its_budget_on_distinct_architectures_in_generations() -> None:
    found = of_variant(search())
    assert len(found) == 10 + 3 * 6  # nine, then rounds of seven
    assert found["architecture_id"].is_unique
    assert found["generation"].value_counts().to_dict() == {0: 9, 1: 7, 2: 7, 3: 5}


def test_with_a_fair_guide_it_reaches_more_than_evolution_on_the_same_budget() -> None:
    table = search(seeds=3)
    volume = {
        variant: PLAIN[0].hypervolume(PLAIN[0].values(of_variant(table, variant)))
        for variant in ("Layer-Full", "AutoBuild-Guided")
    }
    assert volume["AutoBuild-Guided"] > volume["Layer-Full"]


def test_the_same_seed_gives_the_same_run() -> None:
    pd.testing.assert_frame_equal(search(), search())


def test_other_variants_are_the_same_beside_a_guided_one() -> None:
    alone = search(variants={"Layer-Full": SETTINGS["variants"]["Layer-Full"]})  # type: ignore[index]
    pd.testing.assert_frame_equal(of_variant(search(), "Layer-Full"), of_variant(alone, "Layer-Full"))


def test_only_supported_architectures_are_evaluated_and_a_small_support_ends_the_run() -> None:
    drawn = SPACE.sample(15, np.random.default_rng(0), graph={"resolution": 32})
    found = of_variant(search(drawn))
    assert len(found) == len(set(drawn.keys()))
    assert set(found["architecture_id"]) == set(SPACE.ids(drawn))


def test_without_predictors_of_the_objectives_it_is_left_out_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    read = SearchSettings.from_mapping(SETTINGS)
    table = run_search(SPACE, PLAIN, read, Metrics(), {}, seed=3, progress=False)
    assert set(table["variant"]) == {"Layer-Full"}
    assert "problem plain: variant AutoBuild-Guided is left out" in caplog.text


def test_what_is_evaluated_corrects_the_guide() -> None:
    array = SPACE.sample(120, np.random.default_rng(1), graph={"resolution": 32})
    true = PLAIN[0].evaluate(Metrics().evaluate(array)).to_numpy()
    guide = CorrectedGuide(SPACE, Guess(), PLAIN[0].maximise)
    before = np.abs(guide.predict(guide.see(array.take(slice(60, None)))) - true[60:]).mean()
    guide.learn(guide.see(array.take(slice(0, 60))), true[:60])
    after = np.abs(guide.predict(guide.see(array.take(slice(60, None)))) - true[60:]).mean()
    assert after < before / 2


def test_an_optimistic_guide_is_more_so_where_nothing_alike_was_evaluated() -> None:
    array = SPACE.sample(120, np.random.default_rng(1), graph={"resolution": 32})
    true = PLAIN[0].evaluate(Metrics().evaluate(array)).to_numpy()
    plain, hopeful = (CorrectedGuide(SPACE, Guess(), PLAIN[0].maximise, optimism) for optimism in (0.0, 1.0))
    for guide in (plain, hopeful):
        guide.learn(guide.see(array.take(slice(0, 60))), true[:60])
    gain = (hopeful.predict(hopeful.see(array)) - plain.predict(plain.see(array))) * np.where(PLAIN[0].maximise, 1, -1)
    assert (gain >= 0).all()
    assert gain[:60].mean() < 0.8 * gain[60:].mean()


def test_failed_evaluations_teach_nothing() -> None:
    array = SPACE.sample(5, np.random.default_rng(1))
    guide = CorrectedGuide(SPACE, Guess(), PLAIN[0].maximise)
    before = guide.predict(guide.see(array))
    guide.learn(guide.see(array), np.full((5, 2), np.nan))
    np.testing.assert_array_equal(guide.predict(guide.see(array)), before)


@given(POINTS, st.integers(1, 6))
def test_greedy_gains_equal_looking_at_every_candidate_every_time(points: np.ndarray, count: int) -> None:
    problem = problem_of_two()
    chosen = greatest_gains(problem, np.empty((0, 2)), points, count)
    front: list[np.ndarray] = []
    for index in chosen:
        gains = [problem.hypervolume([*front, point]) for point in points]
        assert gains[index] == pytest.approx(max(gains))
        front.append(points[index])
    assert len(set(chosen.tolist())) == len(chosen) == min(count, len(points))


@given(POINTS, st.integers(1, 12))
def test_best_fronts_take_no_point_before_one_that_dominates_it(points: np.ndarray, count: int) -> None:
    chosen = set(best_fronts(points, [True, True], count).tolist())
    assert len(chosen) == min(count, len(points))
    for index in chosen:
        dominating = np.flatnonzero((points >= points[index]).all(axis=1) & (points > points[index]).any(axis=1))
        assert set(dominating.tolist()) <= chosen


def test_objectives_get_targets_of_their_own_unless_a_target_is_the_same_equation() -> None:
    problems = read_problems(
        {
            "gpu": {"objectives": {"acc": {"equation": "a * 100", "direction": "max", "reference": 0}}},
            "cpu": {
                "objectives": {
                    "acc": {"equation": "a * 90", "direction": "max", "reference": 0},
                    "ms": {"direction": "min", "reference": 9},
                }
            },
            "npu": {"objectives": {"npu_ms": {"direction": "min", "reference": 9}}},
        }
    )
    found = objective_targets(problems, {"score": "ms"}, ["a", "ms"])
    assert found.equations == {"acc": "a * 100", "cpu_acc": "a * 90"}
    assert found.of_problem == {"gpu": ("acc",), "cpu": ("cpu_acc", "score")}


def problem_of_two() -> Problem:
    return Problem.from_mapping(
        "two",
        {"objectives": {n: {"direction": "max", "reference": 0} for n in ("a", "b")}},
    )
