"""The authors' operator graphs, as far as their public code says what is in them, are read without their classes."""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from ir_files import block, cache, classes, graph, node, value

from autobuild_pipelines.graphs import OperatorGraph, onnx_operator_graph
from autobuild_pipelines.ingestion import IngestError
from autobuild_pipelines.ingestion.ir_cache import CachedNetwork, read_ir_cache

Modules = Mapping[str, ModuleType]


def write(folder: Path, content: bytes) -> Path:
    path = folder / "ofa_mbv3_pn_onnx_ir_cache.pkl"
    path.write_bytes(content)
    return path


def read(folder: Path, content: bytes) -> list[CachedNetwork[OperatorGraph]]:
    return read_ir_cache(write(folder, content), onnx_operator_graph)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_a_cache_gives_operator_graphs_with_their_labels(tmp_path: Path, protocol: int) -> None:
    first, second = read(tmp_path, cache(2, protocol, latency_gpu=np.float64(5.5)))
    assert first.labels == {"acc": 0.76, "latency_gpu": 5.5}
    assert first.config == [192, [["a"]]]
    assert first.graph == second.graph
    found = first.graph
    assert found.operations == ("conv", "add", "relu6", "div", "mul", "add")
    assert found.attributes[0] == {"kernel": 3, "stride": 1, "padding": 1, "dilation": 1, "groups": 8, "bias": 1}
    assert found.edges.T.tolist() == [[0, 1], [1, 2], [2, 3], [0, 4], [3, 4], [4, 5]]
    assert found.out_shapes.tolist() == [[8, 6, 6]] * 6
    assert found.macs.tolist() == [36 * 8 * 9, 0, 0, 0, 0, 0]
    assert not [
        name for name in sys.modules if name.startswith("onnx_ir.") and not hasattr(sys.modules[name], "__file__")
    ]


def test_weights_that_are_inputs_and_sizes_that_are_open_are_understood(tmp_path: Path) -> None:
    def build(modules: Modules) -> Any:
        x, y = value("x", (1, 4)), value("y", (1, 5))
        x["type"]["tensorType"]["shape"]["dim"][0] = {"dimParam": "batch"}
        inputs = [x, value("w", (4, 5)), value("b", (5,))]
        nodes = [node(modules, "in", "input_dummy"), node(modules, "fc", "Gemm", inputs=inputs, outputs=[y])]
        return [{"graph": graph(modules, nodes, {"in": ["fc"]})}]

    with classes() as modules:
        content = pickle.dumps(build(modules))
    (found,) = read(tmp_path, content)
    assert (found.graph.operations, found.graph.attributes) == (("linear",), ({"bias": 1},))
    assert found.graph.macs.tolist() == [20]


