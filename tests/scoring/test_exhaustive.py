"""Exhaustive Search: shared beginnings give what the predictor says of each network on its own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from tests.scoring.untrained import GNN, LIFTED, RESIDUAL, untrained

from autobuild_pipelines.predictors import ModelSettings, TrainedPredictors
from autobuild_pipelines.scoring import ScoringError, exhaustive_search, predict_all
from autobuild_pipelines.scoring.exhaustive import best_numbers
from autobuild_pipelines.spaces import SearchSpace

SMALL: dict[str, Any] = {
    "layer_features": {"kernel": {"choices": [3, 5]}, "expand": {"choices": [3, 6]}},
    "graph_features": {"resolution": {"choices": [192, 224], "default": 224, "scale": {"offset": 192, "divisor": 32}}},
    "units": [{"name": "a", "layers": [1, 2]}, {"name": "b", "layers": [1, 2]}, {"name": "c", "layers": [1]}],
    "ranking_groups": [[2, 3]],
}


def small() -> SearchSpace:
    return SearchSpace.from_mapping("small", SMALL)


@pytest.mark.parametrize("settings", [ModelSettings(layers=6), ModelSettings(layers=2), GNN, LIFTED, RESIDUAL])
def test_predictions_are_those_of_each_network_on_its_own(sd_fid: SearchSpace, settings: ModelSettings) -> None:
    predictors = untrained(sd_fid, settings)
    numbers = np.random.default_rng(0).permutation(sd_fid.size)[:300]
    expected = predictors.predict(sd_fid.enumeration.architectures(numbers))
    np.testing.assert_allclose(predict_all(predictors, numbers=numbers), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("settings", [ModelSettings(layers=1), ModelSettings(layers=9), GNN, LIFTED, RESIDUAL])
@pytest.mark.parametrize("resolution", [192, 224])
def test_merged_units_and_graph_features_make_no_difference(settings: ModelSettings, resolution: int) -> None:
    space, graph = small(), {"resolution": resolution}
    predictors = untrained(space, settings)
    expected = predictors.predict(space.enumeration.architectures(range(space.size), graph))
    np.testing.assert_allclose(predict_all(predictors, graph=graph), expected, rtol=1e-5, atol=1e-5)


def test_predictions_do_not_depend_on_how_work_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    predictors = untrained(small())
    whole = predict_all(predictors)
    monkeypatch.setattr("autobuild_pipelines.scoring.exhaustive.BLOCK", 37)
    monkeypatch.setattr("autobuild_pipelines.scoring.prefixes.NETWORKS_AT_ONCE", 10)
    np.testing.assert_allclose(predict_all(predictors), whole, rtol=1e-6)


def test_the_best_of_a_space_are_those_of_predicting_every_architecture() -> None:
    space = small()
    predictors = untrained(space)
    found = exhaustive_search(predictors, 4, graph={"resolution": 192})
    values = predictors.predict(space.enumeration.architectures(range(space.size), {"resolution": 192}))
    for target, predicted in zip(predictors.targets, values, strict=True):
        best = found[target]
        np.testing.assert_array_equal(best.numbers, np.argsort(-predicted)[:4])
        np.testing.assert_allclose(best.predictions, predicted[best.numbers], rtol=1e-5, atol=1e-5)
        assert space.decode(best.architectures) == space.decode(
            space.enumeration.architectures(best.numbers, {"resolution": 192})
        )


def test_the_best_of_some_u_nets_are_those_of_predicting_each(sd_hardware: SearchSpace) -> None:
    predictors = untrained(sd_hardware, ModelSettings(layers=6))
    numbers = np.sort(np.random.default_rng(1).permutation(sd_hardware.size)[:2000])
    shared = predict_all(predictors, numbers=numbers)
    alone = predictors.predict(sd_hardware.enumeration.architectures(numbers))
    for ours, theirs in zip(shared, alone, strict=True):
        np.testing.assert_array_equal(best_numbers(ours, 4), np.argsort(-theirs, kind="stable")[:4])


def test_an_ensembles_predictions_are_its_members_means() -> None:
    space = small()
    pair = untrained(space)
    ensemble = TrainedPredictors(
        space, ("a",), {}, pair.model, pair.label_mean[:1], pair.label_std[:1], pair.hop_mean, pair.hop_std
    )
    expected = ensemble.predict(space.enumeration.architectures(range(space.size)))
    np.testing.assert_allclose(predict_all(ensemble), expected, rtol=1e-5, atol=1e-5)


@given(arrays(np.float32, st.integers(1, 40), elements=st.integers(0, 5).map(float)), st.integers(1, 50))
def test_the_largest_come_first_and_of_equal_ones_the_first(values: np.ndarray, count: int) -> None:
    np.testing.assert_array_equal(best_numbers(values, count), np.argsort(-values, kind="stable")[:count])


def test_a_space_too_large_to_be_listed_is_refused(ofa_pn: SearchSpace) -> None:
    with pytest.raises(ScoringError, match=rf"has {ofa_pn.size} architectures, exhaustive search takes at most"):
        predict_all(untrained(ofa_pn))


def test_no_architectures_are_not_searched_for() -> None:
    with pytest.raises(ScoringError, match="count must be 1 or more, got 0"):
        exhaustive_search(untrained(small()), 0)
