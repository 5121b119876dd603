"""What a predictor makes of every value of every feature: the scalars of its FE-MLP (§7.1, Figs. 3, 9, 10, Table 3)."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch

from autobuild_pipelines.predictors import TrainedPredictors
from autobuild_pipelines.predictors.operator_predictors import OperatorPredictors
from autobuild_pipelines.scoring.trained_values import trained_values
from autobuild_pipelines.spaces import ArchitectureArray

_FROM_ONE = ("unit",)
"""Positions that tables count from 1, and graphs from 0."""


def feature_importance(
    predictors: TrainedPredictors | OperatorPredictors, training: ArchitectureArray | None = None
) -> pd.DataFrame:
    """The absolute scalar of every value of every category, of every member of every target's ensemble.

    Args:
        predictors: Of sequence graphs or of operator graphs.
        training: What they were trained on; those of operator graphs know no other values than the trained ones.

    Returns:
        Columns target, category (of the nodes, see `FeatureSchema`), value (as text; units counted from 1 as in all
        tables, positions of layers from 0 as the paper counts them), member (from 0), scalar (at least 0), trained.
        Values in their declared order. Where `trained` is False (see `trained_values`) the scalar means nothing.
    """
    with torch.inference_mode():
        stacked = predictors.model.fe_mlp.scalars().abs().double().cpu().numpy()
    scalars = predictors.by_target(stacked)
    names, values = [], []
    for category in predictors.model.schema.categories:
        for value in category.values:
            names.append(category.name)
            values.append(str(int(value) + 1 if category.name in _FROM_ONE else value))
    targets, members, count = scalars.shape
    known = np.ones(count, dtype=bool)
    if isinstance(predictors, TrainedPredictors) and training is not None:
        known = trained_values(predictors.space, training)
    return pd.DataFrame(
        {
            "target": np.repeat(predictors.targets, members * count),
            "category": np.tile(names, targets * members),
            "value": np.tile(values, targets * members),
            "member": np.tile(np.repeat(np.arange(members), count), targets),
            "scalar": scalars.reshape(-1),
            "trained": np.tile(known, targets * members),
        }
    )


def value_importance(importance: pd.DataFrame) -> pd.DataFrame:
    """Means and spreads over the members, a category's values the most important first, untrained ones last.

    Args:
        importance: Table of `feature_importance`.

    Returns:
        Columns target, category, value, mean, std (sample standard deviation over members, NaN of one member), trained,
        rank.
    """
    keys = ["target", "category", "value"]
    found = importance.groupby(keys, sort=False)
    table = found["scalar"].agg(["mean", "std"]).assign(trained=found["trained"].first()).reset_index()
    place = table["mean"].where(table["trained"], -1.0 - 1.0 / (1.0 + table["mean"]))  # scalars are at least 0
    table["rank"] = place.groupby([table["target"], table["category"]], sort=False).rank(
        ascending=False, method="first"
    )
    table = table.astype({"rank": "int64"})
    order = {
        key: place for place, key in enumerate(dict.fromkeys(zip(table["target"], table["category"], strict=True)))
    }
    places = [order[key] for key in zip(table["target"], table["category"], strict=True)]
    return table.assign(place=places).sort_values(["place", "rank"]).drop(columns="place").reset_index(drop=True)


def category_importance(importance: pd.DataFrame) -> pd.DataFrame:
    """Distribution and range of the scalars of every category (the paper's Table 3), without values never trained on.

    Args:
        importance: Table of `feature_importance`.

    Returns:
        Columns target, category, values (how many), mean and std (population standard deviation) over the category's
        values, low and high (their range), all of means over members; member_std, the root mean square over the values
        of the standard deviations over members (NaN of one member).
    """
    values = value_importance(importance[importance["trained"]])
    return (
        values.groupby(["target", "category"], sort=False)
        .agg(
            values=("value", "size"),
            mean=("mean", "mean"),
            std=("mean", lambda means: float(np.std(means))),
            low=("mean", "min"),
            high=("mean", "max"),
            member_std=("std", lambda spreads: float(np.sqrt(np.mean(np.square(spreads))))),
        )
        .reset_index()
    )
