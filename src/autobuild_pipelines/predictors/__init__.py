"""Graph predictors of target labels: FE-MLP, GATv2 and k-GNN encoders, losses, training, checkpoints."""

from autobuild_pipelines.predictors.baseline import RidgeBaseline
from autobuild_pipelines.predictors.metrics import (
    embedding_statistics,
    held_out_predictions,
    prediction_metrics,
    predictor_metrics,
)
from autobuild_pipelines.predictors.model import GraphPredictor, ModelSettings
from autobuild_pipelines.predictors.presets import PRESETS, Preset, read_predictor
from autobuild_pipelines.predictors.split import split_rows
from autobuild_pipelines.predictors.stacked import PredictorError
from autobuild_pipelines.predictors.trained import TrainedPredictors
from autobuild_pipelines.predictors.training import MEMBERS, Runner, folds, train
from autobuild_pipelines.predictors.training_settings import TrainingSettings

__all__ = [
    "MEMBERS",
    "PRESETS",
    "GraphPredictor",
    "ModelSettings",
    "PredictorError",
    "Preset",
    "RidgeBaseline",
    "Runner",
    "TrainedPredictors",
    "TrainingSettings",
    "embedding_statistics",
    "folds",
    "held_out_predictions",
    "prediction_metrics",
    "predictor_metrics",
    "read_predictor",
    "split_rows",
    "train",
]
