"""Two answers to "which values matter", side by side: the FE-MLP's scalars and contextual effects.

They differ in kind. A scalar is at least 0, and a part of an embedding whose norm is trained to rank like the target
(Eq. 4); an effect is a difference of predictions. What can be compared is the order in which they put the values of a
category. A unit or a position is no value that a layer could take instead of another: what stands beside its scalar is
the spread of predictions that its layers account for (`effect_shares`).
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import kendalltau, spearmanr
from scipy.stats import t as student

from autobuild_pipelines.scoring.feature_effects import effect_shares, member_effects
from autobuild_pipelines.scoring.value_fits import fit_values, ordered
from autobuild_pipelines.spaces import SearchSpace

SOURCES = ("scalar", "effect", "spread")
"""The FE-MLP's scalar, a value's contextual effect, and what contextual effects at a place come to."""

VERDICTS = ("agree", "reversed", "open", "one member")

KEYS = ["target", "category", "source"]


def importances(space: SearchSpace, importance: pd.DataFrame, effects: pd.DataFrame) -> pd.DataFrame:
    """Scalars, effects and spreads of every member in one table.

    Args:
        space: The search space.
        importance: Table of `feature_importance`.
        effects: Table of `context_effects`.

    Returns:
        Columns target, category (as `feature_importance`; "layers" for numbers of layers, which have no scalar), value,
        source (of `SOURCES`), member, amount, trained (untrained values have amounts that mean nothing).
    """
    unknown = importance.loc[~importance["trained"], ["category", "value"]]
    untrained = set(unknown.itertuples(index=False, name=None))
    scalars = importance.rename(columns={"scalar": "amount"}).assign(source="scalar")
    of_values = member_effects(effects).rename(columns={"feature": "category", "effect": "amount"})
    tables = [scalars, of_values.assign(source="effect"), _spreads(space, effects)]
    columns = ["target", "category", "value", "source", "member", "amount"]
    table = pd.concat([t[columns] for t in tables], ignore_index=True)
    known = [key not in untrained for key in zip(table["category"], table["value"], strict=True)]
    return table.assign(trained=known)


def importance_stability(table: pd.DataFrame) -> pd.DataFrame:
    """How far any two members put the values of a category into the same order.

    Args:
        table: Of `importances`.

    Returns:
        Columns target, category, source, values (trained ones, 2 or more), first, second (members), spearman, kendall
        (NaN where a member gives all values the same), same_order. No rows for ensembles of one.
    """
    rows = []
    for key, group in table[table["trained"]].groupby(KEYS, sort=False):
        amounts = _by_member(group)
        if amounts.shape[1] < 2:
            continue
        for first, second in combinations(range(len(amounts)), 2):
            a, b = amounts[first], amounts[second]
            constant = len(set(a)) == 1 or len(set(b)) == 1
            rho, tau = (np.nan, np.nan) if constant else (spearmanr(a, b).statistic, kendalltau(a, b).statistic)
            same = bool((np.argsort(a, kind="stable") == np.argsort(b, kind="stable")).all())
            rows.append((*key, len(a), first, second, float(rho), float(tau), same))
    columns = [*KEYS, "values", "first", "second", "spearman", "kendall", "same_order"]
    types: dict[str, Any] = {**dict.fromkeys(("values", "first", "second"), "int64"), "same_order": bool}
    types |= {"spearman": float, "kendall": float, **dict.fromkeys(KEYS, "str")}
    return pd.DataFrame(rows, columns=columns).astype(types)


def importance_order(table: pd.DataFrame, effects: pd.DataFrame, *, confidence: float = 0.9) -> pd.DataFrame:
    """Every pair of values of a category: which is ahead in context, and whether the scalars say the same.

    A difference counts where it is larger than its error at the confidence (Student's with one degree of freedom fewer
    than members): over members for scalars and spreads, over members and contexts for effects.

    Args:
        table: Of `importances`.
        effects: Table of `context_effects`.
        confidence: Of the two-sided intervals, between 0 and 1.

    Returns:
        Columns target, category, source ("effect" or "spread"), higher, lower (the values, by source), difference,
        error (standard error of the difference), scalar_difference (of the same two), scalar_error, verdict: "agree" or
        "reversed" where both differences count, "open" where one does not, "one member" where nobody can tell.
    """
    errors = _effect_errors(effects)
    trained = table[table["trained"]]
    rows = []
    for (target, category), group in trained.groupby(["target", "category"], sort=False):
        scalars = group[group["source"] == "scalar"]
        for source in ("effect", "spread"):
            other = group[(group["source"] == source) & group["value"].isin(scalars["value"])]
            if other.empty:
                continue
            values = ordered(other["value"].unique())
            a, b = _by_member(other, values), _by_member(scalars, values)
            for i, j in combinations(range(len(values)), 2):
                high, low = (i, j) if a[:, i].mean() >= a[:, j].mean() else (j, i)
                between, scalar = a[:, high] - a[:, low], b[:, high] - b[:, low]
                over = errors.get((target, category, frozenset((values[i], values[j]))), 0.0)
                error = float(np.hypot(_error(between), over))
                verdict = _verdict(between.mean(), error, scalar.mean(), _error(scalar), len(between), confidence)
                found = (between.mean(), error, scalar.mean(), _error(scalar), verdict)
                rows.append((target, category, source, values[high], values[low], *found))
    columns = ["target", "category", "source", "higher", "lower", "difference", "error"]
    return pd.DataFrame(rows, columns=[*columns, "scalar_difference", "scalar_error", "verdict"])


def _spreads(space: SearchSpace, effects: pd.DataFrame) -> pd.DataFrame:
    """Spreads by unit, position and unit feature, as far as nodes carry them."""
    shares = effect_shares(effects)
    categories = {"unit": "unit", "position": "layer"}
    known = [by for by, category in categories.items() if category in space.declaration.position_features]
    tables = [
        part.assign(category=categories[by], value=part["key"], amount=part["spread"])
        for by in known
        if len(part := shares[shares["by"] == by])
    ]
    of_units = shares[shares["by"] == "unit"]
    for name in space.declaration.unit_features:
        value = of_units["key"].map(lambda key, name=name: str(space.declaration.units[int(key) - 1].features[name]))
        summed = of_units.assign(value=value, variance=of_units["spread"] ** 2)
        summed = summed.groupby(["target", "value", "member"], sort=False)["variance"].sum().reset_index()
        tables.append(summed.assign(category=name, amount=np.sqrt(summed["variance"])))
    if not tables:
        return pd.DataFrame(columns=["target", "category", "value", "source", "member", "amount"])
    return pd.concat(tables, ignore_index=True).assign(source="spread")


def _by_member(group: pd.DataFrame, values: list[str] | None = None) -> NDArray[np.float64]:
    """[members, values] the amounts of one category and source."""
    pivot = group.pivot_table(index="member", columns="value", values="amount", sort=False)
    found: NDArray[np.float64] = pivot[values or list(pivot.columns)].to_numpy(dtype=np.float64)
    return found


def _effect_errors(effects: pd.DataFrame) -> dict[tuple[object, ...], float]:
    """Standard errors over contexts of the difference between any two values of a feature."""
    errors: dict[tuple[object, ...], float] = {}
    for fit in fit_values(effects, "space"):
        for i, j in combinations(range(len(fit.values)), 2):
            cov = fit.of_contexts
            variance = cov[i, i] + cov[j, j] - 2 * cov[i, j]
            key = (fit.target, fit.feature, frozenset((fit.values[i], fit.values[j])))
            errors[key] = float(np.sqrt(max(variance, 0.0))) if np.isfinite(variance) else 0.0
    return errors


def _error(values: NDArray[np.float64]) -> float:
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else float("nan")


def _verdict(
    difference: float, error: float, scalar: float, scalar_error: float, members: int, confidence: float
) -> str:
    if members < 2:
        return "one member"
    quantile = float(student.ppf((1 + confidence) / 2, members - 1))
    if abs(difference) <= quantile * error or abs(scalar) <= quantile * scalar_error:
        return "open"
    return "agree" if (difference > 0) == (scalar > 0) else "reversed"
