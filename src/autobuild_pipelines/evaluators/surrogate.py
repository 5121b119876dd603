"""A made-up accuracy that behaves like a real one: the labels of the embedded sample. Never a measurement.

In points (of accuracy in percent, or of another metric that its settings name), for an architecture with modules m_u of
l_u layers in units u = 1..U, at resolution r:

    acc = ceiling − headroom · exp(−z / headroom) + noise · ε(architecture),      headroom = ceiling − base
    z   = Σ_u [D_u(l_u) + S_u(l_u) · Q_u(m_u)] − F(c − n_r) − Σ_u B · (w_u − w_{u+1})² + R_r
    Q_u = Σ_p P_u(p) · [Σ_f E_{u,f}(value of f in layer p) + Σ_j J_j(layer p)] + Σ_p A(layer p, layer p + 1)

- D, depth effects, and S, scales: calibrated so that the sample has given label means and deviations per unit and
  number of layers (`sampling.calibrate`).
- E, effects per feature value; P, weights per layer position; J, joint effects of several features of one layer (a
  wide layer with a large kernel gains less than the two gains together).
- A, adjacent layers: diminishing returns inside a unit, and diversity.
- F(x) = points · softplus(−x / softness): a network whose receptive field c = Σ_u f_u Σ_p (kernel − 1) / 2 falls
  short of the need n_r of its resolution loses. It couples all units and the resolution.
- B, balance: w_u = Σ_p expand / (expand_max · layers_max), a unit's share of its largest possible width; a narrow unit
  beside a wide one is a bottleneck.
- The ceiling makes every gain smaller in a better network.
- ε, standard normal, a function of the architecture's id alone: the same in any process, for ever.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtri

from autobuild_pipelines.evaluators.surrogate_settings import (
    Points,
    SurrogateError,
    SurrogateSettings,
    check_surrogate,
)
from autobuild_pipelines.spaces import ABSENT, ArchitectureArray, SearchSpace, Value

Floats = NDArray[np.float64]


class AccuracySurrogate:
    """The surrogate accuracy, or other metric of its settings, of a space's architectures.

    Args:
        space: The search space.
        settings: The coefficients, calibrated.

    Raises:
        SurrogateError: The coefficients do not fit the space, or are not calibrated.
    """

    support: ArchitectureArray | None = None

    def __init__(self, space: SearchSpace, settings: SurrogateSettings) -> None:
        if settings.calibrated is None:
            raise SurrogateError(f"surrogate of space {space.name!r}: calibrated: missing; run the calibration first")
        self.space = space
        self.settings = settings
        self.metrics: tuple[str, ...] = (settings.metric,)
        self._parts = SurrogateParts(space, settings)
        self._depth_effects = self._per_unit("depth_effects", settings.calibrated.depth_effects)
        self._scales = self._per_unit("scales", settings.calibrated.scales)

    def evaluate(self, array: ArchitectureArray) -> pd.DataFrame:
        """The metric's column [n] in its unit, to a ten-thousandth of a point: `acc`, a fraction with six decimals."""
        settings = self.settings
        points = self.noiseless(array) + settings.noise * noise(self.space, array, settings.noise_seed)
        decimals = 4 - round(np.log10(settings.point))
        return pd.DataFrame({settings.metric: np.round((points + settings.offset) * settings.point, decimals)})

    def noiseless(self, array: ArchitectureArray) -> Floats:
        """[n] points without noise and offset: what an infinite number of evaluations would average to."""
        return self._parts.accuracy(array, self._depth_effects, self._scales)

    def _per_unit(self, key: str, values: tuple[Points, ...]) -> tuple[Floats, ...]:
        units = self.space.units
        if [len(v) for v in values] != [len(unit.depths) for unit in units]:
            raise SurrogateError(
                f"surrogate of space {self.space.name!r}: calibrated.{key}: expected per unit "
                f"{[len(unit.depths) for unit in units]} numbers, got {[len(v) for v in values]}"
            )
        return tuple(np.asarray(v, dtype=np.float64) for v in values)


