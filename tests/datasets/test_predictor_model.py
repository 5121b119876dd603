"""Predictors as an MLflow model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest

from autobuild_pipelines.datasets.predictor_model import FILES, example, log_model
from autobuild_pipelines.graphs import FeatureSchema
from autobuild_pipelines.predictors import TrainedPredictors
from autobuild_pipelines.predictors.model import GraphPredictor, ModelSettings
from autobuild_pipelines.spaces import ArchitectureError, SearchSpace, from_table


@pytest.fixture(scope="module")
def predictors(ofa_pn: SearchSpace) -> TrainedPredictors:
    """Untrained predictors of two targets."""
    model = GraphPredictor(FeatureSchema.of(ofa_pn), ModelSettings(hidden=8), members=2).eval()
    ones = np.ones((2, model.hops + 1))
    equations = {"acc": "acc * 100", "latency_ms": "latency_ms"}
    return TrainedPredictors(ofa_pn, ("acc", "latency_ms"), equations, model, np.ones(2), np.ones(2), ones, ones)


@pytest.fixture(scope="module")
def logged(predictors: TrainedPredictors, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The URI of the logged model, and the folder of its files."""
    folder = tmp_path_factory.mktemp("models")
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
    experiment = mlflow.create_experiment("models", artifact_location=str(folder / "artifacts"))
    (folder / FILES).mkdir()
    with mlflow.start_run(experiment_id=experiment) as run:
        log_model(predictors, "ofa_pn_predictors", folder / FILES, ["torch"])
    yield f"runs:/{run.info.run_id}/ofa_pn_predictors", folder / "artifacts"
    mlflow.set_tracking_uri(before)


def test_a_loaded_model_predicts_as_the_predictors_do(
    logged: tuple[str, Path], predictors: TrainedPredictors, ofa_pn: SearchSpace
) -> None:
    table = example(predictors)
    found = mlflow.pyfunc.load_model(logged[0]).predict(table)
    expected = predictors.predict(from_table(ofa_pn, table))
    assert list(found) == ["acc", "latency_ms"]
    np.testing.assert_allclose(found.to_numpy().T, expected, rtol=1e-6)


def test_its_signature_names_what_it_reads_and_returns(logged: tuple[str, Path]) -> None:
    signature = mlflow.models.get_model_info(logged[0]).signature
    assert signature is not None
    assert signature.inputs is not None
    assert signature.outputs is not None
    assert signature.inputs.input_names() == ["resolution", "units"]
    assert signature.outputs.input_names() == ["acc", "latency_ms"]


def test_further_columns_of_a_table_of_architectures_are_no_hindrance(
    logged: tuple[str, Path], predictors: TrainedPredictors
) -> None:
    table = example(predictors).assign(architecture_id="a", acc=0.7)
    assert len(mlflow.pyfunc.load_model(logged[0]).predict(table)) == len(table)


def test_a_row_that_is_no_architecture_is_named(logged: tuple[str, Path], predictors: TrainedPredictors) -> None:
    table = pd.concat([example(predictors), example(predictors).head(1).assign(units="[]")], ignore_index=True)
    with pytest.raises(ArchitectureError, match="row 3"):
        mlflow.pyfunc.load_model(logged[0]).predict(table)


def test_nothing_of_it_is_pickled(logged: tuple[str, Path]) -> None:
    suffixes = {path.suffix for path in logged[1].rglob("*") if path.is_file()}
    assert ".safetensors" in suffixes
    assert not suffixes & {".pkl", ".pickle", ".pt", ".pth", ".joblib"}
