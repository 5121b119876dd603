"""Trained predictors as an MLflow model: a table of architectures in, a column a target out.

MLflow runs this file to load such a model ("models from code"), so that no object is pickled: what the model knows is
the files of `predictors.cards`, cards and weights, which lie in its folder.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
from mlflow.models import ModelSignature, set_model
from mlflow.pyfunc.model import PythonModel, PythonModelContext
from mlflow.types import ColSpec, DataType, Schema, TensorSpec

from autobuild_pipelines.predictors.cards import from_files, to_files
from autobuild_pipelines.predictors.trained import TrainedPredictors
from autobuild_pipelines.spaces import from_table, to_table

FILES = "predictors"
"""The name of the folder of cards and weights in the model."""

REQUIREMENTS = ("numpy", "pandas", "pydantic", "pyyaml", "safetensors", "scipy", "torch", "tqdm")
"""Distributions that the code of the model needs, besides MLflow; recorded in the versions that are installed."""

_BARS = "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"
_EXAMPLES = 3
_TYPES = {bool: DataType.boolean, int: DataType.long, float: DataType.double}


class PredictorModel(PythonModel):
    """The predictors of one space, as `mlflow.pyfunc.load_model(uri)` gives them."""

    def load_context(self, context: PythonModelContext) -> None:
        """Read cards and weights."""
        folder = Path(context.artifacts[FILES])
        self._predictors = from_files({path.name: path.read_bytes() for path in sorted(folder.iterdir())})

    def predict(self, context: PythonModelContext | None, model_input: pd.DataFrame) -> pd.DataFrame:  # type: ignore[override]
        """Predicted targets.

        Args:
            context: Not read.
            model_input: One row an architecture: `units` and the graph-level features as tables of architectures have
                them, whatever other columns there are.

        Returns:
            A column a target, on the target's own scale, rows in the order given.

        Raises:
            ArchitectureError: A row is no architecture of the space; names the row.
        """
        values = self._predictors.predict(from_table(self._predictors.space, model_input))
        return pd.DataFrame(dict(zip(self._predictors.targets, values, strict=True)), index=model_input.index)


def example(predictors: TrainedPredictors) -> pd.DataFrame:
    """A few architectures of the predictors' space, always the same, as the model reads them."""
    space = predictors.space
    table = to_table(space, space.sample(_EXAMPLES, np.random.default_rng(0)))
    return table.drop(columns="architecture_id")


def signature(predictors: TrainedPredictors) -> ModelSignature:
    """The columns that the model reads and returns."""
    table = example(predictors)
    read: list[ColSpec | TensorSpec] = [
        ColSpec(_TYPES.get(type(table[str(c)].tolist()[0]), DataType.string), str(c)) for c in table.columns
    ]
    returned: list[ColSpec | TensorSpec] = [ColSpec(DataType.double, target) for target in predictors.targets]
    return ModelSignature(Schema(read), Schema(returned))


def log_model(predictors: TrainedPredictors, name: str, folder: Path, requirements: list[str]) -> None:
    """Log predictors to the active MLflow run: files, code, signature and an example.

    Args:
        predictors: What is logged.
        name: The model's name in the run.
        folder: An empty folder for their files, which may be removed afterwards.
        requirements: `torch==2.4.0` and the like.
    """
    for file, content in to_files(predictors).items():
        (folder / file).write_bytes(content)
    with _without_progress_bars():
        mlflow.pyfunc.log_model(
            name=name,
            python_model=__file__,
            artifacts={FILES: str(folder)},
            signature=signature(predictors),
            input_example=example(predictors),
            pip_requirements=requirements,
            code_paths=[str(Path(__file__).parents[1])],
            metadata={"space": predictors.space.name, "equations": predictors.equations},
        )


@contextlib.contextmanager
def _without_progress_bars() -> Iterator[None]:
    """MLflow copies a handful of small files with a progress bar unless an environment variable says otherwise."""
    before = os.environ.get(_BARS)
    os.environ[_BARS] = "false"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_BARS]
        else:
            os.environ[_BARS] = before


set_model(PredictorModel())
