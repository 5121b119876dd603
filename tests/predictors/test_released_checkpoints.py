"""Parity with the authors' released checkpoints, on the reference data."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from autobuild_pipelines.ingestion import load_plain_pickle
from autobuild_pipelines.predictors import PredictorError
from autobuild_pipelines.predictors.checkpoints import ReleasedPredictor, load_released
from autobuild_pipelines.scoring import eq5_scores
from autobuild_pipelines.spaces import SearchSpace

LABELS = ["acc", "latency_gpu", "latency_cpu", "latency_npu"]


def released(folder: Path, space: SearchSpace, label: str) -> ReleasedPredictor:
    """The k-GNN of a space and label."""
    suffix = "custom_acc" if label == "acc" else f"{label}_custom_{label}"
    stem = folder / "autobuild" / "l1_models" / f"minMAE_{space.name}_{suffix}_GraphConv_sum_directed_srcc1"
    config = load_plain_pickle(Path(f"{stem}_config.pkl").read_bytes())
    assert isinstance(config, dict)
    return load_released(Path(f"{stem}_predictor.pt").read_bytes(), config).for_space(space)


@pytest.mark.reference
@pytest.mark.parametrize("label", LABELS)
@pytest.mark.parametrize("name", ["ofa_mbv3", "ofa_pn"])
def test_k_gnn_predictions_equal_the_released_ones(
    reference_dir: Path, name: str, label: str, request: pytest.FixtureRequest
) -> None:
    space: SearchSpace = request.getfixturevalue(name)
    expected = pd.read_parquet(reference_dir / "autobuild" / "expected_l1_predictions.parquet")
    expected = expected[expected["space"] == name]
    array = space.encode(
        space.architecture(json.loads(stages), {"resolution": resolution})
        for stages, resolution in zip(expected["stages"], expected["resolution"], strict=True)
    )
    np.testing.assert_allclose(released(reference_dir, space, label).predict(array), expected[label], rtol=1e-4)


@pytest.mark.reference
def test_eq5_scores_from_the_authors_gatv2_checkpoint_equal_theirs(reference_dir: Path, ofa_mbv3: SearchSpace) -> None:
    folder = reference_dir / "autobuild" / "gatv2_mbv3_acc"
    config = json.loads((folder / "config.json").read_text())
    predictor = load_released((folder / "predictor.pt").read_bytes(), config).for_space(ofa_mbv3)
    expected = pd.read_parquet(folder / "expected_scores.parquet")
    for unit in ofa_mbv3.ranking_units:
        rows = expected[expected["unit"] == unit.number]
        modules = np.stack([ofa_mbv3.parse_module(unit, module) for module in rows["module"]])
        scores = eq5_scores(predictor.trained, unit, modules, predictor.label_statistics, graph={"resolution": 224})
        np.testing.assert_allclose(scores[0, 0], rows["score"], atol=1e-3)
        np.testing.assert_allclose(scores[0, 0], rows["score"], rtol=1e-5)  # far closer than required


@pytest.mark.reference
def test_a_checkpoint_refuses_a_space_without_its_features(reference_dir: Path) -> None:
    content = {"layer_features": {"kernel": {"choices": [3, 5]}}, "units": [{"name": "a", "layers": [1]}]}
    with pytest.raises(PredictorError, match="reads the features"):
        released(reference_dir, SearchSpace.from_mapping("ofa_mbv3", content), "acc")


@pytest.mark.parametrize(
    ("weights", "config", "message"),
    [
        (b"", {}, "lacks"),
        (b"not a checkpoint", None, "not a PyTorch file"),
        (b"PK\x03\x04broken", None, "not a PyTorch file"),
    ],
)
def test_a_broken_checkpoint_is_one_clear_error(weights: bytes, config: dict[str, str] | None, message: str) -> None:
    if config is None:
        keys = ("gnn_type", "gnn_dim", "num_layers", "aggr_method", "gnn_activ", "reg_activ", "target")
        config = dict.fromkeys(keys, "x")
    with pytest.raises(PredictorError, match=message):
        load_released(weights, config)
