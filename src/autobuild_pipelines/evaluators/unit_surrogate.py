"""A made-up metric of networks whose units are patterns of layers, such as a U-Net's FID. Never a measurement.

For an architecture with modules m_u in units u = 1..U:

    metric = limit + (base − limit) · exp(−z / |base − limit|) + noise · ε(architecture) + offset
    z      = Σ_u Σ_k c_{u,k} q_k(m_u) + Σ_j p_j q_k(m_u) q_l(m_v) − Σ_k b_k Σ_u (q_k(m_u) − q_k(m_{u+1}))²

- z is the gain over `base`, in the metric's unit, before the limit makes every gain smaller in a better network; the
  metric falls with z where `limit` lies below `base` (less is better), else it rises.
- q, quantities of a module: the logarithm of its width, or what its layers of a kind are worth by their number.
- c, effects per unit; p, interactions inside a unit or between two; b, what a step between units costs: a narrow unit
  beside a wide one is a bottleneck.
- ε, standard normal, a function of the architecture's id alone: the same in any process, for ever.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from autobuild_pipelines.evaluators.surrogate import noise
from autobuild_pipelines.evaluators.unit_surrogate_settings import (
    Number,
    UnitSurrogateSettings,
    Width,
    check_unit_surrogate,
)
from autobuild_pipelines.spaces import ABSENT, ArchitectureArray, SearchSpace

Floats = NDArray[np.float64]
DECIMALS = 4


class UnitSurrogate:
    """The surrogate metric of a space's architectures.

    Args:
        space: The search space.
        settings: The coefficients.

    Raises:
        SurrogateError: The coefficients do not fit the space.
    """

    support: ArchitectureArray | None = None

    def __init__(self, space: SearchSpace, settings: UnitSurrogateSettings) -> None:
        check_unit_surrogate(space, settings)
        self.space = space
        self.settings = settings
        self.metrics: tuple[str, ...] = (settings.metric,)
        self._unit = {unit.name: place for place, unit in enumerate(space.units)}
        self._values = {name: self._of_codes(quantity) for name, quantity in settings.quantities.items()}

    def evaluate(self, array: ArchitectureArray) -> pd.DataFrame:
        """The metric's column [n], with four decimals."""
        settings = self.settings
        values = self.noiseless(array) + settings.offset
        if settings.noise:  # ids take most of the time: without noise a whole space is evaluated in seconds
            values = values + settings.noise * noise(self.space, array, settings.noise_seed)
        return pd.DataFrame({settings.metric: np.round(values, DECIMALS)})

    def noiseless(self, array: ArchitectureArray) -> Floats:
        """[n] the metric without noise and offset: what an infinite number of evaluations would average to."""
        settings = self.settings
        room = settings.base - settings.limit
        return np.asarray(settings.limit + room * np.exp(-self.gain(array) / abs(room)))

    def gain(self, array: ArchitectureArray) -> Floats:
        """[n] z."""
        settings = self.settings
        of = {name: self.quantity(array, name) for name in settings.quantities}
        z = np.zeros(len(array))
        for unit, effects in settings.units.items():
            for name, points in effects.items():
                z += points * of[name][:, self._unit[unit]]
        for rule in settings.together:
            (unit, name), (other_unit, other) = rule.first, rule.second
            z += rule.points * of[name][:, self._unit[unit]] * of[other][:, self._unit[other_unit]]
        for step in settings.steps:
            z -= step.points * (np.diff(of[step.quantity], axis=1) ** 2).sum(axis=1)
        return z

    def quantity(self, array: ArchitectureArray, name: str) -> Floats:
        """[n, units] one quantity of every unit, those that are not searched included."""
        quantity, of_code = self.settings.quantities[name], self._values[name]
        columns = []
        for unit in self.space.units:
            codes = array.layers[:, unit.columns]
            total = of_code[codes].sum(axis=1)  # ABSENT is -1, the last entry, which is 0
            if isinstance(quantity, Width):
                columns.append(total / (codes != ABSENT).sum(axis=1))
            else:
                columns.append(np.asarray(quantity.worth)[total.astype(np.int64).clip(max=len(quantity.worth) - 1)])
        return np.stack(columns, axis=1)

    def _of_codes(self, quantity: Width | Number) -> Floats:
        """[layer codes + 1] what a layer adds to a module's sum, and 0 for an absent one."""
        layers = [dict(layer) for layer in self.space.layers]
        if isinstance(quantity, Width):
            of_layer = [float(np.log2(float(layer[quantity.log2]) / quantity.reference)) for layer in layers]
        else:
            of_layer = [float(all(layer[f] == v for f, v in quantity.count.items())) for layer in layers]
        return np.asarray([*of_layer, 0.0])
