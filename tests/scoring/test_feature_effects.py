"""Contextual effects of feature values: what a prediction changes by, and how sure that is."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from untrained import LIFTED, untrained

from autobuild_pipelines.scoring import context_effects, effect_shares, feature_effects, member_effects
from autobuild_pipelines.scoring.value_fits import fit_values
from autobuild_pipelines.spaces import SearchSpace


@pytest.fixture(scope="module")
def measured(ofa_mbv3: SearchSpace) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    return context_effects(untrained(ofa_mbv3, LIFTED), ofa_mbv3.sample(5, rng), ofa_mbv3.sample(300, rng))


def test_an_effect_is_the_difference_of_predictions_of_the_same_network(
    ofa_mbv3: SearchSpace, measured: pd.DataFrame
) -> None:
    predictors = untrained(ofa_mbv3, LIFTED)
    contexts = ofa_mbv3.sample(5, np.random.default_rng(3))
    for unit, position, context in ((1, 0, 0), (4, 1, 2), (5, 0, 4)):
        slot = ofa_mbv3.units[unit - 1].start + position
        layer = dict(ofa_mbv3.layers[contexts.layers[context, slot]])
        predicted = []
        for kernel in (3, 5, 7):
            network = contexts.take([context])
            layers = network.layers.copy()
            layers[0, slot] = ofa_mbv3.code_of_layer[tuple(sorted({**layer, "kernel": kernel}.items()))]
            predicted.append(predictors.predict(type(network)(layers, network.graph))[:, 0])
        expected = np.asarray(predicted) - np.mean(predicted, axis=0)
        rows = at(measured, unit=unit, position=position, context=context, feature="kernel")
        for column, target in enumerate(("a", "b")):
            found = rows[rows["target"] == target].set_index("value")["effect"]
            np.testing.assert_allclose(found[["3", "5", "7"]], expected[:, column], rtol=1e-4, atol=1e-5)


def test_effects_of_the_values_of_a_place_add_up_to_nothing(measured: pd.DataFrame) -> None:
    keys = ["target", "scope", "unit", "position", "feature", "member", "context"]
    sums = measured.groupby(keys, dropna=False)["effect"].sum()
    np.testing.assert_allclose(sums, 0, atol=1e-6)
    table = feature_effects(measured)
    levels = table.groupby(["target", "level", "scope", "unit", "position", "feature"], dropna=False)["effect"].sum()
    np.testing.assert_allclose(levels, 0, atol=1e-6)


def test_effects_and_errors_of_one_place_are_means_and_standard_errors_over_its_contexts(
    measured: pd.DataFrame,
) -> None:
    table = feature_effects(measured)
    rows = at(measured, target="b", unit=3, position=0, feature="expand", value="6")
    (found,) = at(table, target="b", level="layer", unit=3, position=0, feature="expand", value="6").to_dict("records")
    assert found["effect"] == pytest.approx(rows["effect"].mean())
    assert found["context_error"] == pytest.approx(rows["effect"].sem())
    assert found["contexts"] == 5
    assert np.isnan(found["member_error"])  # one predictor per target bounds nothing
    assert found["standard_error"] == pytest.approx(found["context_error"])


@given(
    effects=st.lists(st.floats(-2, 2), min_size=4, max_size=4, unique=True),
    allowed=st.lists(st.sets(st.integers(0, 3), min_size=2), min_size=6, max_size=6),
)
def test_effects_that_are_the_same_everywhere_are_found_whichever_values_each_context_allows(
    effects: list[float], allowed: list[set[int]]
) -> None:
    allowed = [*allowed, {0, 1}, {1, 2}, {2, 3}]  # so that all values can be compared
    rows = [
        ("t", "layer", 1, 0, "f", f"{value}", 0, context, 0, effects[value] - np.mean([effects[v] for v in some]))
        for context, some in enumerate(allowed)
        for value in some
    ]
    columns = ["target", "scope", "unit", "position", "feature", "value", "member", "context", "moved", "effect"]
    table = pd.DataFrame(rows, columns=columns).astype({"unit": "Int64", "position": "Int64"})
    (fit,) = fit_values(table, "space")
    np.testing.assert_allclose(fit.mean, np.asarray(effects) - np.mean(effects), atol=1e-8)
    np.testing.assert_allclose(fit.of_contexts, 0, atol=1e-12)


def test_values_that_training_has_none_of_have_no_effect(ofa_mbv3: SearchSpace) -> None:
    rng = np.random.default_rng(0)
    training = ofa_mbv3.sample(300, rng, graph={"resolution": 224})
    effects = context_effects(untrained(ofa_mbv3), ofa_mbv3.sample(2, rng), training)
    assert set(effects["feature"]) == {"expand", "kernel", "layers"}


def test_shares_are_of_the_whole_and_units_and_positions_count_what_features_do(measured: pd.DataFrame) -> None:
    shares = effect_shares(measured)
    total = shares.groupby(["target", "by", "member"])["share"].sum()
    np.testing.assert_allclose(total.xs("feature", level="by"), 1)
    graph = shares.query("by == 'feature' and key == 'resolution'").set_index("target")["share"]
    of_units = total.xs("unit", level="by").reset_index("member", drop=True)
    np.testing.assert_allclose(of_units, 1 - graph[of_units.index])


def test_effects_of_members_average_to_those_of_the_space(measured: pd.DataFrame) -> None:
    mean = member_effects(measured).groupby(["target", "scope", "feature", "value"])["effect"].mean()
    table = feature_effects(measured).query("level == 'space'")
    found = table.set_index(["target", "scope", "feature", "value"])["effect"]
    np.testing.assert_allclose(mean[found.index], found)


def test_constraints_leave_effects_with_how_much_else_had_to_change(sd_fid: SearchSpace) -> None:
    rng = np.random.default_rng(0)
    contexts = sd_fid.sample(6, rng)
    table = feature_effects(context_effects(untrained(sd_fid), contexts, sd_fid.sample(500, rng)))
    assert set(table["scope"]) == {"layer", "shared", "length"}
    assert (table.loc[table["scope"] == "layer", "moved"] > 0).any()


def at(table: pd.DataFrame, **wanted: object) -> pd.DataFrame:
    """The rows with these values."""
    for column, value in wanted.items():
        table = table[(table[column] == value).fillna(False).astype(bool)]
    return table
