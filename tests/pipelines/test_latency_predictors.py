from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from autobuild_pipelines.evaluators import PredictedTargets
from autobuild_pipelines.ingestion import IngestError, RawRecords
from autobuild_pipelines.ingestion.schemas import ARCHITECTURES
from autobuild_pipelines.pipelines.latency_predictors import create_pipeline
from autobuild_pipelines.pipelines.latency_predictors.nodes import read_latencies
from autobuild_pipelines.pipelines.latency_predictors.schemas import LATENCY_PREDICTIONS, LATENCY_PREDICTOR_METRICS
from autobuild_pipelines.pipelines.predictors.schemas import TRAINING_HISTORY
from autobuild_pipelines.sampling import sample_architectures
from autobuild_pipelines.spaces import ABSENT, SearchSpace, from_table, to_table

TARGETS = {"latency_ms": "latency_ms", "latency_per_layer": "latency_ms / layers"}
SETTINGS: dict[str, Any] = {
    "targets": TARGETS,
    "label_kind": "measured",
    "held_out": 0.2,
    "ensemble": 1,
    "members": "seeds",
    "predictor": "autobuild",
    "run_in": "threads",
    "model": {"layer": "GraphConv", "hidden": 16, "layers": 4, "aggregation": "sum", "activation": "LeakyReLU"},
    "training": {"loss": "latency", "epochs": 10, "batch_size": 32, "learning_rate": 3e-3, "device": "cpu"},
    "ridge": {"alpha": 1.0},
}
INGEST = {"max_rejected": 0.01}


@pytest.fixture(scope="module")
def records(ofa_mbv3: SearchSpace) -> RawRecords:
    """A latency that grows with the layers and the resolution, beside the number of layers."""
    array = sample_architectures(ofa_mbv3, 150, seed=3)
    layers = (array.layers != ABSENT).sum(axis=1).astype(np.float64)
    labels = {"latency_ms": layers * (1 + 0.1 * array.graph[:, 0]), "layers": layers}
    return RawRecords("samples.csv", "", to_table(ofa_mbv3, array, labels).to_dict("records"))


@pytest.fixture(scope="module")
def outputs(ofa_mbv3: SearchSpace, records: RawRecords) -> dict[str, Any]:
    """Everything that the pipeline makes of the records, by name."""
    values = {"search_space": ofa_mbv3, "raw_latency_samples": records, "params:seed": 1, "params:ingest": INGEST}
    values |= {"params:latency_predictors": SETTINGS, "params:fan_out": {}}
    values |= {f"params:latency_predictors.{key}": SETTINGS[key] for key in ("targets", "label_kind")}
    for node in create_pipeline().nodes:
        values |= node.run({name: values[name] for name in node.inputs})
    return values


def test_every_table_is_as_its_schema_says(outputs: dict[str, Any]) -> None:
    ARCHITECTURES.validate(outputs["latency_architectures"])
    TRAINING_HISTORY.validate(outputs["latency_training_history"])
    LATENCY_PREDICTOR_METRICS.validate(outputs["latency_predictor_metrics"])
    LATENCY_PREDICTIONS.validate(outputs["latency_predictions"])


def test_every_target_is_compared_with_ridge_on_what_was_held_out(outputs: dict[str, Any]) -> None:
    metrics, predictions = outputs["latency_predictor_metrics"], outputs["latency_predictions"]
    pairs = {(target, model) for target in TARGETS for model in ("k_gnn", "ridge")}
    assert set(zip(metrics["target"], metrics["model"], strict=True)) == pairs
    assert set(metrics["metric"]) == {"mae", "bias", "spearman", "kendall"}
    assert predictions.groupby("target").size().to_dict() == dict.fromkeys(TARGETS, 30)


def test_a_latency_predictor_is_an_evaluator_of_any_architecture(
    ofa_mbv3: SearchSpace, outputs: dict[str, Any]
) -> None:
    evaluator = PredictedTargets(outputs["latency_predictors"], {"latency_cpu_ms": "latency_ms"})
    array = sample_architectures(ofa_mbv3, 50, seed=9)
    predicted = evaluator.evaluate(array)["latency_cpu_ms"]
    layers = (array.layers != ABSENT).sum(axis=1)
    assert np.corrcoef(predicted, layers)[0, 1] > 0.5


def test_the_predictors_were_trained_as_the_paper_says(ofa_mbv3: SearchSpace, outputs: dict[str, Any]) -> None:
    trained = outputs["latency_predictors"]
    assert trained.targets == tuple(TARGETS)
    assert (trained.model.settings.layer, trained.model.settings.aggregation) == ("GraphConv", "sum")
    assert trained.provenance["training"]["loss"] == "latency"
    assert len(from_table(ofa_mbv3, outputs["latency_architectures"])) == 150


def test_the_figures_show_both_models(outputs: dict[str, Any]) -> None:
    figure = outputs["latency_predictions_figure"]
    assert len(figure.data) == 2 * 2 * len(TARGETS)  # a line and points for every target and model
    assert outputs["latency_training_figure"].data


def test_a_label_that_no_sample_has_is_named_with_the_target_that_reads_it(
    ofa_mbv3: SearchSpace, records: RawRecords
) -> None:
    with pytest.raises(IngestError, match=r"label 'latency_npu'.*latency_predictors\.targets\.npu"):
        read_latencies(ofa_mbv3, records, {"npu": "latency_npu"}, INGEST)
