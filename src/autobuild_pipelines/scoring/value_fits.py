r"""Effects of values over many places and contexts that do not all allow the same values, with their covariances.

Each group g (a context at a place) says how the values that it allows compare: what is measured is centred within the
group. Effects b of values, the same in all groups, follow by least squares,

.. math:: \min_b \sum_g \sum_{v \in V_g} \Bigl( y_{gv} - b_v + \frac{1}{|V_g|} \sum_{w \in V_g} b_w \Bigr)^2,
          \qquad \sum_v b_v = 0

which is the plain mean over groups where all allow all values. The covariance over contexts is the sandwich of what
every context contributes; for plain means it is the squared standard error.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

LEVELS = ("layer", "unit", "space")
"""A value at one position of a unit, over the positions of a unit, and over all units."""

PLACES = {
    "layer": ["scope", "unit", "position", "feature"],
    "unit": ["scope", "unit", "feature"],
    "space": ["scope", "feature"],
}
"""What tells the places of a level apart."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ValueFit:
    """The effects of a place's values.

    Attributes:
        target, level: Of what, and one of `LEVELS`.
        scope, feature: What takes the values (see `SCOPES`), and of which feature they are.
        unit, position: Where; None where the level or the scope has none.
        values: V values; numbers in increasing order.
        members: [ensemble, V] effects of every member; they add up to 0.
        of_contexts: [V, V] covariance of the mean effects over contexts; NaN with one context.
        contexts: [V] how many contexts have a say about each value.
        moved: [V] mean number of layers that had to change with it.
    """

    target: str
    level: str
    scope: str
    feature: str
    unit: int | None
    position: int | None
    values: tuple[str, ...]
    members: Floats
    of_contexts: Floats
    contexts: NDArray[np.int64]
    moved: Floats

    @property
    def mean(self) -> Floats:
        """[V] effects, means over the members."""
        mean: Floats = self.members.mean(axis=0)
        return mean

    @property
    def of_members(self) -> Floats:
        """[V, V] covariance of the mean effects over members; NaN with one member."""
        count = len(self.members)
        if count < 2:
            return np.full((len(self.values),) * 2, np.nan)
        away = self.members - self.mean
        covariance: Floats = away.T @ away / (count * (count - 1))
        return covariance


def fit_values(effects: pd.DataFrame, level: str) -> Iterator[ValueFit]:
    """The fits of all places of one level, from the table of `context_effects`.

    Graph-level values have a level "space" only, and only single layers have a level "layer".
    """
    wanted = {"layer": ("layer",), "unit": ("layer", "unit", "shared", "length")}.get(level)
    chosen = effects if wanted is None else effects[effects["scope"].isin(wanted)]
    keys = ["target", *PLACES[level]]
    for key, rows in chosen.groupby(keys, dropna=False, sort=False):
        found: dict[str, Any] = dict(zip(keys, key if isinstance(key, tuple) else (key,), strict=True))
        unit, position = (None if pd.isna(n := found.get(name)) else int(n) for name in ("unit", "position"))
        place = (str(found["target"]), level, str(found["scope"]), str(found["feature"]), unit, position)
        yield ValueFit(*place, *_fit(rows))


def _fit(
    rows: pd.DataFrame,
) -> tuple[tuple[str, ...], Floats, Floats, NDArray[np.int64], Floats]:
    """From `values` to `moved` of a fit."""
    values = ordered(rows["value"].unique())
    value = pd.Categorical(rows["value"], categories=values).codes.astype(np.int64)
    group = rows.groupby(["unit", "position", "context"], dropna=False, sort=False).ngroup().to_numpy()
    member, context = rows["member"].to_numpy(), pd.factorize(rows["context"])[0]
    ensemble, groups, count = int(member.max()) + 1, int(group.max()) + 1, len(values)
    measured = np.zeros((ensemble, groups, count))
    measured[member, group, value] = rows["effect"]
    present = np.zeros((groups, count))
    present[group, value] = 1.0
    of_group = np.zeros(groups, dtype=np.int64)
    of_group[group] = context

    # Normal equations: what each context contributes to both sides.
    matrices = np.eye(count) * present[:, None] - present[:, :, None] * present[:, None] / present.sum(1)[:, None, None]
    contexts = int(context.max()) + 1
    left = np.zeros((contexts, count, count))
    np.add.at(left, of_group, matrices)
    right = np.zeros((contexts, ensemble, count))
    np.add.at(right, of_group, measured.transpose(1, 0, 2))
    inverse = np.linalg.pinv(left.sum(axis=0), hermitian=True)
    members = right.sum(axis=0) @ inverse
    over = np.full((count, count), np.nan)
    if contexts > 1:
        left_over = (right.mean(axis=1) - left @ members.mean(axis=0)) @ inverse
        over = left_over.T @ left_over * contexts / (contexts - 1)
    said = np.zeros((contexts, count), dtype=bool)
    np.logical_or.at(said, of_group, present > 0)
    moved = np.bincount(value, weights=rows["moved"], minlength=count) / np.bincount(value, minlength=count)
    return tuple(values), members, over, said.sum(axis=0), moved


def ordered(values: Iterable[object]) -> list[str]:
    """Numbers by size, words in the order in which they come."""
    texts = list(dict.fromkeys(map(str, values)))
    try:
        return sorted(texts, key=float)
    except ValueError:
        return texts
