"""Operator graphs of torch modules, through torch.export.

The exported program is taken as it comes, before any decomposition: `conv2d`, `batch_norm`, `hardswish` and
`scaled_dot_product_attention` are one operation each. What becomes of them is said in `operations.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, fx, nn

from autobuild_pipelines.graphs.aten import aten_draft, is_rearrangement
from autobuild_pipelines.graphs.aten_call import Call
from autobuild_pipelines.graphs.operator_draft import INPUT, Draft, Piece, finished, tidied
from autobuild_pipelines.graphs.operator_graph import OperatorGraph, OperatorGraphError, Parts

_TWICE = re.compile(r"@\d+")
"""Marks a module's second call in a path."""
_INLINED = ("wrap_with_set_grad_enabled", "wrap_with_autocast")
Value = Draft | None | list[Any]
"""What a node of the program gives: a draft, nothing (it depends on no input), or several of them."""


def operator_graph(
    module: nn.Module, example_inputs: Sequence[Tensor], *, parts: Parts | None = None, fold: bool = True
) -> OperatorGraph:
    """The operator graph of any module, as it computes in evaluation mode.

    The total of `macs` is half of what `torch.utils.flop_counter.FlopCounterMode` counts on the meta device, for one
    image: convolutions, linear layers and matrix products, those inside attention included.

    Args:
        module: The network; its mode is left as it is.
        example_inputs: Its inputs, with n images or items on their first axes. They may be on the meta device where
            the module is.
        parts: The part of the network that a module path belongs to; its top module by default.
        fold: Whether batch norms are folded into the convolutions before them.

    Raises:
        OperatorGraphError: torch.export cannot export it, e.g. because control flow depends on values.
    """
    return exported_piece(module, example_inputs, parts=parts, fold=fold).graph


def exported_piece(
    module: nn.Module, example_inputs: Sequence[Tensor], *, parts: Parts | None = None, fold: bool = True
) -> Piece:
    """The graph of a module that may be joined to others; see `operator_graph`."""
    program = _exported(module, tuple(example_inputs))
    batch = next((tensor.shape[0] for tensor in example_inputs if tensor.dim()), 1)
    given = set(program.graph_signature.user_inputs)
    names = [node for node in program.graph.nodes if node.op == "placeholder"]
    reading = _Reading(batch)
    bound = [reading.input(node) if node.name in given else None for node in names]
    outputs = _flat(reading.run(program.graph_module, bound))
    inputs = [value for value in bound if value is not None]
    nodes, outputs = tidied(reading.nodes, outputs, fold=fold)
    return finished(nodes, inputs, outputs, parts)


def _exported(module: nn.Module, inputs: tuple[Tensor, ...]) -> torch.export.ExportedProgram:
    try:
        with _evaluating(module), torch.no_grad():
            return torch.export.export(module, inputs, strict=False)
    except Exception as error:  # whatever the module's own code raises while it is traced
        reason = " ".join(str(error).split())[:500]
        raise OperatorGraphError(
            f"{type(module).__name__}: torch.export cannot export it: {type(error).__name__}: {reason}"
        ) from error


@contextmanager
def _evaluating(module: nn.Module) -> Iterator[None]:
    training = [part for part in module.modules() if part.training]
    for part in training:
        part.training = False
    try:
        yield
    finally:
        for part in training:
            part.training = True


class _Reading:
    """Walks an exported program and makes a draft of every operation that depends on an input.

    Args:
        batch: Images in the example inputs.
    """

    def __init__(self, batch: int) -> None:
        self.batch = batch
        self.nodes: list[Draft] = []

    def input(self, node: fx.Node) -> Draft | None:
        """The draft of an input of the network."""
        if not isinstance(node.meta.get("val"), Tensor):
            return None
        draft = Draft(INPUT)
        self.nodes.append(draft)
        return draft

    def run(self, program: fx.GraphModule, bound: Sequence[Value]) -> Value:
        """What a program gives for what its placeholders are bound to."""
        values: dict[fx.Node, Value] = {}
        waiting = iter(bound)
        for node in program.graph.nodes:
            if node.op == "placeholder":
                values[node] = next(waiting)
            elif node.op == "output":
                return _given(node.args[0], values)
            elif node.op == "call_function":
                values[node] = self.call(program, node, values)
            else:
                values[node] = None
        return None

    def call(self, program: fx.GraphModule, node: fx.Node, values: dict[fx.Node, Value]) -> Value:
        """What an operation gives: a new draft, or what it reads where it only rearranges that."""
        target = node.target
        if getattr(target, "__name__", "") == "getitem":
            source, place = _given(node.args[0], values), node.args[1]
            return source[place] if isinstance(source, list) and isinstance(place, int) else source
        if str(getattr(target, "__name__", "")) in _INLINED:
            return self.inline(program, node, values)
        reads = [value for read in node.all_input_nodes for value in _flat(values.get(read))]
        if not reads or _first(node.meta.get("val")) is None:
            return None
        call = Call.of(node, [read for read in node.all_input_nodes if _flat(values.get(read))])
        if is_rearrangement(call):
            return reads[0]
        draft = aten_draft(call, self.batch)
        draft.inputs, draft.name = reads, _module_path(node)
        self.nodes.append(draft)
        return draft

    def inline(self, program: fx.GraphModule, node: fx.Node, values: dict[fx.Node, Value]) -> Value:
        """What a program inside of a `with torch.no_grad()` or `torch.autocast` gives."""
        inner = next(a for a in node.args if isinstance(a, fx.Node) and a.op == "get_attr")
        place = node.args.index(inner)
        return self.run(
            program.get_submodule(str(inner.target)),  # type: ignore[arg-type]
            [values.get(a) if isinstance(a, fx.Node) else None for a in node.args[place + 1 :]],
        )


def _module_path(node: fx.Node) -> str:
    stack = list((node.meta.get("nn_module_stack") or {}).values())
    return _TWICE.sub("", str(stack[-1][0])) if stack else ""


def _given(argument: Any, values: dict[fx.Node, Value]) -> Value:
    if isinstance(argument, fx.Node):
        return values.get(argument)
    if isinstance(argument, list | tuple):
        return [_given(part, values) for part in argument]
    return None


def _flat(value: Value) -> list[Draft]:
    if isinstance(value, list):
        return [draft for part in value for draft in _flat(part)]
    return [] if value is None else [value]


def _first(value: Any) -> Tensor | None:
    if isinstance(value, list | tuple):
        return next((tensor for part in value if (tensor := _first(part)) is not None), None)
    return value if isinstance(value, Tensor) else None
