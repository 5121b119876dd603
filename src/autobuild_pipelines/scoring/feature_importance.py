"""What a predictor makes of every value of every feature: the scalars of its FE-MLP (§7.1, Figs. 3, 9, 10, Table 3)."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch

from autobuild_pipelines.predictors import TrainedPredictors
from autobuild_pipelines.predictors.operator_predictors import OperatorPredictors

_FROM_ONE = ("unit",)
"""Positions that tables count from 1, and graphs from 0."""


def feature_importance(predictors: TrainedPredictors | OperatorPredictors) -> pd.DataFrame:
    """The absolute scalar of every value of every category, of every member of every target's ensemble.

    Args:
        predictors: Of sequence graphs or of operator graphs.

    Returns:
        Columns target, category (of the nodes, see `FeatureSchema`), value (as text; units counted from 1 as in
        all tables, positions of layers from 0 as the paper counts them), member (from 0), scalar (at least 0). Values
        in their declared order.
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
    return pd.DataFrame(
        {
            "target": np.repeat(predictors.targets, members * count),
            "category": np.tile(names, targets * members),
            "value": np.tile(values, targets * members),
            "member": np.tile(np.repeat(np.arange(members), count), targets),
            "scalar": scalars.reshape(-1),
        }
    )


def value_importance(importance: pd.DataFrame) -> pd.DataFrame:
    """Means and spreads over the members, a category's values from the most to the least important.

    Args:
        importance: Table of `feature_importance`.

    Returns:
        Columns target, category, value, mean, std (sample standard deviation over members, NaN of one member), rank.
    """
    keys = ["target", "category", "value"]
    table = importance.groupby(keys, sort=False)["scalar"].agg(["mean", "std"]).reset_index()
    table["rank"] = table.groupby(keys[:2], sort=False)["mean"].rank(ascending=False, method="first").astype("int64")
    order = {
        key: place for place, key in enumerate(dict.fromkeys(zip(table["target"], table["category"], strict=True)))
    }
    place = [order[key] for key in zip(table["target"], table["category"], strict=True)]
    return table.assign(place=place).sort_values(["place", "rank"]).drop(columns="place").reset_index(drop=True)


def category_importance(importance: pd.DataFrame) -> pd.DataFrame:
    """Distribution and range of the scalars of every category (the paper's Table 3).

    Args:
        importance: Table of `feature_importance`.

    Returns:
        Columns target, category, values (how many), mean and std (population standard deviation) over the category's
        values, low and high (their range), all of means over members; member_std, the root mean square over the values
        of the standard deviations over members (NaN of one member).
    """
    values = value_importance(importance)
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
