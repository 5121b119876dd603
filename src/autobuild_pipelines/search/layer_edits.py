"""Valid edits of one layer of a unit, for many modules of the unit at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from autobuild_pipelines.spaces import ABSENT, Codes, Unit

ADD, REMOVE, SWAP = range(3)


class UnitEdits:
    """Adds, removes or swaps one layer of modules of a unit; the result is always another module of the unit.

    - **Add**: a random layer of the module's group at a random place, when the unit may be deeper.
    - **Remove**: a random layer, when the unit may be shallower. Where the unit's depths have gaps, add and remove
      repeat until the next allowed depth.
    - **Swap**: a random layer becomes another layer of the unit. Where layers of a unit must share features
      (`equal_within_unit`) and the new layer has other values of them, the other layers take these values over
      (and keep the rest as far as the space allows).

    One kind that is possible for the module is drawn uniformly, then the place, then the layer.

    Args:
        unit: The unit, of the whole space or a restricted one.
        vocabulary: `SearchSpace.vocabulary`.
    """

    def __init__(self, unit: Unit, vocabulary: Codes) -> None:
        self._depths = np.asarray(unit.depths)
        self._codes = np.asarray(unit.codes, dtype=np.int16)
        self._group = np.full(len(vocabulary), -1)
        self._sizes = np.asarray([len(group) for group in unit.groups])
        self._groups = np.zeros((len(unit.groups), max(self._sizes)), dtype=np.int16)
        # [codes, groups] the layer of a group that differs from a layer in the fewest features.
        self._nearest = np.zeros((len(vocabulary), len(unit.groups)), dtype=np.int16)
        for index, group in enumerate(unit.groups):
            members = np.asarray(group, dtype=np.int16)
            self._group[members] = index
            self._groups[index, : len(members)] = members
            differing = (vocabulary[:, None] != vocabulary[None, members]).sum(axis=2)
            self._nearest[:, index] = members[differing.argmin(axis=1)]

    def edit(self, modules: Codes, rng: np.random.Generator) -> Codes:
        """One edit of every module [n, slots] -> [n, slots].

        Raises:
            ValueError: A module is not of the unit.
        """
        out = modules.copy()
        depth = (modules != ABSENT).sum(axis=1)
        place = np.searchsorted(self._depths, depth)
        group = self._group[modules]
        same = (modules == ABSENT) | ((group == group[:, :1]) & (group >= 0))
        if not (np.isin(depth, self._depths).all() and same.all()):
            raise ValueError("a module to edit is not of the unit")
        possible = np.stack(
            [place < len(self._depths) - 1, place > 0, np.full(len(modules), len(self._codes) > 1)], axis=1
        )
        kind = np.where(possible, rng.random(possible.shape), -1.0).argmax(axis=1)
        kind[~possible.any(axis=1)] = -1
        adding, removing, swapping = (np.flatnonzero(kind == k) for k in (ADD, REMOVE, SWAP))
        out[swapping] = self._swap(modules[swapping], depth[swapping], rng)
        for rows, step, change in ((adding, 1, self._add), (removing, -1, self._remove)):
            wanted = self._depths[place[rows] + step]
            while len(rows):
                now = (out[rows] != ABSENT).sum(axis=1)
                rows, wanted, now = rows[now != wanted], wanted[now != wanted], now[now != wanted]
                out[rows] = change(out[rows], now, rng)
        return out

    def _swap(self, modules: Codes, depth: NDArray[np.intp], rng: np.random.Generator) -> Codes:
        if not len(modules):
            return modules
        rows = np.arange(len(modules))
        position = rng.integers(0, depth)
        present = np.searchsorted(self._codes, modules[rows, position])
        chosen = rng.integers(0, len(self._codes) - 1, size=len(modules))
        code = self._codes[chosen + (chosen >= present)]
        out = modules.copy()
        other = self._group[code] != self._group[modules[rows, position]]
        moved = self._nearest[modules[other], self._group[code[other]][:, None]]
        out[other] = np.where(modules[other] == ABSENT, ABSENT, moved)
        out[rows, position] = code
        return out

    def _add(self, modules: Codes, depth: NDArray[np.intp], rng: np.random.Generator) -> Codes:
        if not len(modules):
            return modules
        position = rng.integers(0, depth + 1)
        slots = np.arange(modules.shape[1])
        source = np.maximum(slots - (slots > position[:, None]), 0)
        out = np.take_along_axis(modules, source, axis=1)
        group = self._group[modules[:, 0]]
        out[np.arange(len(out)), position] = self._groups[group, rng.integers(0, self._sizes[group])]
        return out

    def _remove(self, modules: Codes, depth: NDArray[np.intp], rng: np.random.Generator) -> Codes:
        if not len(modules):
            return modules
        position = rng.integers(0, depth)
        padded = np.pad(modules, ((0, 0), (0, 1)), constant_values=ABSENT)
        slots = np.arange(modules.shape[1])
        return np.take_along_axis(padded, slots + (slots >= position[:, None]), axis=1)