@pytest.mark.filterwarnings("ignore:.*LeafSpec")
def test_a_network_exported_to_onnx_has_the_same_graph_from_a_cache_as_from_its_file(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxscript")
    import torch
    from google.protobuf.json_format import MessageToDict
    from torch import nn

    from autobuild_pipelines.graphs import read_onnx

    network = nn.Sequential(nn.Conv2d(3, 4, 3, 2, 1), nn.ReLU(), nn.Conv2d(4, 6, 1), nn.Sigmoid()).eval()
    torch.onnx.export(network, (torch.zeros(1, 3, 8, 8),), str(tmp_path / "n.onnx"), dynamo=True, verbose=False)
    model = onnx.load(str(tmp_path / "n.onnx"))
    values = {v.name: MessageToDict(v) for v in (*model.graph.input, *model.graph.value_info, *model.graph.output)}
    tensors = {t.name: {"name": t.name, "dims": [str(d) for d in t.dims]} for t in model.graph.initializer}
    with classes() as modules:
        nodes = [node(modules, "in", "input_dummy", outputs=[values[model.graph.input[0].name]])]
        producers, edges = {model.graph.input[0].name: "in"}, {}
        for place, made in enumerate(model.graph.node):
            weights = {name: tensors[name] for name in made.input if name in tensors}
            both = {"inputs": [values.get(n, {"name": n}) for n in made.input], "outputs": [values[made.output[0]]]}
            plain = MessageToDict(made).get("attribute")
            nodes.append(node(modules, str(place), made.op_type, attribute=plain, initializer=weights, **both))
            edges.update({producers[name]: [str(place)] for name in made.input if name in producers})
            producers[made.output[0]] = str(place)
        content = pickle.dumps([{"graph": graph(modules, nodes, edges)}])
    (found,) = read(tmp_path, content)
    wanted = read_onnx(tmp_path / "n.onnx")
    assert (found.graph.operations, found.graph.attributes) == (wanted.operations, wanted.attributes)
    for name in ("edges", "in_shapes", "out_shapes", "macs"):
        assert getattr(found.graph, name).tolist() == getattr(wanted, name).tolist(), name


class _Calls:
    """Pickles as a call."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.reduced = (function, arguments)

    def __reduce__(self) -> tuple[Any, ...]:
        return self.reduced


def changed(modules: Modules, **attributes: Any) -> bytes:
    """A cache whose graph has other attributes."""
    made = block(modules)
    made.__dict__.update(attributes)
    return pickle.dumps([{"graph": made}], 4)


def shared(modules: Modules) -> bytes:
    """Two graphs that share a list."""
    one, other = block(modules), block(modules)
    other.__dict__["nodes"] = one.nodes
    return pickle.dumps([{"graph": one}, {"graph": other}], 4)


def itself(modules: Modules) -> bytes:
    made = block(modules)
    return changed(modules, metadata={"graph": made.__dict__.update(metadata=made) or made})


def repeated(modules: Modules) -> bytes:
    """Many small nodes that are each described by the same large part."""
    large = [["text"] * 300] * 300
    nodes = [node(modules, str(place), "Relu", inputs=large) for place in range(300)]
    return pickle.dumps([{"graph": graph(modules, nodes, {})}], 4)


NODE, GRAPH = b"connx_ir.node\nNode\n", b"connx_ir.graph\nGraph\n"
HOSTILE: dict[str, tuple[Callable[[Modules, str], bytes], str]] = {
    "a class beside the two": (lambda m, c: pickle.dumps([m["onnx_ir.node"].Other()]), r"onnx_ir\.node\.Other"),
    "a call inside a graph": (lambda m, c: changed(m, metadata=_Calls(os.system, c)), r"(posix|nt)\.system"),
    "a call as a graph": (lambda m, c: pickle.dumps([{"graph": _Calls(os.system, c)}]), r"(posix|nt)\.system"),
    "a call of their class": (lambda m, c: b"\x80\x02" + GRAPH + b")R.", "a call of onnx_ir"),
    "their class as a value": (lambda m, c: b"\x80\x02" + GRAPH + b".", r"onnx_ir\.graph\.Graph as a value"),
    "their class made of arguments": (lambda m, c: b"\x80\x02" + NODE + b"K\x01\x85\x81.", "made of arguments"),
    "a node without a description": (lambda m, c: b"\x80\x02]" + NODE + b")\x81a.", "without a description"),
    "a description that is no dict": (lambda m, c: b"\x80\x02" + NODE + b")\x81K\x01b.", "else than named attributes"),
    "a second description": (
        lambda m, c: pickle.dumps([node(m, "a", "Relu")], 2)[:-2] + b"}ba.",
        "a second description of onnx_ir",
    ),
    "a graph that holds itself": (lambda m, c: itself(m), "holds itself"),
    "a part of a graph outside of it": (lambda m, c: shared(m), "a part of an object outside of it"),
    "one part over and over": (lambda m, c: repeated(m), "the same part over and over"),
    "an object array inside": (lambda m, c: changed(m, metadata=np.array([{}], dtype=object)), "object array"),
    "nodes that are none": (lambda m, c: changed(m, nodes=["a"]), "'nodes' is no list of onnx_ir"),
    "no edges": (lambda m, c: changed(m, src2dst=None), "'src2dst' is a NoneType, expected a dict"),
    "an edge to nowhere": (lambda m, c: changed(m, src2dst={"in": ["?"]}), "has the edge 'in' → '\\?'"),
    "a cycle": (lambda m, c: changed(m, src2dst={"in": ["sum"], "sum": ["in"]}), "'src2dst' has a cycle"),
    "a node twice": (lambda m, c: changed(m, nodes=[node(m, "a", "Relu")] * 2), "have the same 'str_id'"),
    "a node without a type": (lambda m, c: changed(m, nodes=[node(m, "a", None)]), "'op_type' are no texts"),  # type: ignore[arg-type]
    "a size without end": (
        lambda m, c: changed(m, nodes=[node(m, "a", "Relu", inputs=[value("x", (10**30,))])]),
        "no whole numbers below",
    ),
    "a size that is text": (
        lambda m, c: changed(m, nodes=[node(m, "a", "Conv", attribute={"name": "group", "i": "many"})]),
        "'many'.* are no whole numbers",
    ),
    "a record without a graph": (lambda m, c: pickle.dumps([{"acc": 1.0}]), r"row 1: has no 'graph' of class"),
    "no list": (lambda m, c: pickle.dumps({"graph": block(m)}), "holds a dict, expected a list of dicts"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_or_broken_cache_is_refused_and_nothing_of_it_runs(case: str, tmp_path: Path) -> None:
    build, message = HOSTILE[case]
    with classes() as modules:
        content = build(modules, f"touch {tmp_path / 'canary'}")
    path = write(tmp_path, content)
    with pytest.raises(IngestError, match=message) as caught:
        read_ir_cache(path, onnx_operator_graph)
    assert str(caught.value).startswith(str(path))
    assert list(tmp_path.iterdir()) == [path]


def test_a_cache_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    with pytest.raises(IngestError, match="is not a complete pickle"):
        read(tmp_path, cache()[:-40])
