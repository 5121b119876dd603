"""Scalars and contextual effects side by side: how stable their orders are, and where they disagree."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from untrained import LIFTED, untrained

from autobuild_pipelines.scoring import (
    context_effects,
    feature_importance,
    importance_order,
    importance_stability,
    importances,
)
from autobuild_pipelines.spaces import SearchSpace

VALUES = ("3", "5", "7")


def scalars(amounts: list[list[float]], category: str = "kernel", source: str = "scalar") -> pd.DataFrame:
    """A row a member."""
    rows = [
        ("t", category, value, source, member, amount, True)
        for member, of_member in enumerate(amounts)
        for value, amount in zip(VALUES, of_member, strict=True)
    ]
    return pd.DataFrame(rows, columns=["target", "category", "value", "source", "member", "amount", "trained"])


def measured(amounts: list[list[float]]) -> pd.DataFrame:
    """The same effects in two contexts that agree."""
    rows = [
        ("t", "layer", 1, 0, "kernel", value, member, context, 0, amount - np.mean(of_member))
        for member, of_member in enumerate(amounts)
        for context in range(2)
        for value, amount in zip(VALUES, of_member, strict=True)
    ]
    columns = ["target", "scope", "unit", "position", "feature", "value", "member", "context", "moved", "effect"]
    return pd.DataFrame(rows, columns=columns).astype({"unit": "Int64", "position": "Int64"})


def ordered(effects: list[list[float]], of_scalars: list[list[float]]) -> pd.DataFrame:
    table = pd.concat([scalars(of_scalars), scalars(effects, source="effect")], ignore_index=True)
    return importance_order(table, measured(effects))


def test_members_that_order_values_alike_and_not_are_told_apart() -> None:
    found = importance_stability(scalars([[1, 2, 3], [0.1, 0.5, 2], [3, 2, 1]]))
    pairs = found.set_index(["first", "second"])
    assert pairs["same_order"].to_dict() == {(0, 1): True, (0, 2): False, (1, 2): False}
    assert pairs["kendall"].to_dict() == pytest.approx({(0, 1): 1, (0, 2): -1, (1, 2): -1})
    assert pairs["spearman"].to_dict() == pytest.approx({(0, 1): 1, (0, 2): -1, (1, 2): -1})


def test_one_predictor_says_nothing_about_stability() -> None:
    assert importance_stability(scalars([[1, 2, 3]])).empty


def test_values_never_trained_on_take_no_part_in_orders() -> None:
    table = scalars([[1, 2, 3], [3, 1, 2]])
    found = importance_stability(table.assign(trained=table["value"] != "3"))
    assert found["values"].tolist() == [2]
    assert found["same_order"].all()


def test_an_order_that_is_reversed_beyond_both_errors_is_called_so() -> None:
    effects = [[0, 1, 2], [0.01, 1.01, 2], [0, 1, 2.01]]
    found = ordered(effects, [[0.2, 2, 1], [0.21, 2, 1.01], [0.2, 2.01, 1]]).set_index(["higher", "lower"])
    assert found["verdict"].to_dict() == {("5", "3"): "agree", ("7", "3"): "agree", ("7", "5"): "reversed"}


def test_a_difference_within_its_error_leaves_the_question_open() -> None:
    effects = [[0, 1, 2], [0.01, 1.01, 2], [0, 1, 2.01]]
    found = ordered(effects, [[1, 2, 3], [2, 1, 3], [1.5, 1.4, 3]]).set_index(["higher", "lower"])
    assert found["verdict"].to_dict() == {("5", "3"): "open", ("7", "3"): "agree", ("7", "5"): "agree"}


def test_one_predictor_cannot_say_whether_orders_disagree() -> None:
    found = ordered([[0, 1, 2]], [[3, 2, 1]])
    assert set(found["verdict"]) == {"one member"}
    assert found["scalar_error"].isna().all()


def test_what_has_no_scalar_and_what_has_no_effect_stand_in_the_table_by_themselves(ofa_mbv3: SearchSpace) -> None:
    rng = np.random.default_rng(0)
    predictors, training = untrained(ofa_mbv3, LIFTED), ofa_mbv3.sample(200, rng, graph={"resolution": 224})
    effects = context_effects(predictors, ofa_mbv3.sample(2, rng, graph={"resolution": 224}), training)
    table = importances(ofa_mbv3, feature_importance(predictors, training), effects)
    sources = table.groupby("category")["source"].agg(set).to_dict()
    assert sources == {
        "unit": {"scalar", "spread"},
        "layer": {"scalar", "spread"},
        "block": {"scalar"},
        "expand": {"scalar", "effect"},
        "kernel": {"scalar", "effect"},
        "resolution": {"scalar"},
        "layers": {"effect"},
    }
    unknown = table.loc[~table["trained"], ["category", "value"]].drop_duplicates()
    assert set(unknown["category"]) == {"block", "resolution"}


def test_unit_features_have_the_spread_of_their_units(sd_fid: SearchSpace) -> None:
    rng = np.random.default_rng(0)
    predictors, training = untrained(sd_fid), sd_fid.sample(200, rng)
    effects = context_effects(predictors, sd_fid.sample(3, rng), training)
    table = importances(sd_fid, feature_importance(predictors, training), effects)
    spreads = table[table["source"] == "spread"]
    assert set(spreads["category"]) == {"section", "stage"}
    assert set(spreads.loc[spreads["category"] == "section", "value"]) == {"input", "output"}
