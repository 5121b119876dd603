"""Feature importance: the scalars of the FE-MLP as a table, and what Table 3 says of them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from autobuild_pipelines.graphs import FeatureSchema, Vocabulary
from autobuild_pipelines.predictors import GraphPredictor, ModelSettings, TrainedPredictors
from autobuild_pipelines.scoring import category_importance, feature_importance, value_importance
from autobuild_pipelines.spaces import ArchitectureArray, SearchSpace

MEMBERS = 3


def untrained(space: SearchSpace, targets: tuple[str, ...] = ("a", "b")) -> TrainedPredictors:
    torch.manual_seed(0)
    members = MEMBERS * len(targets)
    model = GraphPredictor(FeatureSchema.of(space), ModelSettings(embedding=8), members).eval()
    hops, moments = np.ones((members, 5)), np.ones(len(targets))
    return TrainedPredictors(space, targets, {}, model, moments, moments, hops, hops)


@pytest.mark.parametrize("name", ["sd_fid", "ofa_pn"])
def test_every_value_of_every_feature_has_the_scalar_that_stands_in_its_nodes_embeddings(
    name: str, request: pytest.FixtureRequest
) -> None:
    space: SearchSpace = request.getfixturevalue(name)
    predictors = untrained(space)
    table = feature_importance(predictors, space.sample(50, np.random.default_rng(0)))
    schema, features = FeatureSchema.of(space), Vocabulary(space).features
    assert len(table) == 2 * MEMBERS * sum(len(c.values) for c in schema.categories)
    with torch.inference_mode():
        embedded = predictors.model.fe_mlp(torch.from_numpy(features)).double().numpy()
    scalars = table.set_index(["target", "member", "category", "value"])["scalar"].to_dict()
    for column, category in enumerate(schema.categories):
        for word, place in enumerate(features[:, column] - schema.offsets[column]):
            value = category.values[place]
            shown = str(int(value) + 1 if category.name == "unit" else value)
            of_members = [scalars[t, member, category.name, shown] for t in ("a", "b") for member in range(MEMBERS)]
            np.testing.assert_allclose(of_members, embedded[:, word, column], rtol=1e-6)


def test_units_are_counted_from_one_as_in_all_tables_and_positions_of_layers_from_zero(ofa_mbv3: SearchSpace) -> None:
    table = feature_importance(untrained(ofa_mbv3, ("acc",)), ofa_mbv3.sample(50, np.random.default_rng(0)))
    values = table[table["member"] == 0].groupby("category")["value"].agg(list)
    assert values["unit"] == ["1", "2", "3", "4", "5"]
    assert values["layer"] == ["0", "1", "2", "3"]


def test_values_that_no_training_architecture_has_are_not_knowledge(ofa_mbv3: SearchSpace) -> None:
    array = ofa_mbv3.sample(200, np.random.default_rng(0), graph={"resolution": 208})
    found = feature_importance(untrained(ofa_mbv3, ("acc",)), array)
    unknown = found.loc[~found["trained"], ["category", "value"]].drop_duplicates()
    assert set(unknown.itertuples(index=False, name=None)) == {
        ("block", "mbconv2"),
        ("resolution", "192"),
        ("resolution", "224"),
    }
    assert value_importance(found).query("category == 'resolution'")["value"].tolist()[0] == "208"
    assert category_importance(found).set_index("category")["values"]["resolution"] == 1


def test_a_number_between_trained_ones_is_known(ofa_mbv3: SearchSpace) -> None:
    rng = np.random.default_rng(0)
    ends = [ofa_mbv3.sample(100, rng, graph={"resolution": resolution}) for resolution in (192, 224)]
    found = feature_importance(untrained(ofa_mbv3, ("acc",)), ArchitectureArray.concat(ends))
    assert found.loc[found["category"] == "resolution", "trained"].all()


def test_the_distribution_and_range_of_a_category_are_those_of_its_values() -> None:
    # Operation scores of the paper, §7.9.
    values = {"upsample": 0.77, "residual": 0.63, "attention": 0.33, "downsample": 0.0}
    rows = [("fid", "operation", value, 0, scalar) for value, scalar in values.items()]
    (row,) = category_importance(table(rows)).to_dict("records")
    assert (row["values"], row["low"], row["high"]) == (4, 0.0, 0.77)
    assert row["mean"] == pytest.approx(np.mean([*values.values()]))
    assert row["std"] == pytest.approx(np.std([*values.values()]))
    assert np.isnan(row["member_std"])


def test_targets_and_categories_keep_their_order_and_values_stand_by_importance() -> None:
    rows = [
        (target, category, value, member, scalar + 0.1 * member)
        for target in ("b", "a")
        for category in ("stage", "channels")
        for member in range(2)
        for value, scalar in (("low", 0.1), ("high", 0.9), ("middle", 0.5))
    ]
    found = value_importance(table(rows))
    assert found["value"].tolist() == ["high", "middle", "low"] * 4
    assert found["rank"].tolist() == [1, 2, 3] * 4
    assert found["target"].tolist() == ["b"] * 6 + ["a"] * 6
    assert found["category"].tolist() == (["stage"] * 3 + ["channels"] * 3) * 2


@given(scalars=st.lists(st.lists(st.floats(0, 10), min_size=3, max_size=3), min_size=2, max_size=5))
def test_means_and_spreads_are_over_members(scalars: list[list[float]]) -> None:
    array = np.asarray(scalars)
    rows = [("t", "c", f"v{v}", m, array[m, v]) for m in range(len(array)) for v in range(3)]
    found = value_importance(table(rows)).set_index("value").loc[["v0", "v1", "v2"]]
    np.testing.assert_allclose(found["mean"], array.mean(axis=0), atol=1e-9)
    np.testing.assert_allclose(found["std"], array.std(axis=0, ddof=1), atol=1e-6)
    summary = category_importance(table(rows)).iloc[0]
    np.testing.assert_allclose(summary["member_std"], np.sqrt(array.var(axis=0, ddof=1).mean()), atol=1e-6)


def table(rows: list[tuple[str, str, str, int, float]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["target", "category", "value", "member", "scalar"]).assign(trained=True)
