"""Files as the authors' cache of operator graphs is: classes that exist under their names while a file is written."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any

NAMES = {"onnx_ir": (), "onnx_ir.node": ("Node", "Other"), "onnx_ir.graph": ("Graph",)}


@contextmanager
def classes() -> Iterator[dict[str, ModuleType]]:
    """The modules of the authors' graphs, importable inside of the context only."""
    made = {}
    for module, names in NAMES.items():
        made[module] = ModuleType(module)
        for name in names:
            setattr(made[module], name, type(name, (), {"__module__": module}))
    before = {name: sys.modules.get(name) for name in made}
    sys.modules.update(made)
    try:
        yield made
    finally:
        for name, module in before.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module


def value(name: str, shape: Sequence[int]) -> dict[str, Any]:
    """A value info as protobuf's JSON has it: whole numbers of 64 bits are texts."""
    dims = [{"dimValue": str(size)} for size in shape]
    return {"name": name, "type": {"tensorType": {"elemType": 1, "shape": {"dim": dims}}}}


def node(modules: Mapping[str, ModuleType], identity: str, kind: str, **more: Any) -> Any:
    """A node with the attributes that theirs have."""
    made = modules["onnx_ir.node"].Node()
    plain = {"str_id": identity, "name": f"/{identity}/{kind}", "op_type": kind, "inputs": [], "outputs": []}
    made.__dict__.update({**plain, "attribute": None, "initializer": None, **more})
    return made


def graph(modules: Mapping[str, ModuleType], nodes: Sequence[Any], edges: Mapping[str, Any]) -> Any:
    """A graph with the attributes that theirs have."""
    made = modules["onnx_ir.graph"].Graph()
    made.__dict__.update(
        onnx_meta_info={"irVersion": "7", "opsetImport": [{"version": "12"}]},
        metadata={"onnx_graph_name": "torch-jit-export"},
        nodes=list(nodes),
        src2dst=dict(edges),
        input_nodes=[n for n in nodes if n.op_type == "input_dummy"],
        output_nodes=[n for n in nodes if n.op_type == "output_dummy"],
    )
    return made


def block(modules: Mapping[str, ModuleType]) -> Any:
    """A depthwise convolution with a residual and its h-swish spelled out; nodes are not in topological order."""
    x, y = value("x", (1, 8, 6, 6)), value("y", (1, 8, 6, 6))
    attributes = [
        {"name": "kernel_shape", "ints": ["3", "3"], "type": "INTS"},
        {"name": "pads", "ints": ["1", "1", "1", "1"], "type": "INTS"},
        {"name": "strides", "ints": ["1", "1"], "type": "INTS"},
        {"name": "group", "i": "8", "type": "INT"},
    ]
    weights = {"w": {"dims": ["8", "1", "3", "3"], "dataType": 1}, "b": {"dims": ["8"], "dataType": 1}}
    clip = [{"name": "max", "f": 6.0}, {"name": "min", "f": 0.0}]
    flow = {"inputs": [y], "outputs": [y]}
    nodes = [
        node(modules, "out", "output_dummy", inputs=[y]),
        node(modules, "in", "input_dummy", outputs=[x]),
        node(modules, "sum", "Add", **flow),
        node(modules, "gate", "Mul", **flow),
        node(modules, "sixth", "Div", **flow),
        node(modules, "clip", "Clip", attribute=clip, **flow),
        node(modules, "shift", "Add", **flow),
        node(
            modules,
            "conv",
            "Conv",
            attribute=attributes,
            initializer=weights,
            inputs=[x, value("w", (8, 1, 3, 3)), value("b", (8,))],
            outputs=[y],
        ),
    ]
    edges = {
        "in": ["conv", "sum"],
        "conv": ["shift", "gate"],
        "shift": ["clip"],
        "clip": ["sixth"],
        "sixth": ["gate"],
        "gate": ["sum"],
        "sum": {"out"},
    }
    return graph(modules, nodes, edges)


def cache(count: int = 1, protocol: int = 4, **labels: Any) -> bytes:
    """A cache of equal networks."""
    with classes() as modules:
        records = [{"graph": block(modules), "acc": 0.76, "original config": [192, [["a"]]], **labels}]
        return pickle.dumps([dict(records[0], graph=block(modules)) for _ in range(count)], protocol)
