"""One operation of an exported torch program, with its arguments by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, fx


@dataclass(frozen=True)
class Call:
    """One operation of an exported program.

    Attributes:
        name: Its name without namespace and without the underscore of the form that works in place.
        arguments: All arguments by the names of its schema, with their defaults.
        reads: Those of its inputs that depend on an input of the network.
        node: The operation as the program has it.
    """

    name: str
    arguments: dict[str, Any]
    reads: tuple[fx.Node, ...]
    node: fx.Node

    @classmethod
    def of(cls, node: fx.Node, reads: Sequence[fx.Node]) -> Call:
        """The call of a node of a program."""
        target = node.target
        if not isinstance(target, torch._ops.OpOverload):
            return cls(str(getattr(target, "__name__", target)), {}, tuple(reads), node)
        space, _, name = target._schema.name.partition("::")
        name = name if name.startswith("__") else name.rstrip("_")
        arguments = {a.name: a.default_value for a in target._schema.arguments if a.has_default_value()}
        arguments |= dict(zip((a.name for a in target._schema.arguments), node.args, strict=False)) | dict(node.kwargs)
        return cls(name if space == "aten" else f"{space}.{name}", arguments, tuple(reads), node)

    def value(self, *names: str) -> Tensor:
        """The (fake) tensor that the first argument of these names is."""
        found = next(self.arguments[name] for name in names if name in self.arguments)
        tensor: Tensor = found.meta["val"]
        return tensor

    @property
    def input(self) -> Tensor:
        """The first input that depends on an input of the network."""
        return _tensor(self.reads[0].meta["val"])

    @property
    def output(self) -> Tensor:
        """The (first) output."""
        return _tensor(self.node.meta["val"])


def _tensor(value: Any) -> Tensor:
    while isinstance(value, list | tuple):
        value = next(part for part in value if part is not None)
    found: Tensor = value
    return found
