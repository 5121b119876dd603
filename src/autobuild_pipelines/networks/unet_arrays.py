"""Many U-Net architectures at once, as integer arrays, and reading them from a search space's codes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from autobuild_pipelines.networks.definition import NetworkError
from autobuild_pipelines.networks.unet_architecture import (
    DOWNSAMPLE,
    UPSAMPLE,
    UNetArchitecture,
    read_middle,
    read_stage,
)
from autobuild_pipelines.networks.unet_definition import UNetFeatures
from autobuild_pipelines.spaces import Architecture, ArchitectureArray, SearchSpace

Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class UNetArrays:
    """n architectures of S stages; see `UNetArchitecture`.

    Attributes:
        channels: [n, S] channels of each stage.
        input_residuals: [n, S] residual blocks of the input stages.
        output_residuals: [n, S] residual blocks of the output stages.
        input_attention: [n, S] 1 where attention follows the residual blocks of the input stage, else 0.
        output_attention: [n, S] the same of the output stage.
    """

    channels: Integers
    input_residuals: Integers
    output_residuals: Integers
    input_attention: Integers
    output_attention: Integers

    def __len__(self) -> int:
        return len(self.channels)

    @property
    def stages(self) -> int:
        """Number of stages of either branch."""
        return int(self.channels.shape[1])

    @classmethod
    def of(cls, architectures: Iterable[UNetArchitecture]) -> UNetArrays:
        """The arrays of single architectures, which all have as many stages."""
        items = list(architectures)
        return cls(*(np.array([getattr(item, name) for item in items], dtype=np.int64) for name in _FIELDS))

    def architecture(self, row: int) -> UNetArchitecture:
        """One of them."""
        residuals = [tuple(getattr(self, name)[row].tolist()) for name in _FIELDS[:3]]
        attention = [tuple(map(bool, getattr(self, name)[row].tolist())) for name in _FIELDS[3:]]
        return UNetArchitecture(residuals[0], residuals[1], residuals[2], attention[0], attention[1])


_FIELDS = ("channels", "input_residuals", "output_residuals", "input_attention", "output_attention")


def read_unet(space: SearchSpace, architecture: Architecture, features: UNetFeatures | None = None) -> UNetArchitecture:
    """The U-Net that an architecture of a space is.

    Raises:
        NetworkError: The architecture is of another space, or no U-Net.
    """
    if architecture.space != space.name:
        raise NetworkError(f"architecture {architecture.id} is of space {architecture.space!r}, not {space.name!r}")
    names = features or UNetFeatures()
    return UNetArchitecture.read(architecture.unit_objects(), operation=names.operation, channels=names.channels)


def unet_arrays(space: SearchSpace, array: ArchitectureArray, features: UNetFeatures | None = None) -> UNetArrays:
    """The U-Nets that encoded architectures of a space are.

    Units stand in the order of the network: input 1 … S, perhaps the middle, output S … 1. Every different module is
    read once, however many architectures have it.

    Raises:
        NetworkError: A module is no stage of a U-Net, or the branches' channels disagree; names an architecture.
    """
    names = features or UNetFeatures()
    units = len(space.units)
    stages = units // 2
    if not stages:
        raise NetworkError(f"space {space.name!r}: has {units} units, expected those of a U-Net's two branches")
    inputs = [
        _read_unit(space, array, s, f"input stage {s + 1}", DOWNSAMPLE if s < stages - 1 else None, names)
        for s in range(stages)
    ]
    outputs = [
        _read_unit(space, array, units - 1 - s, f"output stage {s + 1}", UPSAMPLE if s else None, names)
        for s in range(stages)
    ]
    down, up = np.stack(inputs, axis=1), np.stack(outputs, axis=1)
    _check_channels(space, down[:, :, 0], up[:, :, 0], "input stage {}", "output stage {}")
    if units % 2:
        _check_middles(space, array, down[:, -1, 0], names)
    return UNetArrays(down[:, :, 0], down[:, :, 1], up[:, :, 1], down[:, :, 2], up[:, :, 2])


def _read_unit(
    space: SearchSpace, array: ArchitectureArray, unit: int, where: str, end: str | None, names: UNetFeatures
) -> Integers:
    """[n, 3] channels, residual blocks and attention of a unit (0-based)."""

    def read(module: list[dict[str, Any]]) -> tuple[int, int, int]:
        stage = read_stage(module, f"{where} of space {space.name!r}", end, names.operation, names.channels)
        return stage.channels, stage.residuals, int(stage.attention)

    return _for_each_module(space, array, unit, read, 3)


def _check_middles(space: SearchSpace, array: ArchitectureArray, width: Integers, names: UNetFeatures) -> None:
    def read(module: list[dict[str, Any]]) -> tuple[int]:
        return (read_middle(module, names.operation, names.channels),)

    unit = len(space.units) // 2
    found = _for_each_module(space, array, unit, read, 1)
    _check_channels(space, width[:, None], found, "the last input stage", "the middle")


def _for_each_module(
    space: SearchSpace,
    array: ArchitectureArray,
    unit: int,
    read: Callable[[list[dict[str, Any]]], tuple[int, ...]],
    columns: int,
) -> Integers:
    """[n, columns] what `read` says of every architecture's module in a unit (0-based), read once per module."""
    codes = array.layers[:, space.units[unit].start : space.units[unit].start + space.units[unit].slots]
    base = len(space.layers) + 1
    weights = np.asarray([base**k for k in range(codes.shape[1])], dtype=object)
    if sum(weights) * base < 2**62:
        keys: NDArray[Any] = (codes.astype(np.int64) + 1) @ weights.astype(np.int64)
    else:
        keys = np.asarray([row.tobytes() for row in codes], dtype=object)
    first = pd.Series(keys).drop_duplicates().index.to_numpy()
    table = [read([dict(space.layers[code]) for code in row if code >= 0]) for row in codes[first].tolist()]
    which = pd.factorize(keys)[0]  # numbers the modules in the order in which they are first seen
    return np.asarray(table, dtype=np.int64).reshape(len(first), columns)[which]


def _check_channels(space: SearchSpace, one: Integers, other: Integers, first: str, second: str) -> None:
    rows, columns = np.nonzero(one != other)
    if len(rows):
        row, column = int(rows[0]), int(columns[0])
        raise NetworkError(
            f"space {space.name!r}, architecture {row + 1}: {first.format(column + 1)} has {one[row, column]} "
            f"channels, {second.format(column + 1)} {other[row, column]}; expected the same"
        )
