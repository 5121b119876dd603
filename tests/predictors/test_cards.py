"""Predictors on disk: saving and loading is the identity, and nothing that does not belong together is loaded."""

from __future__ import annotations

import json

import numpy as np
import pytest

from autobuild_pipelines.predictors import PredictorError, TrainedPredictors, TrainingSettings, train
from autobuild_pipelines.predictors.cards import from_files, to_files
from autobuild_pipelines.spaces import SearchSpace


@pytest.fixture(scope="module")
def trained(ofa_mbv3: SearchSpace) -> TrainedPredictors:
    rng = np.random.default_rng(0)
    array = ofa_mbv3.sample(80, rng)
    labels = {"acc": rng.normal(size=80), "acc_per_cpu": rng.normal(size=80)}
    return train(
        ofa_mbv3,
        array,
        labels,
        equations={"acc": "acc", "acc_per_cpu": "acc * 100 / latency_cpu"},
        training=TrainingSettings(epochs=1),
        ensemble=2,
        provenance={"data_sha256": "abc"},
        progress=False,
    )[0]


def test_saving_and_loading_is_the_identity(trained: TrainedPredictors) -> None:
    files = to_files(trained)
    assert sorted(files) == [
        "acc.json",
        "acc.safetensors",
        "acc_per_cpu.json",
        "acc_per_cpu.safetensors",
        "predictors.json",
    ]
    loaded = from_files(files)
    array = trained.space.sample(20, np.random.default_rng(1))
    np.testing.assert_array_equal(loaded.predict(array), trained.predict(array))
    np.testing.assert_array_equal(loaded.hop_std, trained.hop_std)
    assert loaded.equations == trained.equations
    assert loaded.ensemble == 2
    assert loaded.provenance["data_sha256"] == "abc"
    assert to_files(loaded) == files


def test_features_keep_the_order_in_which_a_space_declares_them() -> None:
    features = {"width": {"choices": [8, 16]}, "kernel": {"choices": [3, 5]}}
    units = [{"name": "one", "layers": [1, 2]}]
    space = SearchSpace.from_mapping("unsorted", {"layer_features": features, "units": units})
    array = space.sample(40, np.random.default_rng(0))
    labels = {"acc": np.random.default_rng(1).normal(size=40)}
    trained = train(space, array, labels, training=TrainingSettings(epochs=1), progress=False)[0]
    loaded = from_files(to_files(trained))
    assert loaded.space.features == ("width", "kernel")
    np.testing.assert_array_equal(loaded.predict(array), trained.predict(array))


def test_a_card_says_what_is_needed_to_judge_the_weights(trained: TrainedPredictors) -> None:
    card = json.loads(to_files(trained)["acc_per_cpu.json"])
    assert card["space"] == "ofa_mbv3"
    assert card["equation"] == "acc * 100 / latency_cpu"
    assert card["provenance"]["seed"] == 0
    assert {"feature_schema", "label", "hops", "model", "weights_sha256"} <= set(card)


def test_predictors_refuse_another_space(trained: TrainedPredictors, ofa_pn: SearchSpace) -> None:
    with pytest.raises(PredictorError, match="trained on space 'ofa_mbv3', not on 'ofa_pn'"):
        trained.require(ofa_pn)


def test_predictors_refuse_a_space_whose_declaration_has_changed(trained: TrainedPredictors) -> None:
    content = trained.space.declaration.model_dump()
    content["layer_features"]["kernel"]["choices"] = (3, 5, 9)
    content["restrictions"] = {}
    with pytest.raises(PredictorError, match="has changed since"):
        trained.require(SearchSpace.from_mapping("ofa_mbv3", content))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("predictors.json", None, r"predictors\.json is missing"),
        ("acc.json", b"{", "not JSON"),
        ("acc.json", b"{}", "not a predictor card"),
        ("acc.safetensors", b"garbage", "not the weights that acc.json describes"),
        ("acc_per_cpu.safetensors", None, "missing"),
    ],
)
def test_damaged_files_are_refused_by_name(
    trained: TrainedPredictors, name: str, content: bytes | None, message: str
) -> None:
    files = to_files(trained)
    if content is None:
        del files[name]
    else:
        files[name] = content
    with pytest.raises(PredictorError, match=message):
        from_files(files)
