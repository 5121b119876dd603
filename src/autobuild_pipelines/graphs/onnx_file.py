"""Operator graphs of ONNX files. `onnx` is an extra of this package, imported when a file is read and not before."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from autobuild_pipelines.graphs.onnx_operations import OnnxShape, onnx_operator_graph
from autobuild_pipelines.graphs.operator_draft import INPUT
from autobuild_pipelines.graphs.operator_graph import OperatorGraph, OperatorGraphError, Parts

if TYPE_CHECKING:
    import onnx

_NAMED_INPUTS = {"Clip": ("", "min", "max"), **dict.fromkeys(("ReduceMean", "ReduceSum", "ReduceMax"), ("", "axes"))}
"""Inputs that are attributes in older versions of ONNX, by their places."""
_SCOPES = "pkg.torch.onnx.name_scopes"
"""Where torch's exporter writes the path of the module that an operator belongs to."""


@dataclass(frozen=True, slots=True)
class FileOperation:
    """An operator of an ONNX file; see `OnnxOperation`."""

    op_type: str
    name: str = ""
    reads: tuple[int, ...] = ()
    in_shape: OnnxShape = ()
    out_shape: OnnxShape = ()
    attributes: Mapping[str, Any] = field(default_factory=dict)
    constants: tuple[OnnxShape, ...] = ()
    scalar: float | None = None


def read_onnx(path: str | Path, *, parts: Parts | None = None, fold: bool = True) -> OperatorGraph:
    """The operator graph of the network in an ONNX file.

    Names are the module paths that torch's exporters write, or the file's own names. Weights kept in other files are
    not needed. Sizes that a file leaves open (a free batch) count as 1.

    Args:
        path: The file.
        parts: The part of the network that a name belongs to; its top module by default.
        fold: Whether batch norms are folded into the convolutions before them.

    Raises:
        OperatorGraphError: `onnx` is not installed, or the file is no readable ONNX model.
    """
    try:
        import onnx
    except ImportError as error:
        raise OperatorGraphError(
            f"{path}: reading ONNX files needs the package onnx: pip install 'autobuild-pipelines[onnx]'"
        ) from error
    try:
        model = onnx.load(str(path), load_external_data=False)
        model = onnx.shape_inference.infer_shapes(model, data_prop=True)
    except Exception as error:  # onnx and protobuf raise their own kinds, without a common base
        reason = " ".join(str(error).split())[:300]
        raise OperatorGraphError(f"{path}: is not a readable ONNX model: {reason}") from None
    return onnx_operator_graph(_Reading(model.graph).operations, parts=parts, fold=fold)


class _Reading:
    """The operators of an ONNX graph with what they read: constants by value or shape, others by place."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self.operations: list[FileOperation] = []
        self.tensors = {tensor.name: tensor for tensor in graph.initializer}
        values = (*graph.input, *graph.value_info, *graph.output)
        self.shapes = {value.name: _shape(value) for value in values}
        self.producers: dict[str, int] = {}
        for value in graph.input:
            if value.name not in self.tensors:
                self.add(FileOperation(INPUT, out_shape=self.shapes[value.name]), [value.name])
        self.constants = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
        for node in graph.node:
            if any(name in self.producers for name in node.input):
                self.add(self.operation(node), node.output)
            else:
                self.add_constants(node)

    def add_constants(self, node: onnx.NodeProto) -> None:
        """Remember what an operator gives that depends on no input of the network."""
        self.constants |= {name: self.shapes.get(name, ()) for name in node.output}
        if node.op_type == "Constant":
            for attribute in node.attribute:
                if attribute.name == "value":
                    self.tensors[node.output[0]] = attribute.t
        elif node.op_type == "Identity" and node.input[0] in self.tensors:
            self.tensors[node.output[0]] = self.tensors[node.input[0]]
        self.constants |= {name: tuple(self.tensors[name].dims) for name in node.output if name in self.tensors}

    def add(self, operation: FileOperation, outputs: Any) -> None:
        """Append an operation that makes these values."""
        self.producers |= dict.fromkeys(outputs, len(self.operations))
        self.operations.append(operation)

    def operation(self, node: onnx.NodeProto) -> FileOperation:
        import onnx

        reads = [name for name in node.input if name in self.producers]
        constants = [name for name in node.input if name in self.constants]
        attributes = {a.name: _plain(onnx.helper.get_attribute_value(a)) for a in node.attribute}
        for name, key in zip(node.input, _NAMED_INPUTS.get(node.op_type, ()), strict=False):
            if key and name in self.constants:
                attributes[key] = self.value(name)
        single = self.value(constants[0]) if len(constants) == 1 else None
        return FileOperation(
            op_type=node.op_type,
            name=_path(node),
            reads=tuple(self.producers[name] for name in reads),
            in_shape=self.shapes.get(reads[0], ()) if reads else (),
            out_shape=self.shapes.get(node.output[0], ()),
            attributes=attributes,
            constants=tuple(self.constants[name] for name in constants),
            scalar=float(single) if isinstance(single, int | float) else None,
        )

    def value(self, name: str) -> Any:
        """A small constant: a number, or a tuple of numbers; None for others."""
        import onnx

        tensor = self.tensors.get(name)
        if tensor is None or np.prod(tensor.dims) > 8 or tensor.data_location == onnx.TensorProto.EXTERNAL:
            return None
        values = onnx.numpy_helper.to_array(tensor)
        return values.item() if values.size == 1 and not len(tensor.dims) else tuple(values.ravel().tolist())


def _shape(value: onnx.ValueInfoProto) -> OnnxShape:
    return tuple(dim.dim_value or 1 for dim in value.type.tensor_type.shape.dim)


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return tuple(value) if isinstance(value, list) else value


def _path(node: onnx.NodeProto) -> str:
    """The path of an operator's module."""
    scopes = next((prop.value for prop in node.metadata_props if prop.key == _SCOPES), "")
    if scopes:
        return str(ast.literal_eval(scopes)[-2])
    return ".".join(node.name.strip("/").split("/")[:-1]) if node.name.startswith("/") else node.name
