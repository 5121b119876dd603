"""Named predictors, and taking single targets out of trained ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from autobuild_pipelines.predictors import (
    PRESETS,
    ModelSettings,
    PredictorError,
    TrainedPredictors,
    TrainingSettings,
    read_predictor,
    train,
)
from autobuild_pipelines.spaces import SearchSpace


def test_autobuild_is_the_papers_predictor() -> None:
    # §7.1: GATv2, hidden size 32, 4 layers, 200 epochs of AdamW at 1e-4 and 1e-5, batches of 128, norm clipped at 5.
    preset = read_predictor({"predictor": "autobuild"}, 50)
    assert (preset.model.layer, preset.model.hidden, preset.model.layers, preset.model.lift) == ("GATv2Conv", 32, 4, 0)
    assert preset.training == TrainingSettings(200, 128, 1e-4, 1e-5, 5.0, "constant", "autobuild", 1.0)


def test_settings_change_a_preset_key_by_key() -> None:
    preset = read_predictor({"predictor": "lifted", "model": {"hidden": 8}, "training": {"epochs": 3}}, 3000)
    assert preset.model == ModelSettings(hidden=8, lift=PRESETS["lifted"].model.lift, additive=True)
    assert (preset.training.epochs, preset.training.schedule) == (3, "cosine")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"predictor": "gcn"},
            r"predictors\.predictor: 'gcn' is not one of \['autobuild', 'lifted', 'operators', 'residual'\]",
        ),
        ({"predictor": "lifted", "model": {"depth": 4}}, r"predictors\.model: there is no setting 'depth'"),
        ({"predictor": "lifted", "training": {"epochs": 0}}, r"predictors\.training\.epochs"),
    ],
)
def test_a_wrong_setting_is_refused_by_its_key(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_predictor(settings, 3000)


def test_with_few_labels_lifted_averages_more_predictors_that_can_learn_less_noise() -> None:
    few, many = (read_predictor({"predictor": "lifted"}, labelled) for labelled in (999, 1000))
    assert (few.ensemble, few.model.additive, few.training.epochs) == (4, False, 150)
    assert (many.ensemble, many.model.additive, many.training.epochs) == (1, True, 60)


def test_residual_learns_in_more_and_smaller_steps_and_with_few_labels_is_what_lifted_is() -> None:
    few, many = (read_predictor({"predictor": "residual"}, labelled) for labelled in (999, 1000))
    assert few == read_predictor({"predictor": "lifted"}, 999)
    assert (many.model.layer, many.model.residual, many.model.aggregation) == ("GATv2Conv", True, "sum")
    assert many.training == replace(PRESETS["lifted"].training, epochs=150, learning_rate=1e-3)


def test_only_gatv2_has_a_residual() -> None:
    with pytest.raises(ValueError, match=r"predictors\.model\.residual: only GATv2Conv has one, not GraphConv"):
        read_predictor({"predictor": "residual", "model": {"layer": "GraphConv"}}, 3000)


def test_what_parameters_say_holds_with_few_labels_too() -> None:
    settings = {"predictor": "lifted", "ensemble": 1, "model": {"additive": True}, "training": {"epochs": 3}}
    preset = read_predictor(settings, 100)
    assert (preset.ensemble, preset.model.additive, preset.training.epochs) == (1, True, 3)
    assert preset.training.learning_rate == 1e-3


def test_only_predictors_of_operator_graphs_normalise_before_the_head(ofa_mbv3: SearchSpace) -> None:
    assert [name for name, preset in PRESETS.items() if preset.model.head_norm] == ["operators"]
    array = ofa_mbv3.sample(8, np.random.default_rng(0))
    with pytest.raises(PredictorError, match=r"model\.head_norm: only predictors of operator graphs have it"):
        train(ofa_mbv3, array, {"y": np.arange(8.0)}, model=PRESETS["operators"].model, progress=False)


@pytest.fixture(scope="module")
def trained(ofa_mbv3: SearchSpace) -> TrainedPredictors:
    array = ofa_mbv3.sample(64, np.random.default_rng(0))
    depth = (array.layers >= 0).sum(axis=1)
    labels = {"depth": depth * 1.0, "codes": array.layers.sum(axis=1) * 1.0}
    preset = read_predictor({"predictor": "lifted", "model": {"hidden": 8}, "training": {"epochs": 2}}, 3000)
    return train(ofa_mbv3, array, labels, model=preset.model, training=preset.training, ensemble=2, progress=False)[0]


def test_some_of_the_targets_predict_as_all_do(trained: TrainedPredictors, ofa_mbv3: SearchSpace) -> None:
    array = ofa_mbv3.sample(20, np.random.default_rng(1))
    part = trained.only(["codes"])
    np.testing.assert_allclose(part.predict(array), trained.predict(array)[1:], rtol=1e-6)
    swapped = trained.only(["codes", "depth"])
    np.testing.assert_allclose(swapped.predict(array), trained.predict(array)[::-1], rtol=1e-6)
    np.testing.assert_array_equal(swapped.hop_mean, trained.hop_mean[[2, 3, 0, 1]])


def test_a_target_without_predictor_is_named(trained: TrainedPredictors) -> None:
    with pytest.raises(PredictorError, match="no predictor of target 'width'"):
        trained.only(["width"])


def test_embeddings_come_with_the_predictions_made_from_them(trained: TrainedPredictors, ofa_mbv3: SearchSpace) -> None:
    array = ofa_mbv3.sample(20, np.random.default_rng(1))
    predicted, embeddings = trained.embed(array)
    np.testing.assert_allclose(predicted, trained.predict(array), rtol=1e-6)
    assert embeddings.shape == (20, 2 * 2 * 8)
    empty, none = trained.embed(array.take(slice(0, 0)))
    assert empty.shape == (2, 0)
    assert none.shape == (0, 32)
