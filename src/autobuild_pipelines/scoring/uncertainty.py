r"""How sure an ensemble is of its module scores: standard errors, rank intervals, and who is as good as the best.

Members of an ensemble are draws of "a predictor trained on such data": where they disagree about a module, its score is
not known. Three choices hold everywhere in this file.

- **Offsets do not count.** Members may differ by a constant within a unit, and no ranking sees it, so every member's
  scores are centred over the unit's modules first.
- **Variances are shrunken towards their cell's mean**, a cell being the modules of one unit and number of layers. A
  variance from E = 3 members has two degrees of freedom: among thousands of modules some look certain by accident.
  Own variance :math:`s_i^2` and mean :math:`\bar s^2` are weighed by how much of the spread of the :math:`s_i^2` is
  more than chance (linear empirical Bayes, Bühlmann and Straub 1970):

  .. math:: \tilde s_i^2 = w s_i^2 + (1 - w) \bar s^2, \qquad
            w = \max\Bigl(0, 1 - \frac{2}{\nu + 2} \frac{\overline{s^4}}{\mathrm{var}(s^2)}\Bigr), \qquad \nu = E - 1

- **The quantile is Student's with E - 1 degrees of freedom**, not more. Pooling over modules adds none that could be
  relied on: what a network gets wrong about a layer it gets wrong in every module with that layer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

Floats = NDArray[np.float64]


class UncertaintyError(ValueError):
    """There is no such level of confidence; the message names the key and what would be right."""


@dataclass(frozen=True, eq=False)
class Uncertainty:
    """What an ensemble knows of the scores of n modules of one unit.

    Attributes:
        standard_error: [n] of the mean over members, on the scores' scale; NaN with one member.
        rank_low, rank_high: [n] best and worst rank (1 is best) that the scores' intervals allow; 1 and n with one
            member, which bounds nothing.
        distinguishable: [n] whether the module is worse than the best one beyond doubt; False for the best itself and,
            with one member, for all.
    """

    standard_error: Floats
    rank_low: NDArray[np.int64]
    rank_high: NDArray[np.int64]
    distinguishable: NDArray[np.bool_]


def uncertainty(scores: Floats, layers: NDArray[np.int64], *, confidence: float) -> Uncertainty:
    """Standard errors, rank intervals and what differs from the best, of one unit, target and method.

    Intervals hold for a module by itself, not for all at once: of the modules that are exactly as good as the best,
    some (1 - confidence) / 2 are still called worse.

    Args:
        scores: [ensemble, n] of every member; higher is better.
        layers: [n] number of layers of each module.
        confidence: Of the two-sided intervals, between 0 and 1.

    Raises:
        UncertaintyError: `confidence` is not between 0 and 1.
    """
    if not 0 < confidence < 1:
        raise UncertaintyError(f"scoring.confidence: expected a number between 0 and 1, got {confidence!r}")
    members, count = scores.shape
    if members == 1 or count == 0:
        whole = np.full(count, count, dtype=np.int64)
        return Uncertainty(np.full(count, np.nan), np.ones_like(whole), whole, np.zeros(count, dtype=np.bool_))
    quantile = float(student.ppf((1 + confidence) / 2, members - 1))
    mean = scores.mean(axis=0)
    centred = scores - scores.mean(axis=1, keepdims=True)
    error = np.sqrt(shrunken_variance(centred, layers) / members)
    low, high = rank_intervals(mean - quantile * error, mean + quantile * error)

    best = int(np.argmax(mean))
    others = np.arange(count) != best
    behind = centred[:, best, None] - centred[:, others]
    margin = quantile * np.sqrt(shrunken_variance(behind, layers[others]) / members)
    distinguishable = np.zeros(count, dtype=np.bool_)
    distinguishable[others] = mean[best] - mean[others] > margin
    return Uncertainty(error, low, high, distinguishable)


def shrunken_variance(values: Floats, cells: NDArray[np.int64]) -> Floats:
    """[n] variances over members of `values` [ensemble, n], each shrunken towards the mean of its cell (see above)."""
    freedom = len(values) - 1
    own: Floats = values.var(axis=0, ddof=1)
    shrunken = np.empty_like(own)
    for cell in np.unique(cells):
        rows = cells == cell
        found = own[rows]
        spread = found.var()
        chance = 2 / (freedom + 2) * np.mean(found**2)
        weight = max(0.0, 1 - chance / spread) if spread > 0 else 0.0
        shrunken[rows] = weight * found + (1 - weight) * found.mean()
    return shrunken


def rank_intervals(low: Floats, high: Floats) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Best and worst rank of n values that are known to lie between `low` and `high` [n]; 1 is the largest.

    A value ranks behind all whose interval lies wholly above its own, and ahead of all whose interval lies wholly
    below. Counted in sorted ends: O(n log n).
    """
    above = len(low) - np.searchsorted(np.sort(low), high, side="right")
    below = np.searchsorted(np.sort(high), low, side="left")
    return (1 + above).astype(np.int64), (len(low) - below).astype(np.int64)
