"""How soon each variant gets how far."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from search_run import PROBLEMS, search
from search_spaces import problem

from autobuild_pipelines.search import read_problems
from autobuild_pipelines.search.anytime import hypervolume_curves, method_comparison, running_hypervolume
from autobuild_pipelines.search.stopwatch import Stopwatch

PROBLEM, PLAIN = read_problems(PROBLEMS)
THREE = read_problems(
    {
        "three": {
            "objectives": {
                "a": {"direction": "max", "reference": 0},
                "b": {"direction": "min", "reference": 9},
                "c": {"direction": "min", "reference": 8},
            }
        }
    }
)[0]


def runs(volumes: dict[str, list[list[float]]]) -> pd.DataFrame:
    """Evaluations of problem "p" whose gains, at a cost of 99, give these hypervolumes one after the other."""
    return pd.DataFrame(
        [
            {"problem": "p", "variant": variant, "seed": seed, "evaluation": number, "gain": gain, "cost": 99.0}
            for variant, of_variant in volumes.items()
            for seed, run in enumerate(of_variant)
            for number, gain in enumerate(run, start=1)
        ]
    )


@given(arrays(np.float64, st.tuples(st.integers(0, 25), st.just(3)), elements=st.integers(-2, 10).map(float)))
def test_running_hypervolume_is_that_of_everything_evaluated_so_far(values: np.ndarray) -> None:  # type: ignore[type-arg]
    found = running_hypervolume(THREE, values)
    np.testing.assert_allclose(found, [THREE.hypervolume(values[: n + 1]) for n in range(len(values))])


def test_an_evaluation_that_failed_was_spent_and_adds_nothing() -> None:
    values = np.array([[1.0, 90.0], [np.nan, np.nan], [2.0, 90.0]])
    np.testing.assert_allclose(running_hypervolume(problem(), values), [10, 10, 20])


def test_curves_are_median_and_quartiles_over_the_seeds() -> None:
    table = hypervolume_curves([problem()], runs({"a": [[1, 2], [3, 4], [5, 9]]}), label_kind="measured")
    assert table["hypervolume_median"].tolist() == [3, 4]
    assert table["hypervolume_lower"].tolist() == [2, 3]
    assert table["hypervolume_upper"].tolist() == [4, 6.5]
    assert set(table["seeds"]) == {3}


def test_a_run_that_stopped_early_stays_where_it_was() -> None:
    table = hypervolume_curves([problem()], runs({"a": [[1, 2, 3], [5]]}), label_kind="measured")
    assert table["hypervolume_upper"].tolist() == [4, 4.25, 4.5]


def test_every_variant_of_every_problem_has_a_curve_that_never_falls_and_ends_where_the_comparison_says() -> None:
    evaluations = search()
    curves = hypervolume_curves([PROBLEM, PLAIN], evaluations, label_kind="measured")
    assert len(curves) == (4 + 3) * 28
    ends = method_comparison([PROBLEM, PLAIN], curves).set_index(["problem", "variant"])
    for key, rows in curves.groupby(["problem", "variant"]):
        assert rows["hypervolume_median"].is_monotonic_increasing
        assert ends.loc[key, "hypervolume_median"] == rows["hypervolume_median"].iloc[-1]
    of_runs = evaluations[evaluations["variant"] == "Stage-Full"].groupby(["problem", "seed"])
    volumes = [PROBLEM.hypervolume(PROBLEM.values(run)) for (name, _), run in of_runs if name == "insight"]
    assert ends.loc[("insight", "Stage-Full"), "hypervolume_median"] == pytest.approx(np.median(volumes))


def test_the_comparison_says_who_is_near_the_best_and_how_soon() -> None:
    curves = hypervolume_curves(
        [problem()], runs({"fast": [[9.6, 9.6, 10]], "slow": [[1, 2, 9.6]], "poor": [[1, 2, 3]]}), label_kind="measured"
    )
    table = method_comparison([problem()], curves).set_index("variant")
    assert table.loc["fast", "near_best_after"] == 1
    assert table.loc["slow", "near_best_after"] == 3
    assert np.isnan(table.loc["poor", "near_best_after"])
    assert table.loc["fast", "hypervolume_anytime"] == pytest.approx(29.2 / 3)


def test_where_nothing_beats_the_reference_nobody_is_near() -> None:
    curves = hypervolume_curves([problem()], runs({"a": [[-1, -2]]}), label_kind="measured")
    assert method_comparison([problem()], curves)["near_best_after"].isna().all()


def test_a_stopwatch_gives_the_time_between_start_and_end_of_every_run() -> None:
    ticks = iter([10.0, 12.5, 20.0, 21.0])
    watch = Stopwatch(lambda: next(ticks))
    with watch.run("gpu", "stage_full", 0):
        pass
    with watch.run("gpu", "stage_full", 1):
        pass
    watch.record("cpu", "stage_full", 0, 3.0)
    assert watch.table()["wall_s"].tolist() == [2.5, 1.0, 3.0]
    assert watch.table()["seed"].tolist() == [0, 1, 0]


def test_a_run_that_fails_leaves_no_time() -> None:
    watch = Stopwatch()
    with pytest.raises(RuntimeError), watch.run("gpu", "stage_full", 0):
        raise RuntimeError
    assert watch.table().empty
    assert watch.table()["seed"].dtype == "int64"
