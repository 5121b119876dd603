"""Predictors that have learned nothing: that shared computation is exact needs no training."""

from __future__ import annotations

import numpy as np
import torch

from autobuild_pipelines.graphs import FeatureSchema
from autobuild_pipelines.predictors import GraphPredictor, ModelSettings, TrainedPredictors
from autobuild_pipelines.spaces import SearchSpace

GNN = ModelSettings("GraphConv", 16, 4, aggregation="sum", activation="LeakyReLU", head_activation="LeakyReLU")
LIFTED = ModelSettings(lift=8, additive=True)
RESIDUAL = ModelSettings(hidden=16, residual=True)


def untrained(space: SearchSpace, settings: ModelSettings | None = None, seed: int = 0) -> TrainedPredictors:
    """Two predictors with random weights and random batch-norm statistics: exactness needs no training."""
    torch.manual_seed(seed)
    settings = settings or ModelSettings()
    model = GraphPredictor(FeatureSchema.of(space), settings, members=2).eval()
    for norm in model.norms:
        torch.nn.init.normal_(norm.running_mean)
        torch.nn.init.uniform_(norm.running_var, 0.5, 2)
    if model.additive is not None:
        for parameter in model.additive.parameters():
            torch.nn.init.normal_(parameter)
    hops = np.linspace(1, 2, 2 * (settings.layers + 1)).reshape(2, -1)
    return TrainedPredictors(space, ("a", "b"), {}, model, np.array([3.0, 70.0]), np.array([0.5, 9.0]), hops, hops + 1)
