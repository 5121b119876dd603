"""How well predictors of operator graphs predict, per target and hop, beside ridge regression on bags of operations."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import spearmanr
from sklearn.linear_model import Ridge

from autobuild_pipelines.graphs.operator_batch import OperatorBatch
from autobuild_pipelines.predictors.metrics import Labels, prediction_metrics
from autobuild_pipelines.predictors.operator_predictors import OperatorPredictors


def operator_metrics(
    predictors: OperatorPredictors,
    parts: Mapping[str, tuple[OperatorBatch, Labels]],
    *,
    alpha: float = 1.0,
) -> pd.DataFrame:
    """Metrics of the predictors and of ridge regression on how often each distinct node occurs.

    Args:
        predictors: One or an ensemble per target.
        parts: "train" and "held_out" graphs, of the same schema and words, with their labels by target.
        alpha: Regularisation of the ridge regression, which is fitted on "train".

    Returns:
        Columns target, model ("autobuild" or "ridge"), split, metric (mae, bias, spearman, kendall and for AutoBuild
        spearman_hop_0 to spearman_hop_M: correlation of graph-embedding norms with the target, the mean over an
        ensemble's members), value.
    """
    graphs, labels = parts["train"]
    counts, y = node_counts(graphs), np.stack([labels[target] for target in predictors.targets], axis=1)
    ridge = Ridge(alpha=alpha).fit(counts, y)
    rows: list[tuple[str, str, str, str, float]] = []
    for split, (graphs, labels) in parts.items():
        predicted, norms = predictors.describe(graphs)
        linear = ridge.predict(node_counts(graphs)).reshape(len(graphs), -1)
        for place, target in enumerate(predictors.targets):
            true = labels[target]
            found = prediction_metrics(predicted[place], true)
            for hop, members in enumerate(norms[place].swapaxes(0, 1)):
                found[f"spearman_hop_{hop}"] = float(np.mean([_rho(member, true) for member in members]))
            rows += [(target, "autobuild", split, metric, value) for metric, value in found.items()]
            baseline = prediction_metrics(linear[:, place], true)
            rows += [(target, "ridge", split, metric, value) for metric, value in baseline.items()]
    return pd.DataFrame(rows, columns=["target", "model", "split", "metric", "value"])


def node_counts(graphs: OperatorBatch) -> NDArray[np.float64]:
    """[n, words] how often each distinct node occurs in each graph."""
    words, n = len(graphs.features), len(graphs)
    graph = np.repeat(np.arange(n), graphs.lengths)
    return np.bincount(graph * words + graphs.words, minlength=n * words).reshape(n, words).astype(np.float64)


def _rho(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    return float(np.nan_to_num(spearmanr(a, b).statistic))  # constant norms rank nothing
