"""ONNX files become the same graphs as torch modules."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autobuild_pipelines.graphs import OperatorGraph, OperatorGraphError, read_onnx
from operator_graphs import readings

onnx = pytest.importorskip("onnx")


def read(path: Path, nodes: Sequence[Any], shape: Sequence[int | str], **weights: Any) -> OperatorGraph:
    """The graph of a file of these nodes, from `x` to `y`."""
    tensors = [onnx.numpy_helper.from_array(np.asarray(w, dtype=np.float32), name) for name, w in weights.items()]
    kind = onnx.TensorProto.FLOAT
    inputs, outputs = [onnx.helper.make_tensor_value_info(n, kind, s) for n, s in (("x", shape), ("y", None))], []
    inputs, outputs = inputs[:1], inputs[1:]
    graph = onnx.helper.make_graph(list(nodes), "g", inputs, outputs, tensors)
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)]), str(path))
    return read_onnx(path)


def node(kind: str, inputs: str, output: str, **attributes: Any) -> Any:
    return onnx.helper.make_node(kind, inputs.split(), [output], name=f"/body/{output}/{kind}", **attributes)


def test_convolutions_have_their_attributes_and_batch_norms_are_folded(tmp_path: Path) -> None:
    nodes = [
        node("Conv", "x w", "a", strides=[2, 2], pads=[1, 1, 1, 1], group=2),
        node("BatchNormalization", "a s s s s", "b"),
        node("Relu", "b", "y"),
    ]
    weights = {"w": np.zeros((4, 2, 3, 3)), "s": np.ones(4)}
    graph = read(tmp_path / "n.onnx", nodes, ["batch", 4, 8, 8], **weights)
    assert (graph.operations, graph.names) == (("conv", "relu"), ("body.a", "body.y"))
    assert graph.attributes[0] == {"kernel": 3, "stride": 2, "padding": 1, "dilation": 1, "groups": 2, "bias": 1}
    assert graph.macs.tolist() == [16 * 4 * 2 * 9, 0]
    assert graph.out_shapes.tolist() == [[4, 4, 4], [4, 4, 4]]


def test_products_with_weights_are_linear_layers_with_the_bias_that_is_added(tmp_path: Path) -> None:
    nodes = [node("MatMul", "x w", "a"), node("Add", "a b", "c"), node("MatMul", "c x", "y")]
    graph = read(tmp_path / "n.onnx", nodes, [2, 3, 3], w=np.zeros((3, 3)), b=np.zeros(3))
    assert graph.operations == ("linear", "matmul")
    assert graph.attributes == ({"bias": 1}, {})
    assert graph.macs.tolist() == [27, 27], "of one of two items"


def test_spelled_out_activations_are_one_node(tmp_path: Path) -> None:
    nodes = [
        node("Add", "x three", "a"),
        node("Clip", "a zero six", "b"),
        node("Mul", "x b", "c"),
        node("Div", "c six", "d"),
        node("Clip", "d zero", "y"),
    ]
    graph = read(tmp_path / "n.onnx", nodes, [1, 4, 8, 8], three=3.0, zero=0.0, six=6.0)
    assert graph.operations == ("h_swish", "relu")


def test_arithmetic_on_shapes_and_what_only_rearranges_are_no_nodes(tmp_path: Path) -> None:
    nodes = [
        node("Shape", "x", "s"),
        node("Reshape", "x s", "a"),
        node("Transpose", "a", "b", perm=[0, 2, 3, 1]),
        node("Sigmoid", "b", "c"),
        node("Concat", "c b", "y", axis=1),
    ]
    graph = read(tmp_path / "n.onnx", nodes, [1, 4, 8, 8])
    assert graph.operations == ("sigmoid", "cat")
    assert readings(graph, "cat") == [["sigmoid"]]


def test_an_unknown_operator_keeps_its_name(tmp_path: Path) -> None:
    graph = read(tmp_path / "n.onnx", [node("HardSigmoid", "x", "a"), node("CumSum", "a k", "y")], [1, 4], k=1.0)
    assert graph.operations == ("hardsigmoid", "cumsum"), "ONNX's hard sigmoid has another slope by default"


def test_a_file_that_is_no_onnx_model_is_an_error_that_names_it(tmp_path: Path) -> None:
    path = tmp_path / "n.onnx"
    path.write_bytes(b"no protobuf")
    with pytest.raises(OperatorGraphError, match=r"n\.onnx: is not a readable ONNX model"):
        read_onnx(path)


def test_without_onnx_the_error_names_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    original = builtins.__import__

    def without(name: str, *rest: Any, **named: Any) -> Any:
        if name == "onnx":
            raise ImportError(name)
        return original(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(OperatorGraphError, match=r"pip install 'autobuild-pipelines\[onnx\]'"):
        read_onnx("network.onnx")
