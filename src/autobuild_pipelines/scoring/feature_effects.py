r"""The contextual effect of every feature value: by how much a prediction changes when a layer takes it.

For a layer at position p of unit u, a feature f and a value v, over contexts c that have the layer:

.. math:: e_{u,p,f}(v) = \frac{1}{|C|} \sum_{c \in C} \Bigl( \hat y(c_{u,p,f \leftarrow v})
          - \frac{1}{|V|} \sum_{w \in V} \hat y(c_{u,p,f \leftarrow w}) \Bigr)

Both terms are predictions of the same network but for that one feature, so what else the network is cancels; there is
no sampling but of the contexts. The same is measured of a unit's number of layers and of graph-level values, and what
constraints do to "but for that one feature" is said in `changed_contexts`. The scalars of the FE-MLP say what the
predictor's first layer does with a value; effects say what becomes of it, which is what agrees between predictors.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from autobuild_pipelines.predictors import TrainedPredictors
from autobuild_pipelines.scoring.changed_contexts import Change, changed_contexts
from autobuild_pipelines.scoring.trained_values import trained_pairs
from autobuild_pipelines.scoring.value_fits import LEVELS, PLACES, ValueFit, fit_values
from autobuild_pipelines.spaces import ArchitectureArray

PLACE = PLACES["layer"]


def context_effects(
    predictors: TrainedPredictors, contexts: ArchitectureArray, training: ArchitectureArray, *, seed: int = 0
) -> pd.DataFrame:
    """Measure effects context by context.

    Args:
        predictors: The trained predictors.
        contexts: Architectures of their space, such as `choose_contexts` gives.
        training: Their training architectures; values that it says nothing about (`trained_values`) are left out.
        seed: See `changed_contexts`.

    Returns:
        Columns target, scope (see `SCOPES`), unit (declared, from 1; missing for the graph's), position (from 0;
        missing but for scope "layer"), feature, value, member, context (both from 0), moved (layers that had to change
        besides what took the value; 0 without constraints), effect (on the target's scale; the mean over the values of
        a place that a context can take is 0). A place where a context can take but one value is left out.
    """
    space = predictors.space
    known = trained_pairs(space, training)
    found = changed_contexts(space, contexts, seed=seed)
    changes = [change for change in found if change.scope == "length" or (change.feature, change.value) in known]
    frame = pd.concat([_rows(change, contexts) for change in changes], ignore_index=True)
    networks = ArchitectureArray.concat(change.networks for change in changes)
    _, first, row = np.unique(
        np.concatenate([networks.layers, networks.graph], axis=1), axis=0, return_index=True, return_inverse=True
    )
    predicted = predictors.describe(networks.take(first))[0][:, :, row.reshape(-1)]
    group = _numbers(frame.groupby([*PLACE, "context"], dropna=False, sort=False).ngroup())
    sizes = np.bincount(group)
    centred: NDArray[np.float64] = np.subtract(predicted, _group_means(predicted, group, sizes)[:, :, group])
    kept = sizes[group] > 1
    frame, centred = frame[kept], centred[:, :, kept]
    parts = [
        frame.assign(target=target, member=member, effect=of_member)
        for target, of_target in zip(predictors.targets, centred, strict=True)
        for member, of_member in enumerate(of_target)
    ]
    columns = ["target", *PLACE, "value", "member", "context", "moved", "effect"]
    return pd.concat(parts, ignore_index=True)[columns]


def feature_effects(effects: pd.DataFrame) -> pd.DataFrame:
    """Effects at every level with their errors, from what `context_effects` measured.

    Returns:
        Columns target, level (of `LEVELS`), scope, unit, position, feature, value, effect, member_error (standard
        error over members: what predictors of such data disagree about; NaN of one member), context_error (over
        contexts: how much it depends on the network; NaN of one context), standard_error (both together, as far as
        known), rank (1 is the highest effect of its place), members, contexts, moved (mean). Values of a place in
        declared order.
    """
    return pd.concat([_summary(fit) for level in LEVELS for fit in fit_values(effects, level)], ignore_index=True)


def member_effects(effects: pd.DataFrame) -> pd.DataFrame:
    """Per member the effects over the whole space: target, scope, feature, value, member, effect."""
    frames = []
    for fit in fit_values(effects, "space"):
        members, values = fit.members.shape
        frames.append(
            pd.DataFrame(
                {
                    "target": fit.target,
                    "scope": fit.scope,
                    "feature": fit.feature,
                    "value": np.tile(fit.values, members),
                    "member": np.repeat(np.arange(members), values),
                    "effect": fit.members.reshape(-1),
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


def effect_shares(effects: pd.DataFrame) -> pd.DataFrame:
    r"""What the effects come to, by feature, by unit and by position of a layer.

    Where layers are drawn uniformly, effects that add up give a prediction the variance

    .. math:: \sum_{u,p,f} \pi_{u,p} \, \mathrm{Var}_v \, e_{u,p,f}(v)

    with :math:`\pi` the share of contexts that have the layer (first-order indices of Sobol'). Its parts say which
    features, units and positions matter, where effects of single values only say how. Values of shared variables belong
    to no one unit and take no part.

    Returns:
        Columns target, by ("feature", "unit" or "position"), key (a feature's name, or a number as text), member,
        spread (the square root of its part: a standard deviation on the target's scale), share (of the variance; NaN
        where nothing has an effect).
    """
    inside = effects[effects["scope"] != "shared"]
    contexts = effects["context"].nunique()
    keys = ["target", "member", *PLACE]
    by_value = inside.groupby([*keys, "value"], dropna=False, sort=False)["effect"].agg(["mean", "size"]).reset_index()
    by_place = by_value.groupby(keys, dropna=False, sort=False).agg(mean=("mean", _variance), size=("size", "max"))
    place = by_place.assign(variance=by_place["mean"] * by_place["size"] / contexts).reset_index()
    total = place.groupby(["target", "member"], sort=False)["variance"].sum()
    frames = []
    for by in ("feature", "unit", "position"):
        part = place.dropna(subset=[by]).groupby(["target", by, "member"], sort=False)["variance"].sum().reset_index()
        whole = total.loc[pd.MultiIndex.from_frame(part[["target", "member"]])].to_numpy()
        share = np.divide(part["variance"], whole, out=np.full(len(part), np.nan), where=whole > 0)
        frames.append(
            part.assign(by=by, key=part[by].astype(str), spread=np.sqrt(part["variance"]), share=share)[
                ["target", "by", "key", "member", "spread", "share"]
            ]
        )
    return pd.concat(frames, ignore_index=True)


def _rows(change: Change, contexts: ArchitectureArray) -> pd.DataFrame:
    before, after = contexts.layers[change.contexts], change.networks.layers
    differ = (before != after).sum(axis=1)
    moved = np.maximum(differ - 1, 0) if change.scope == "layer" else np.zeros_like(differ)
    table = pd.DataFrame({"context": change.contexts, "moved": moved.astype(np.int64)})
    table = table.assign(scope=change.scope, feature=change.feature, value=change.value)
    for name, number in (("unit", change.unit), ("position", change.position)):
        table[name] = pd.Series([number] * len(table), dtype="Int64")
    return table


def _numbers(values: pd.Series) -> NDArray[np.int64]:
    found: NDArray[np.int64] = values.to_numpy(dtype=np.int64)
    return found


def _group_means(
    values: NDArray[np.float64], group: NDArray[np.int64], sizes: NDArray[np.integer]
) -> NDArray[np.float64]:
    """[..., groups] means of values [..., n] over the members of every group."""
    flat = values.reshape(-1, values.shape[-1])
    sums = np.stack([np.bincount(group, weights=line, minlength=len(sizes)) for line in flat])
    means: NDArray[np.float64] = (sums / sizes).reshape(*values.shape[:-1], -1)
    return means


def _summary(fit: ValueFit) -> pd.DataFrame:
    members, contexts = (np.sqrt(np.diag(covariance)) for covariance in (fit.of_members, fit.of_contexts))
    known = ~(np.isnan(members) & np.isnan(contexts))
    count = len(fit.values)
    return pd.DataFrame(
        {
            "target": fit.target,
            "level": fit.level,
            "scope": fit.scope,
            "unit": pd.array([fit.unit] * count, dtype="Int64"),
            "position": pd.array([fit.position] * count, dtype="Int64"),
            "feature": fit.feature,
            "value": fit.values,
            "effect": fit.mean,
            "member_error": members,
            "context_error": contexts,
            "standard_error": np.where(known, np.hypot(np.nan_to_num(members), np.nan_to_num(contexts)), np.nan),
            "rank": np.argsort(np.argsort(-fit.mean, kind="stable")) + 1,
            "members": len(fit.members),
            "contexts": fit.contexts,
            "moved": fit.moved,
        }
    )


def _variance(values: pd.Series) -> float:
    return float(np.var(values.to_numpy()))
