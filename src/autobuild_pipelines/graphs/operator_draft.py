"""Operator graphs in the making: nodes that know their inputs, and what is folded or dropped before they are final.

Every source of graphs (torch modules, ONNX files, published caches) makes drafts; the rules of `operations.py` are
applied to them here, once for all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from autobuild_pipelines.graphs.operations import CONVOLUTIONS
from autobuild_pipelines.graphs.operator_graph import Attributes, OperatorGraph, Parts, top_module

INPUT = "input"
"""The operation of drafts that stand for the network's inputs; final graphs have none."""
Shape = tuple[int, int, int]


@dataclass(eq=False)
class Draft:
    """A node before it is final.

    Attributes:
        operation: What it is.
        inputs: The nodes whose outputs it reads, those that depend on no input of the network left out.
        in_shape: Channels, height and width of its first input.
        out_shape: The same of its output.
        attributes: What it is configured with.
        macs: Multiply-accumulates.
        name: Its module's path.
        scalar: The number that an arithmetic operation combines its one input with.
        constant: The size of the constant tensor that an arithmetic operation combines its one input with; 0 if none.
    """

    operation: str
    inputs: list[Draft] = field(default_factory=list)
    in_shape: Shape = (1, 1, 1)
    out_shape: Shape = (1, 1, 1)
    attributes: Attributes = field(default_factory=dict)
    macs: int = 0
    name: str = ""
    scalar: float | None = None
    constant: int = 0


@dataclass(frozen=True, eq=False)
class Piece:
    """A graph that may be joined to others: it knows which nodes read its inputs, and which gives its output.

    Attributes:
        graph: The graph.
        readers: Per input the nodes that read it.
        output: The node whose output is the piece's; -1 where there is no single one.
    """

    graph: OperatorGraph
    readers: tuple[NDArray[np.int64], ...]
    output: int


def tidied(nodes: Sequence[Draft], outputs: Sequence[Draft], *, fold: bool) -> tuple[list[Draft], list[Draft]]:
    """Fuse spelled-out activations, fold biases and (with `fold`) batch norms, and leave out what nobody reads.

    Args:
        nodes: All nodes in topological order; they are changed.
        outputs: Those whose outputs are the network's.
        fold: Whether to fold batch norms.

    Returns:
        The nodes that stay, in the same order, inputs first; and the outputs.
    """
    replaced: dict[Draft, Draft] = {}
    readers = Counter(read for node in nodes for read in node.inputs) + Counter(outputs)
    for node in nodes:
        node.inputs = [replaced.get(read, read) for read in node.inputs]
        _fuse(node)
        before = node.inputs[0] if len(node.inputs) == 1 else None
        if before is None or readers[before] != 1:
            continue
        if (fold and _is_foldable(node, before)) or _is_bias(node, before):
            before.attributes = {**before.attributes, "bias": 1}
            readers[before] = readers[node]
            replaced[node] = before
    outputs = [replaced.get(node, node) for node in outputs]
    return _read(nodes, outputs), outputs


def finished(
    nodes: Sequence[Draft], inputs: Sequence[Draft], outputs: Sequence[Draft], parts: Parts | None = None
) -> Piece:
    """The final graph of tidied drafts.

    Args:
        nodes: In topological order; inputs among them are left out.
        inputs: The network's inputs.
        outputs: The nodes whose outputs are the network's.
        parts: The part of the network that a module path belongs to; `top_module` by default.
    """
    kept = [node for node in nodes if node.operation != INPUT]
    index = {node: place for place, node in enumerate(kept)}
    pairs = {(place, index[read]) for place, node in enumerate(kept) for read in node.inputs if read in index}
    edges = np.asarray(sorted(pairs), dtype=np.int64).reshape(-1, 2)
    part = top_module if parts is None else parts
    graph = OperatorGraph(
        operations=tuple(node.operation for node in kept),
        attributes=tuple(node.attributes for node in kept),
        in_shapes=np.asarray([node.in_shape for node in kept], dtype=np.int64).reshape(-1, 3),
        out_shapes=np.asarray([node.out_shape for node in kept], dtype=np.int64).reshape(-1, 3),
        edges=edges[:, ::-1].T.copy(),
        macs=np.asarray([node.macs for node in kept], dtype=np.int64),
        names=tuple(node.name for node in kept),
        parts=tuple(part(node.name) for node in kept),
    )
    readers = [[place for place, node in enumerate(kept) if given in node.inputs] for given in inputs]
    single = len(outputs) == 1 and outputs[0] in index
    return Piece(graph, tuple(np.asarray(r, dtype=np.int64) for r in readers), index[outputs[0]] if single else -1)


def _is_foldable(node: Draft, before: Draft) -> bool:
    return node.operation == "batch_norm" and before.operation in (*CONVOLUTIONS, "linear")


def _is_bias(node: Draft, before: Draft) -> bool:
    """Whether a node adds a constant per output channel to a convolution or linear layer without a bias."""
    if node.operation != "add" or before.operation not in (*CONVOLUTIONS, "linear") or before.attributes.get("bias"):
        return False
    return node.constant == before.out_shape[0] > 1


def _fuse(node: Draft) -> None:
    """Turn the last node of a spelled-out activation into that activation."""
    source = _spelled_h_sigmoid(node)
    if source is not None:
        _become(node, "h_sigmoid", source)
        return
    if node.operation == "mul" and len(node.inputs) == 2:
        for gate, other in (node.inputs, node.inputs[::-1]):
            fused = {"h_sigmoid": "h_swish", "sigmoid": "silu"}.get(gate.operation)
            if fused and gate.inputs == [other] and gate.in_shape == gate.out_shape == node.out_shape:
                _become(node, fused, other)
                return
    product = node.inputs[0] if _divides_by_six(node) else None
    if product is not None and product.operation == "mul" and len(product.inputs) == 2:  # x · relu6(x + 3) / 6
        for gate, other in (product.inputs, product.inputs[::-1]):
            if _shifted_by_three(gate) is other:
                _become(node, "h_swish", other)
                return


def _spelled_h_sigmoid(node: Draft) -> Draft | None:
    """x where a node is relu6(x + 3) / 6."""
    return _shifted_by_three(node.inputs[0]) if _divides_by_six(node) else None


def _divides_by_six(node: Draft) -> bool:
    factors = {"div": 6.0, "mul": 1 / 6}
    wanted = factors.get(node.operation)
    return wanted is not None and node.scalar is not None and abs(node.scalar / wanted - 1) < 1e-5


def _shifted_by_three(node: Draft) -> Draft | None:
    """x where a node is relu6(x + 3)."""
    if node.operation != "relu6" or not node.inputs or node.inputs[0].operation != "add":
        return None
    return node.inputs[0].inputs[0] if node.inputs[0].scalar == 3 else None


def _become(node: Draft, operation: str, source: Draft) -> None:
    node.operation, node.inputs, node.attributes = operation, [source], {}
    node.in_shape = node.out_shape
    node.scalar = None


def _read(nodes: Sequence[Draft], outputs: Sequence[Draft]) -> list[Draft]:
    """The nodes that lead to an output, and all inputs."""
    wanted = set(outputs)
    for node in reversed(nodes):
        if node in wanted:
            wanted.update(node.inputs)
    return [node for node in nodes if node in wanted or node.operation == INPUT]
