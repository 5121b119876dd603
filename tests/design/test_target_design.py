"""Target equations that together cover a front."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest
from fronts import below, concave, convex, problem, two_costs
from hypothesis import given
from hypothesis import strategies as st

from autobuild_pipelines.design import (
    SHAPES,
    DesignedTarget,
    DesignError,
    DesignSettings,
    design_targets,
    designed_names,
    designed_targets_table,
    merged_targets,
    point_margin,
    target_equations,
)
from autobuild_pipelines.pipelines.design_targets.schemas import DESIGNED_TARGETS
from autobuild_pipelines.search import Problem
from autobuild_pipelines.targets import Equation

TABLE = below(concave)
MORE_SETTINGS = DesignSettings(count=6, best=20)


def middles(designed: list[DesignedTarget], name: str) -> list[float]:
    return [target.ideal.objectives[name] for target in designed]


def rows_of(target: DesignedTarget, table: pd.DataFrame) -> pd.DataFrame:
    return table.set_index("architecture_id").loc[list(target.architectures)]


def test_there_are_as_many_readable_equations_as_asked_for() -> None:
    designed = design_targets(problem(), TABLE, DesignSettings())
    assert [target.name for target in designed] == ["p_1", "p_2", "p_3", "p_4"]
    for target in designed:
        first, _, rest = target.equation.partition(" - ")
        coefficient, _, metric = rest.partition(" * ")
        assert (first, metric) == ("acc * 100", "cost")
        assert len(coefficient.replace(".", "").strip("0")) <= 3


@given(seed=st.integers(0, 30), settings=st.sampled_from([DesignSettings(), MORE_SETTINGS]))
def test_equations_sort_the_front_from_accurate_to_cheap(seed: int, settings: DesignSettings) -> None:
    designed = design_targets(problem(), below(concave, seed=seed), settings)
    for name in ("acc_percent", "cost"):
        assert middles(designed, name) == sorted(middles(designed, name), reverse=True)


@given(seed=st.integers(0, 30))
def test_the_best_training_architectures_of_an_equation_are_those_it_scores_highest_and_lie_in_its_region(
    seed: int,
) -> None:
    table = below(concave, seed=seed)
    for target in design_targets(problem(), table, DesignSettings()):
        scores = pd.Series(Equation("t", target.equation).evaluate(table), table["architecture_id"])
        assert list(target.architectures) == scores.sort_values(ascending=False).index[:25].tolist()
        best = rows_of(target, table).assign(acc_percent=lambda rows: rows["acc"] * 100)
        for name, (low, high) in target.region.items():
            assert best[name].between(low, high).all()
            assert low <= target.ideal.objectives[name] <= high


@given(seed=st.integers(0, 30))
def test_the_ideal_point_scores_above_the_high_and_the_low_point_by_the_margin(seed: int) -> None:
    table = below(concave, seed=seed)
    designed = design_targets(problem(), table, DesignSettings())
    for target in designed:
        assert target.checked
        deviation = Equation("t", target.equation).evaluate(table).std()
        for point in (target.high, target.low):
            assert point is None or target.ideal.score - point.score >= 0.1 * deviation
        if target.high is not None:
            assert target.high.objectives["cost"] > target.ideal.objectives["cost"]
        if target.low is not None:
            assert target.low.objectives["cost"] < target.ideal.objectives["cost"]
    assert designed[0].high is None
    assert designed[-1].low is None


@given(seed=st.integers(0, 30))
def test_together_they_cover_the_front(seed: int) -> None:
    table = below(concave, seed=seed)
    task = problem()
    designed = design_targets(task, table, DesignSettings())
    chosen = pd.concat([rows_of(target, table) for target in designed])
    front = table[task.front(task.evaluate(table).to_numpy())]
    volume = task.hypervolume(task.evaluate(chosen).to_numpy())
    assert volume >= 0.97 * task.hypervolume(task.evaluate(front).to_numpy())
    assert max(target.gap for target in designed) < 0.2


def test_the_gap_is_how_far_the_front_is_ahead_of_all_that_the_equations_rank_first() -> None:
    designed = design_targets(problem(), TABLE, DesignSettings())
    task = problem()
    values = task.evaluate(TABLE).to_numpy() * [1, -1]
    front = values[task.front(task.evaluate(TABLE).to_numpy())]
    chosen = values[TABLE["architecture_id"].isin([a for target in designed for a in target.architectures])]
    scale = np.ptp(front, axis=0)
    ahead = [min(max((f - c) / scale) for c in chosen) for f in front]
    assert designed[0].gap == pytest.approx(max(0.0, *ahead))


@pytest.mark.parametrize("factor", [10.0, 0.001])
def test_the_unit_of_a_metric_changes_nothing_but_its_coefficient(factor: float) -> None:
    before = design_targets(problem(), TABLE, DesignSettings())
    after = design_targets(problem(), TABLE.assign(cost=TABLE["cost"] * factor), DesignSettings())
    for one, other in zip(before, after, strict=True):
        assert other.architectures == one.architectures
        assert other.sum.coefficients[1] * factor == pytest.approx(one.sum.coefficients[1])
        assert (other.margin, other.gap) == (pytest.approx(one.margin), pytest.approx(one.gap))


def test_two_objectives_of_which_less_is_better_are_weighed_likewise() -> None:
    table = TABLE.assign(acc=1 - TABLE["acc"])  # an error rate
    mirrored = design_targets(problem(first="min"), table, DesignSettings())
    plain = design_targets(problem(), TABLE, DesignSettings())
    assert [target.architectures for target in mirrored] == [target.architectures for target in plain]
    assert mirrored[0].equation.startswith("-(acc * 100) - ") or mirrored[0].equation.startswith("-acc * 100 - ")
    assert middles(mirrored, "cost") == sorted(middles(mirrored, "cost"), reverse=True)


@pytest.mark.parametrize("count", [3, 4, 6])
def test_three_metrics_get_equations_that_favour_each_of_them_and_their_middle(count: int) -> None:
    table = two_costs()
    task = problem("cost", "memory")
    designed = design_targets(task, table, DesignSettings(count=count))
    assert all(target.checked for target in designed)
    assert middles(designed, "acc_percent")[0] == max(middles(designed, "acc_percent"))
    for name in ("cost", "memory"):
        assert min(middles(designed, name)) < 3 < 15 < max(middles(designed, name))
    for target, other in itertools.permutations(designed, 2):
        scores = Equation("t", target.equation).evaluate(table)
        mine, theirs = (scores[list(map(int, t.architectures))] for t in (target, other))
        assert mine.mean() > theirs.mean()


def test_a_front_between_whose_ends_no_sum_of_plain_costs_stops_gets_a_power_of_the_cost() -> None:
    table = below(convex(1.15))
    plain = design_targets(problem(), table, DesignSettings(shape="none"))
    assert not any(target.checked for target in plain)
    found = design_targets(problem(), table, DesignSettings())
    assert all(target.checked for target in found)
    assert found[0].equation.endswith("* cost ** 3")
    assert found[0].gap < plain[0].gap / 2


def test_where_no_shape_passes_the_one_that_comes_nearest_is_taken() -> None:
    table = below(convex(1.7))
    least = {
        shape: min(target.margin for target in design_targets(problem(), table, DesignSettings(shape=shape)))
        for shape in SHAPES
    }
    found = design_targets(problem(), table, DesignSettings())
    assert not all(target.checked for target in found)
    assert least[found[0].sum.shape] == max(least.values()) < 0.1


def test_an_equation_that_fails_the_check_stays_says_why_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    designed = design_targets(problem(), TABLE, DesignSettings(margin=50))
    assert len(designed) == 4
    assert not any(target.checked for target in designed)
    assert "above those of p_2, less than design.margin 50" in designed[0].reason
    assert "designed target p_1" in caplog.text


def test_an_equation_that_scores_all_architectures_alike_fails_the_check() -> None:
    cost = np.linspace(1, 2, 300)
    designed = design_targets(
        problem(), pd.DataFrame({"acc": cost / 100, "cost": cost}), DesignSettings(count=3, shape="none")
    )
    assert designed[1].equation == "acc * 100 - 1 * cost"
    assert designed[1].margin == 0
    assert not designed[1].checked


def test_only_architectures_with_the_problems_graph_level_values_and_all_labels_count() -> None:
    task = problem(graph={"resolution": 224})
    elsewhere = TABLE.assign(resolution=192, acc=0.99, cost=0.5, architecture_id="elsewhere")
    unlabelled = TABLE.head(50).assign(acc=np.nan, architecture_id="unlabelled")
    table = pd.concat([elsewhere, unlabelled, TABLE], ignore_index=True)
    assert design_targets(task, table, DesignSettings()) == design_targets(task, TABLE, DesignSettings())


def test_no_equations_are_designed_where_none_are_asked_for() -> None:
    table = designed_targets_table(
        {"p": design_targets(problem(), TABLE, DesignSettings(count=0))}, label_kind="measured"
    )
    assert DESIGNED_TARGETS.validate(table).empty


@pytest.mark.parametrize(
    ("task", "table", "settings", "message"),
    [
        (problem(), TABLE.assign(cost=3.0), {}, "objective 'cost' is the same for all 1500 architectures"),
        (problem(), TABLE.drop(columns="cost"), {}, "lack the label 'cost'"),
        (problem(), TABLE.head(99), {}, "99 architectures with all labels are too few.*label more"),
        (problem(graph={"resolution": 192}), TABLE, {}, "0 architectures with all labels at resolution 192"),
        (problem(), TABLE.assign(acc=1 / TABLE["cost"]), {}, "the front of .* has 1 different points"),
        (problem("cost", "acc"), TABLE, {"count": 2}, "design.count is 2, but 3 objectives need as many"),
        (problem(), TABLE.assign(cost=TABLE["cost"] - 9), {"shape": "log"}, "design.shape 'log' does not fit"),
    ],
)  # fmt: skip
def test_what_cannot_be_designed_is_refused_with_the_reason(
    task: Problem, table: pd.DataFrame, settings: Mapping[str, Any], message: str
) -> None:
    with pytest.raises(DesignError, match=message):
        design_targets(task, table, DesignSettings(**settings))


def test_one_objective_needs_no_design() -> None:
    one = Problem.from_mapping("p", {"objectives": {"acc": {"direction": "max", "reference": 0}}})
    with pytest.raises(DesignError, match="has the one objective 'acc', which is the target"):
        design_targets(one, TABLE, DesignSettings())


def test_costs_that_may_be_negative_are_weighed_as_they_are() -> None:
    table = TABLE.assign(cost=TABLE["cost"] - 9)
    assert {target.sum.shape for target in design_targets(problem(), table, DesignSettings(margin=50))} == {"none"}


@pytest.mark.parametrize(
    ("content", "message"),
    [({"counts": 3}, "counts: unknown key"), ({"margin": -1}, "margin"), ({"shape": "cubic"}, "shape"), (4, "mapping")],
)
def test_settings_that_are_wrong_name_their_key(content: Any, message: str) -> None:
    with pytest.raises(DesignError, match=f"design.*{message}"):
        DesignSettings.from_mapping(content)


def test_the_table_has_a_row_an_equation_with_its_region_and_check() -> None:
    other = Problem.from_mapping(
        "q", {"objectives": {name: {"direction": "min", "reference": 9} for name in ("acc", "cost")}}
    )
    designed = {
        "p": design_targets(problem(), TABLE, DesignSettings()),
        "q": design_targets(other, TABLE.assign(acc=1 - TABLE["acc"]), DesignSettings(count=2)),
    }
    table = DESIGNED_TARGETS.validate(designed_targets_table(designed, label_kind="surrogate"))
    assert table["target"].tolist() == ["p_1", "p_2", "p_3", "p_4", "q_1", "q_2"]
    assert dict(zip(table["target"], table["equation"], strict=True)) == {
        name: text for targets in designed.values() for name, text in target_equations(targets).items()
    }
    row, target = table.iloc[1], designed["p"][1]
    assert (row["region_min_cost"], row["region_max_cost"]) == target.region["cost"]
    assert (row["high"], row["low"]) == ("p_1", "p_3")
    assert np.isnan(table["coefficient_acc_percent"].iloc[4])
    assert set(table["label_kind"]) == {"surrogate"}


def test_names_are_known_before_equations_are() -> None:
    settings = DesignSettings()
    designed = design_targets(problem(), TABLE, settings)
    assert designed_names(problem(), settings) == tuple(target.name for target in designed)
    one = Problem.from_mapping("p", {"objectives": {"acc": {"direction": "max", "reference": 0}}})
    assert designed_names(one, settings) == ()


def test_designed_targets_stand_behind_those_written_by_hand_and_never_replace_one() -> None:
    assert list(merged_targets({"acc": "acc"}, {"p_1": "acc - 2 * cost"}).items()) == [
        ("acc", "acc"),
        ("p_1", "acc - 2 * cost"),
    ]
    pasted = {"p_1": "acc - 2 * cost"}
    assert merged_targets(pasted, pasted) == pasted
    with pytest.raises(DesignError, match=r"targets\.p_1: 'acc' has the name of a designed target"):
        merged_targets({"p_1": "acc"}, pasted)


def test_the_papers_own_equation_scores_its_ideal_point_above_the_others_by_little() -> None:
    equation = Equation("hand", "sqrt(pq) - 2 * sqrt(flops)")
    high, ideal, low = ({"flops": flops, "pq": pq} for flops, pq in [(175.1, 37.9), (172.9, 37.4), (171.3, 35.7)])
    scores = equation.evaluate(pd.DataFrame([high, ideal, low]))
    np.testing.assert_allclose(scores, [-20.31, -20.18, -20.20], atol=0.005)  # paper §7.7
    rng = np.random.default_rng(0)
    training = pd.DataFrame({"flops": rng.uniform(168, 180, 300), "pq": rng.uniform(33, 38, 300)})
    margin = point_margin(equation, ideal, [high, low], training)
    assert margin == pytest.approx((scores[1] - scores[2]) / equation.evaluate(training).std())
    assert 0 < margin < 0.1
    assert point_margin(equation, low, [high, ideal], training) < 0
