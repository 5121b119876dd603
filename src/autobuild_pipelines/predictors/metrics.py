"""How well predictors predict: error, bias and rank correlations, of each target and each hop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import kendalltau, spearmanr

from autobuild_pipelines.predictors.baseline import RidgeBaseline
from autobuild_pipelines.predictors.trained import TrainedPredictors
from autobuild_pipelines.spaces import ArchitectureArray

Labels = Mapping[str, NDArray[np.float64]]


def prediction_metrics(predicted: NDArray[np.float64], true: NDArray[np.float64]) -> dict[str, float]:
    """Mean absolute error, bias (mean of predicted - true), Spearman and Kendall correlation of one target [n]."""
    return {
        "mae": float(np.abs(predicted - true).mean()),
        "bias": float((predicted - true).mean()),
        "spearman": _correlation(spearmanr(predicted, true).statistic),
        "kendall": _correlation(kendalltau(predicted, true).statistic),
    }


def predictor_metrics(
    predictors: TrainedPredictors, ridge: RidgeBaseline, parts: Mapping[str, tuple[ArchitectureArray, Labels]]
) -> pd.DataFrame:
    """Metrics of the predictors and of the ridge baseline, side by side.

    Args:
        predictors: One per target.
        ridge: Fitted on the same training part.
        parts: "train" and "held_out" architectures with their labels by target.

    Returns:
        Columns target, model ("autobuild" or "ridge"), split, metric (mae, bias, spearman, kendall and for AutoBuild
        spearman_hop_0 to spearman_hop_M: correlation of graph-embedding norms with the target, the mean over an
        ensemble's members), value.
    """
    rows: list[tuple[str, str, str, str, float]] = []
    for split, (array, labels) in parts.items():
        members, norms = predictors.describe(array)
        predicted, linear = members.mean(axis=1), ridge.predict(array)
        for index, target in enumerate(predictors.targets):
            true = labels[target]
            found = prediction_metrics(predicted[index], true)
            found |= {
                f"spearman_hop_{hop}": float(np.mean([_correlation(spearmanr(n, true).statistic) for n in of_members]))
                for hop, of_members in enumerate(norms[index].swapaxes(0, 1))
            }
            rows += [(target, "autobuild", split, metric, value) for metric, value in found.items()]
            rows += [
                (target, "ridge", split, metric, value)
                for metric, value in prediction_metrics(linear[index], true).items()
            ]
    return pd.DataFrame(rows, columns=["target", "model", "split", "metric", "value"])


def held_out_predictions(
    predictors: TrainedPredictors, ridge: RidgeBaseline, ids: list[str], array: ArchitectureArray, labels: Labels
) -> pd.DataFrame:
    """Predicted and true targets of held-out architectures: target, architecture_id, true, autobuild, ridge."""
    predicted, linear = predictors.predict(array), ridge.predict(array)
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "target": target,
                    "architecture_id": ids,
                    "true": labels[target],
                    "autobuild": predicted[index],
                    "ridge": linear[index],
                }
            )
            for index, target in enumerate(predictors.targets)
        ],
        ignore_index=True,
    )


def embedding_statistics(predictors: TrainedPredictors) -> pd.DataFrame:
    """Moments of node-embedding L1 norms over the training graphs (§7.3, Table 2): target, hop, mean, std.

    Of an ensemble, the means over its members.
    """
    mean = predictors.by_target(predictors.hop_mean).mean(axis=1)
    std = predictors.by_target(predictors.hop_std).mean(axis=1)
    return pd.DataFrame(
        [
            (target, hop, float(mean[i, hop]), float(std[i, hop]))
            for i, target in enumerate(predictors.targets)
            for hop in range(predictors.model.hops + 1)
        ],
        columns=["target", "hop", "mean", "std"],
    )


def _correlation(value: Any) -> float:
    return float(np.nan_to_num(value))  # a constant prediction ranks nothing
