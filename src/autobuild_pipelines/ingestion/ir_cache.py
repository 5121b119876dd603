"""The authors' operator graphs: `ofa_mbv3_pn_onnx_ir_cache.pkl`, 6,000 OFA-MBv3 and OFA-PN networks with labels.

The file is a pickled list of dicts, each with labels and a `graph`. Its classes are those of the authors' public code
(onnx_ir/graph.py and onnx_ir/node.py of commit c278de6); nothing of that code is imported or run. What it says of them:

- `onnx_ir.graph.Graph`: `nodes`, a list; `src2dst`, the nodes' `str_id`s by that of the node that they read; and
  `onnx_meta_info`, `metadata`, `input_nodes`, `output_nodes`, which are not needed. Nodes of type `input_dummy` and
  `output_dummy` stand for inputs and outputs.
- `onnx_ir.node.Node`: `str_id`, `name` and `op_type` (ONNX's); `inputs` and `outputs`, lists of ONNX's value infos as
  protobuf's JSON has them (`{"name": …, "type": {"tensorType": {"shape": {"dim": [{"dimValue": "3"}, …]}}}}`);
  `attribute`, ONNX's attributes in the same form (`{"name": "kernel_shape", "ints": ["3", "3"]}`), a list or a single
  one; `initializer`, constant tensors by name (`{"dims": ["16", "3", "3", "3"], …}`), or None: then the inputs behind
  the first of a `Conv`, `MatMul` or `Gemm` are its weights.

**Not checked, for the file was not at hand**: which labels its records have beside `acc` and latencies; what
`onnx_meta_info` is (anything but plain values would be refused, by name); whether constants stand in it as nodes, and
how activations are written (h-swish that is spelled out stays so, `add` → `relu6` → `div` → `mul`, for the values of
constants are not read; the paper's Fig. 8 has such a `Div`); whether graphs share parts with each other (would be
refused); its size, and how long it takes to read.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar

from autobuild_pipelines.ingestion.errors import IngestError
from autobuild_pipelines.ingestion.restricted_pickle import Readers, load_plain_pickle

Graph = TypeVar("Graph")
Shape = tuple[int, ...]
SIZE_LIMIT = 8 * 2**30
"""Most bytes of a cache of operator graphs."""
INPUT_DUMMY, OUTPUT_DUMMY = "input_dummy", "output_dummy"
_LARGEST = 2**31
_WEIGHTED = ("conv", "matmul", "gemm")


@dataclass(frozen=True, slots=True)
class CachedOperation:
    """An operator of a cached graph; what `graphs.onnx_operations.OnnxOperation` asks for.

    Attributes:
        op_type: ONNX's name of it; `input` for an input of the network.
        name: Its name in the cache.
        reads: The places of the operators whose outputs it reads.
        in_shape: Shape of its first input; () if unknown.
        out_shape: Shape of its first output; () if unknown.
        attributes: ONNX's attributes.
        constants: Shapes of its constant inputs.
        scalar: Always None: the values of constants are not read.
    """

    op_type: str
    name: str
    reads: tuple[int, ...] = ()
    in_shape: Shape = ()
    out_shape: Shape = ()
    attributes: Mapping[str, Any] = field(default_factory=dict)
    constants: tuple[Shape, ...] = ()
    scalar: float | None = None


@dataclass(frozen=True, slots=True)
class CachedNetwork(Generic[Graph]):
    """A record of the cache.

    Attributes:
        graph: What was made of its operators.
        labels: Its numbers by name.
        config: Its architecture, `(resolution, units)` as in the other caches, where it is there.
    """

    graph: Graph
    labels: dict[str, float]
    config: Any = None


def read_ir_cache(
    path: str | Path,
    make: Callable[[tuple[CachedOperation, ...]], Graph],
    *,
    size_limit: int = SIZE_LIMIT,
) -> list[CachedNetwork[Graph]]:
    """Read a cache of operator graphs without running it.

    Args:
        path: The pickle.
        make: Makes a graph of its operators, in topological order, e.g. `graphs.onnx_operations.onnx_operator_graph`.
            It is called as the file is read, so that the operators of one graph at a time are in memory.
        size_limit: Most bytes of the file.

    Raises:
        IngestError: The file is no such cache, or refers to anything but plain values and the two classes; names it.
    """
    readers: Readers = {("onnx_ir.node", "Node"): _node, ("onnx_ir.graph", "Graph"): partial(_graph, make=make)}
    records = load_plain_pickle(path, size_limit=size_limit, read=readers)
    if not isinstance(records, list):
        raise IngestError(f"{path}: holds a {type(records).__name__}, expected a list of dicts")
    return [_network(record, f"{path} row {row}") for row, record in enumerate(records, start=1)]


@dataclass(frozen=True, slots=True)
class _Graph(Generic[Graph]):
    """What stands for a graph while the file is read: plain values cannot be mistaken for it."""

    made: Graph


@dataclass(frozen=True, slots=True)
class _Node:
    """What stands for a node while the file is read."""

    identity: str
    operation: CachedOperation


def _network(record: Any, where: str) -> CachedNetwork[Any]:
    graph = record.get("graph") if isinstance(record, dict) else None
    if not isinstance(graph, _Graph):
        raise IngestError(f"{where}: has no 'graph' of class onnx_ir.graph.Graph")
    labels = {
        key: float(value)
        for key, value in record.items()
        if isinstance(key, str) and isinstance(value, int | float) and not isinstance(value, bool)
    }
    return CachedNetwork(graph.made, labels, record.get("original config", record.get("net")))


def _graph(attributes: dict[str, Any], make: Callable[[tuple[CachedOperation, ...]], Any]) -> _Graph[Any]:
    nodes, following = attributes.get("nodes"), attributes.get("src2dst")
    if not isinstance(nodes, list) or not all(isinstance(node, _Node) for node in nodes):
        raise IngestError("onnx_ir.graph.Graph: 'nodes' is no list of onnx_ir.node.Node")
    if not isinstance(following, dict):
        raise IngestError(f"onnx_ir.graph.Graph: 'src2dst' is a {type(following).__name__}, expected a dict")
    place = {node.identity: index for index, node in enumerate(nodes)}
    if len(place) != len(nodes):
        raise IngestError("onnx_ir.graph.Graph: two nodes have the same 'str_id'")
    reads: list[list[int]] = [[] for _ in nodes]
    for source, targets in following.items():
        for target in targets if isinstance(targets, list | tuple | set) else (targets,):
            if not isinstance(target, str) or source not in place or target not in place:
                edge = f"{source!r:.40} → {target!r:.40}"
                raise IngestError(f"onnx_ir.graph.Graph: 'src2dst' has the edge {edge}, of which one end is no node")
            reads[place[target]].append(place[source])
    operations = [node.operation for node in nodes]
    return _Graph(make(tuple(_ordered(operations, reads))))


def _ordered(operations: Sequence[CachedOperation], reads: Sequence[Sequence[int]]) -> list[CachedOperation]:
    """The operations in topological order, otherwise as they stand, without dummies of outputs."""
    readers: list[list[int]] = [[] for _ in operations]
    waiting = [len(sources) for sources in reads]
    for target, sources in enumerate(reads):
        for source in sources:
            readers[source].append(target)
    ready = [place for place, count in enumerate(waiting) if not count]
    new: dict[int, int] = {}
    ordered: list[CachedOperation] = []
    while ready:
        place = heapq.heappop(ready)
        operation = operations[place]
        if operation.op_type != OUTPUT_DUMMY:
            new[place] = len(ordered)
            ordered.append(_reading(operation, tuple(new[source] for source in reads[place])))
        for target in readers[place]:
            waiting[target] -= 1
            if not waiting[target]:
                heapq.heappush(ready, target)
    if any(waiting):
        raise IngestError("onnx_ir.graph.Graph: 'src2dst' has a cycle")
    return ordered


def _reading(operation: CachedOperation, reads: tuple[int, ...]) -> CachedOperation:
    kind = "input" if operation.op_type == INPUT_DUMMY else operation.op_type
    shapes, constants = (operation.in_shape, operation.out_shape), operation.constants
    return CachedOperation(kind, operation.name, reads, *shapes, operation.attributes, constants)


def _node(attributes: dict[str, Any]) -> _Node:
    identity, kind = attributes.get("str_id"), attributes.get("op_type")
    if not isinstance(identity, str) or not isinstance(kind, str):
        raise IngestError("onnx_ir.node.Node: 'str_id' and 'op_type' are no texts")
    weights = attributes.get("initializer")
    inputs = _dicts(attributes.get("inputs"))
    if isinstance(weights, dict):
        constants = [_numbers(tensor.get("dims")) for tensor in _dicts(list(weights.values()))]
        inputs = [value for value in inputs if value.get("name") not in weights]
    else:
        constants = [_shape(value) for value in inputs[1:]] if kind.casefold() in _WEIGHTED else []
    name = attributes.get("name")
    operation = CachedOperation(
        kind,
        name if isinstance(name, str) else identity,
        in_shape=next(map(_shape, inputs), ()),
        out_shape=next(map(_shape, _dicts(attributes.get("outputs"))), ()),
        attributes=dict(_attribute(each) for each in _dicts(attributes.get("attribute"))),
        constants=tuple(sorted(constants, key=len, reverse=True)),
    )
    return _Node(identity, operation)


def _dicts(value: Any) -> list[dict[str, Any]]:
    values = value if isinstance(value, list | tuple) else [value]
    return [part for part in values if isinstance(part, dict)]


def _shape(value: Mapping[str, Any]) -> Shape:
    """The shape of a value info; () if it is unknown or no tensor's, 1 for sizes that are left open."""
    for key in ("type", "tensorType", "shape"):
        value = value.get(key, {}) if isinstance(value, dict) else {}
    dims = value.get("dim") if isinstance(value, dict) else None
    return tuple(_numbers([dim.get("dimValue", 1)])[0] for dim in _dicts(dims))


def _attribute(value: Mapping[str, Any]) -> tuple[str, Any]:
    """Name and value of an attribute; None for tensors and graphs."""
    name = str(value.get("name"))
    if "ints" in value:
        return name, _numbers(value["ints"])
    if "i" in value:
        return name, _numbers([value["i"]])[0]
    found = value.get("f", value.get("s"))
    return name, found if isinstance(found, int | float | str) else None


def _numbers(values: Any) -> Shape:
    """Whole numbers, which protobuf's JSON writes as texts."""
    try:
        numbers = tuple(int(value) for value in values)
    except (TypeError, ValueError):
        numbers = (_LARGEST,)
    if any(abs(number) >= _LARGEST for number in numbers):
        raise IngestError(f"onnx_ir.node.Node: {values!r:.60} are no whole numbers below 2^31")
    return numbers
