"""The best value of each objective under limits of the others."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from search_run import PROBLEMS, SPACE, search
from test_comparison import labelled

from autobuild_pipelines.search import Problem, SearchError, read_problems
from autobuild_pipelines.search.caps import CapSettings, best_under_caps

PROBLEM, PLAIN = read_problems(PROBLEMS)


def best(settings: dict[str, Any], problems: tuple[Problem, ...] = (PLAIN,), **changes: Any) -> pd.DataFrame:
    given = {"evaluations": search(), "training": labelled(200), **changes}
    read = CapSettings.from_mapping(settings, problems)
    return best_under_caps(SPACE, problems, given["evaluations"], given["training"], read, label_kind="measured")


def test_the_best_under_a_cap_is_the_median_over_seeds_of_the_best_that_keeps_it() -> None:
    evaluations = search()
    table = best({"caps": {"cost": [12, 9], "gain_percent": [40]}}, evaluations=evaluations)
    row = table[(table["variant"] == "Stage-Full") & (table["objective"] == "gain_percent") & (table["level"] == 1)]
    rows = evaluations[(evaluations["problem"] == "plain") & (evaluations["variant"] == "Stage-Full")]
    expected = rows[rows["cost"] <= 12].groupby("seed")["gain_percent"].max()
    assert row["best_median"].tolist() == [pytest.approx(expected.median())]
    assert row["limits"].tolist() == ["cost <= 12"]
    assert row["seeds_within"].tolist() == [len(expected)]
    cheapest = table[(table["variant"] == "Stage-Full") & (table["objective"] == "cost")]
    assert cheapest["limits"].tolist() == ["gain_percent >= 40"]
    found = rows[rows["gain_percent"] >= 40].groupby("seed")["cost"].min()
    assert cheapest["best_median"].tolist() == [pytest.approx(found.median())]


def test_without_caps_the_limits_are_quantiles_of_the_training_set_counted_from_the_best() -> None:
    training = labelled(200)
    table = best({"cap_quantiles": [0.1]}, training=training).drop_duplicates("objective").set_index("objective")
    assert table.loc["gain_percent", "limits"] == f"cost <= {training['cost'].quantile(0.1):.6g}"
    assert table.loc["cost", "limits"] == f"gain_percent >= {100 * training['gain'].quantile(0.9):.6g}"
    assert set(table["quantile"]) == {0.1}


def test_the_training_set_stands_beside_the_searches_at_the_problems_graph_level_values() -> None:
    training = labelled(200)
    table = best({"caps": {"cost": [1e9], "gain_percent": [0]}}, (PROBLEM,), training=training)
    row = table[(table["variant"] == "training_set") & (table["objective"] == "gain_percent")]
    at_32 = training[training["resolution"] == 32]
    assert row["best_median"].tolist() == [pytest.approx(100 * at_32["gain"].max())]


def test_a_cap_that_nothing_keeps_leaves_the_value_empty() -> None:
    table = best({"caps": {"cost": [0.5]}})
    rows = table[table["objective"] == "gain_percent"]
    assert (rows["seeds_within"] == 0).all()
    assert rows["best_median"].isna().all()
    assert rows["quantile"].isna().all()


def test_tighter_limits_never_give_better_values() -> None:
    table = best({"cap_quantiles": [0.1, 0.3, 0.6, 1.0]}).dropna(subset=["best_median"])
    for (_, _, objective), rows in table.groupby(["problem", "variant", "objective"]):
        values = rows[rows["seeds_within"] == rows["seeds"]].sort_values("level")["best_median"]
        assert values.is_monotonic_increasing if objective == "gain_percent" else values.is_monotonic_decreasing


def three(**caps: list[float]) -> tuple[tuple[Problem, ...], dict[str, Any]]:
    objectives = {**PROBLEMS["plain"]["objectives"], "gain": {"direction": "max", "reference": 0}}  # type: ignore[dict-item]
    return read_problems({"plain": {"objectives": objectives}}), {"caps": caps}


def test_with_three_objectives_the_others_are_limited_together() -> None:
    problems, settings = three(cost=[12, 9], gain=[0.1, 0.2], gain_percent=[1, 2])
    evaluations = search()
    table = best(settings, problems, evaluations=evaluations).set_index(["variant", "objective", "level"])
    row = table.loc[("Stage-Full", "gain_percent", 2)]
    assert row["limits"] == "cost <= 9 and gain >= 0.2"
    rows = evaluations[(evaluations["problem"] == "plain") & (evaluations["variant"] == "Stage-Full")]
    kept = rows[(rows["cost"] <= 9) & (rows["gain"] >= 0.2)].groupby("seed")["gain_percent"].max()
    np.testing.assert_allclose(row["best_median"], kept.median() if len(kept) else np.nan)


def test_objectives_that_are_limited_together_need_as_many_caps() -> None:
    problems, settings = three(cost=[12, 9], gain=[0.1])
    with pytest.raises(SearchError, match=r"limits \['cost', 'gain'\] together, so each needs as many caps"):
        best(settings, problems)


def test_a_training_set_without_the_metrics_leaves_the_problem_out_and_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    table = best({}, training=labelled(9).drop(columns="cost"))
    assert table.empty
    assert "the training set has no cost; give compare_methods.caps for each of" in caplog.text


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"caps": {"fps": [1]}}, r"compare_methods\.caps\.fps: no problem has this objective; there are \['gain_perc"),
        ({"cap_quantiles": [2]}, r"compare_methods\.cap_quantiles"),
        ({"cap": {}}, r"compare_methods\.cap\b"),
    ],
)
def test_wrong_settings_are_errors_that_name_the_key(content: dict[str, Any], message: str) -> None:
    with pytest.raises(SearchError, match=message):
        CapSettings.from_mapping(content, (PLAIN,))
