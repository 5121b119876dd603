"""Operator (IR) graphs: a network as a directed graph of primitive operations (§7.6, Fig. 8)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

Attributes = Mapping[str, int | float | str]
"""What an operation is configured with: `{"kernel": 3, "stride": 2, "groups": 16}`."""
Parts = Callable[[str], str]
"""The part of the network (`unit 3`) that a module path (`blocks.7.conv`) belongs to."""


class OperatorGraphError(ValueError):
    """A network cannot be turned into an operator graph; the message names it and says why."""


def top_module(path: str) -> str:
    """The part of a network by its module path alone: its first name, with the number behind it if there is one.

    `blocks.3.conv` is of part `blocks 3`; what the network's own `forward` does is of part `network`.
    """
    first, *rest = path.split(".")
    return f"{first} {rest[0]}" if rest and rest[0].isdigit() else first or "network"


@dataclass(frozen=True, eq=False)
class OperatorGraph:
    """A network's operations in topological order and what flows between them.

    Channels, height and width are a tensor's axes behind the first, which counts images: of [n, c, h, w] they are
    (c, h, w), of [n, c] (c, 1, 1). Of [n, tokens, c] they are (c, tokens, 1), where an operation does not say that
    channels come first (1-d convolutions, group norm). Attention over heads has (heads · c, tokens, 1).

    Attributes:
        operations: The type of each node: `conv`, `linear`, `relu`, `add`, `mul`, `pool`, ... (see `operations.py`).
        attributes: What each node is configured with.
        in_shapes: int64 (nodes, 3): channels, height and width of a node's first input; 1 where there is no such axis.
        out_shapes: int64 (nodes, 3): the same of its output.
        edges: int64 (2, edges): source and target node; sources come before their targets. Sorted by target, then
            source; an operation that reads a node twice has one edge from it.
        macs: int64 (nodes,): multiply-accumulates of one image.
        names: The path of the module that a node belongs to (`stages.2.1.expand`), for people; "" for what the
            network's own `forward` does.
        parts: The part of the network that a node belongs to (`stem`, `unit 3`, `head`): colours of drawings.
    """

    operations: tuple[str, ...]
    attributes: tuple[Attributes, ...]
    in_shapes: NDArray[np.int64]
    out_shapes: NDArray[np.int64]
    edges: NDArray[np.int64]
    macs: NDArray[np.int64]
    names: tuple[str, ...]
    parts: tuple[str, ...]

    def __post_init__(self) -> None:
        nodes = len(self.operations)
        lengths = {
            "attributes": len(self.attributes),
            "in_shapes": len(self.in_shapes),
            "out_shapes": len(self.out_shapes),
            "macs": len(self.macs),
            "names": len(self.names),
            "parts": len(self.parts),
        }
        if wrong := {name: length for name, length in lengths.items() if length != nodes}:
            raise ValueError(f"an operator graph of {nodes} nodes has {wrong}")
        if self.edges.size and (self.edges.min() < 0 or self.edges.max() >= nodes):
            raise ValueError(f"an operator graph of {nodes} nodes has edges to others")
        if (self.edges[0] >= self.edges[1]).any():
            raise ValueError("the nodes of an operator graph are not in topological order")

    def __len__(self) -> int:
        return len(self.operations)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, OperatorGraph):
            return NotImplemented
        return all(_same(getattr(self, field.name), getattr(other, field.name)) for field in fields(self))

    __hash__ = None  # type: ignore[assignment]


def _same(one: object, other: object) -> bool:
    return np.array_equal(one, other) if isinstance(one, np.ndarray) and isinstance(other, np.ndarray) else one == other