class SurrogateParts:
    """The parts of the formula for given architectures, with depth effects and scales left open."""

    def __init__(self, space: SearchSpace, settings: SurrogateSettings) -> None:
        check_surrogate(space, settings)
        self.space = space
        self.settings = settings
        codes = len(space.layers)
        self._layer = np.zeros((space.slots, codes + 1))
        self._reach = np.zeros((space.slots, codes + 1))
        self._width = np.zeros((space.slots, codes + 1))
        joint = sum((j.points * self._matches(j.layer) for j in settings.joint), np.zeros(codes))
        kernels, widths = self._values(settings.receptive_field.feature), self._values(settings.balance.feature)
        for unit, effects in zip(space.units, settings.units, strict=True):
            gain = joint.copy()
            for feature, points in effects.effects.items():
                gain += np.asarray(points)[space.vocabulary[:, space.features.index(feature)]]
            weights = np.asarray(effects.positions)[:, None]
            self._layer[unit.columns, :-1] = weights * gain
            self._reach[unit.columns, :-1] = settings.receptive_field.weights[unit.number - 1] * (kernels - 1) / 2
            self._width[unit.columns, :-1] = widths / (widths.max() * unit.slots)
        self._pair = np.zeros((codes + 1, codes + 1))
        for rule in settings.adjacent:
            self._pair[:-1, :-1] += rule.points * np.outer(self._matches(rule.first), self._matches(rule.second))

    def accuracy(
        self, array: ArchitectureArray, depth_effects: tuple[Floats, ...], scales: tuple[Floats, ...]
    ) -> Floats:
        """[n] accuracy in percent without noise."""
        settings = self.settings
        z = self.common(array)
        for unit, quality, effects, scale in zip(
            self.space.units, self.quality(array).T, depth_effects, scales, strict=True
        ):
            depth = np.searchsorted(unit.depths, (array.layers[:, unit.columns] != ABSENT).sum(axis=1))
            z += effects[depth] + scale[depth] * quality
        headroom = settings.ceiling - settings.base
        return np.asarray(settings.ceiling - headroom * np.exp(-z / headroom))

    def quality(self, array: ArchitectureArray) -> Floats:
        """[n, units] Q_u: what a unit's layers add, diminishing returns included."""
        slots = np.arange(self.space.slots)
        layers = self._layer[slots, array.layers]
        columns = [
            layers[:, u.columns].sum(axis=1)
            + self._pair[array.layers[:, u.columns][:, :-1], array.layers[:, u.columns][:, 1:]].sum(axis=1)
            for u in self.space.units
        ]
        return np.stack(columns, axis=1)

    def common(self, array: ArchitectureArray) -> Floats:
        """[n] what couples units and resolution: −F − B + R."""
        settings, space = self.settings, self.space
        slots = np.arange(space.slots)
        out = np.zeros(len(array))
        for column, name in enumerate(space.graph_features):
            if name in settings.graph:
                out += np.asarray(settings.graph[name])[array.graph[:, column]]
        field = settings.receptive_field
        need = np.asarray(field.need)
        column = space.graph_features.index(field.graph_feature)
        short = (need[array.graph[:, column]] - self._reach[slots, array.layers].sum(axis=1)) / field.softness
        out -= field.points * np.logaddexp(0, short)
        layer_width = self._width[slots, array.layers]
        width = np.stack([layer_width[:, unit.columns].sum(axis=1) for unit in space.units], axis=1)
        return np.asarray(out - settings.balance.points * (np.diff(width, axis=1) ** 2).sum(axis=1))

    def _matches(self, values: Mapping[str, Value]) -> Floats:
        return np.asarray([all(dict(layer)[f] == v for f, v in values.items()) for layer in self.space.layers], float)

    def _values(self, feature: str) -> Floats:
        return np.asarray([float(dict(layer)[feature]) for layer in self.space.layers])


def noise(space: SearchSpace, array: ArchitectureArray, seed: int) -> Floats:
    """[n] standard normal numbers, each a function of the architecture's id and `seed` alone."""
    ids = np.asarray([int(text, 16) for text in space.ids(array)], dtype=np.uint64)
    with np.errstate(over="ignore"):
        mixed = ids + np.uint64(seed) * np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        mixed = mixed ^ (mixed >> np.uint64(31))
    # The upper 53 bits, moved to the middle of their interval so that neither 0 nor 1 occurs.
    uniform = ((mixed >> np.uint64(11)).astype(np.float64) + 0.5) / 2.0**53
    return np.asarray(ndtri(uniform))
