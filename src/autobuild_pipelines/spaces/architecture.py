"""An architecture of a search space, its canonical JSON and its id; and many of them as integer arrays."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autobuild_pipelines.spaces.declared_features import Value

Layer = tuple[tuple[str, Value], ...]
"""One layer: its searched features as (name, value) pairs, sorted by name."""

Codes = NDArray[np.int16]
ABSENT = -1
"""The code of a slot that holds no layer."""


@dataclass(frozen=True, slots=True)
class Architecture:
    """One network of a search space.

    Attributes:
        space: Name of the search space.
        graph: Graph-level features (such as the input resolution) as (name, value) pairs, sorted by name.
        units: One tuple of layers per unit, first layer first.
    """

    space: str
    graph: tuple[tuple[str, Value], ...]
    units: tuple[tuple[Layer, ...], ...]

    @property
    def canonical_json(self) -> str:
        """The same text for the same architecture in every process: sorted keys, no spaces."""
        return to_json({"graph": dict(self.graph), "space": self.space, "units": self.unit_objects()})

    @property
    def id(self) -> str:
        """The first 16 hexadecimal digits of the SHA-256 of the canonical JSON."""
        return hash_json(self.canonical_json)

    def unit_objects(self) -> list[list[dict[str, Value]]]:
        """The units as plain lists of layer objects, as they stand in tables and files."""
        return [[dict(layer) for layer in unit] for unit in self.units]


def to_json(content: object) -> str:
    """Canonical JSON text of plain values."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)


def hash_json(text: str) -> str:
    """Stable 16-digit id of a canonical JSON text."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True, eq=False)
class ArchitectureArray:
    """Many architectures of one space as integer codes, for vectorised work.

    Attributes:
        layers: [n, slots] int16. Slots of a unit are adjacent, layers stand at its first slots, the others are -1.
            A code indexes `SearchSpace.vocabulary`.
        graph: [n, graph features] int16, indexes into each graph feature's choices.
    """

    layers: Codes
    graph: Codes

    def __len__(self) -> int:
        return len(self.layers)

    def take(self, index: Sequence[int] | NDArray[np.integer] | NDArray[np.bool_] | slice) -> ArchitectureArray:
        """The architectures at `index` (integers, a mask or a slice), in that order."""
        return ArchitectureArray(self.layers[index], self.graph[index])

    def keys(self) -> list[bytes]:
        """One hashable key per architecture; equal keys mean equal architectures of the same space."""
        rows = np.ascontiguousarray(np.concatenate([self.layers, self.graph], axis=1))
        return [row.tobytes() for row in rows]

    @staticmethod
    def concat(parts: Iterable[ArchitectureArray]) -> ArchitectureArray:
        """One array of all parts, in order."""
        arrays = list(parts)
        return ArchitectureArray(np.concatenate([a.layers for a in arrays]), np.concatenate([a.graph for a in arrays]))
