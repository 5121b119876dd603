"""What ONNX's operators are in the vocabulary of operator graphs.

The same rules hold as for torch modules (`operations.py`). Where ONNX has no operator for something, its spelled-out
form is what stands in a graph: group norm and attention of many files are reshapes, norms and products. MACs are those
of `Conv`, `ConvTranspose`, `Gemm` and `MatMul`; recurrent operators and `Einsum` are not counted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any, Protocol

from autobuild_pipelines.graphs.aten import clamp, sizes, triple
from autobuild_pipelines.graphs.operator_draft import INPUT, Draft, finished, tidied
from autobuild_pipelines.graphs.operator_graph import Attributes, OperatorGraph, Parts

OnnxShape = tuple[int, ...]


class OnnxOperation(Protocol):
    """An operator of an ONNX graph, whatever it was read from."""

    @property
    def op_type(self) -> str:
        """ONNX's name of it; `input` for an input of the network."""
        ...

    @property
    def name(self) -> str:
        """The path of the module that it belongs to, as far as known."""
        ...

    @property
    def reads(self) -> Sequence[int]:
        """Which operations' outputs it reads, by their places in the graph; all are before it."""
        ...

    @property
    def in_shape(self) -> OnnxShape:
        """Shape of the first input that is no constant; () if unknown."""
        ...

    @property
    def out_shape(self) -> OnnxShape:
        """Shape of the first output; () if unknown."""
        ...

    @property
    def attributes(self) -> Mapping[str, Any]:
        """ONNX's attributes, numbers, texts and tuples of numbers; those that are constant inputs (`axes`) too."""
        ...

    @property
    def constants(self) -> Sequence[OnnxShape]:
        """Shapes of its constant inputs: weights and biases."""
        ...

    @property
    def scalar(self) -> float | None:
        """The value of its only constant input where that is one number."""
        ...


REARRANGEMENTS = frozenset(
    (
        *("Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Expand", "Identity", "Dropout", "Cast"),
        *("CastLike", "Slice", "Split", "SplitToSequence", "SequenceAt", "Tile"),
    )
)
"""Operators that are no nodes."""
SHAPES = frozenset(("Shape", "Size", "Constant", "ConstantOfShape", "Range"))
"""Operators whose outputs depend on no values of the network's inputs."""
_OPERATIONS = {
    **{"Conv": "conv", "ConvTranspose": "conv_transpose", "Gemm": "linear", "MatMul": "matmul"},
    **{"Attention": "attention", "BatchNormalization": "batch_norm", "LayerNormalization": "layer_norm"},
    **{"GroupNormalization": "group_norm", "InstanceNormalization": "instance_norm"},
    **{"RMSNormalization": "rms_norm", "HardSwish": "h_swish", "HardSigmoid": "h_sigmoid", "Swish": "silu"},
    **{"LeakyRelu": "leaky_relu", "PRelu": "prelu", "LogSoftmax": "log_softmax", "Clip": "clamp", "Sum": "add"},
    **{"ReduceMean": "mean", "ReduceSum": "sum", "ReduceMax": "max", "ReduceMin": "min", "Concat": "cat"},
    **{"GlobalAveragePool": "global_pool", "GlobalMaxPool": "global_max_pool", "AveragePool": "avg_pool"},
    **{"MaxPool": "max_pool", "Resize": "upsample", "Upsample": "upsample", "LSTM": "lstm", "GRU": "gru"},
}
"""Beside operators whose names in small letters are the vocabulary's: `Relu`, `Add`, `Sigmoid`, …"""
_NEUTRAL = {"Div": 1.0, "Mul": 1.0, "Add": 0.0, "Sub": 0.0}


def onnx_operator_graph(
    operations: Sequence[OnnxOperation], *, parts: Parts | None = None, fold: bool = True
) -> OperatorGraph:
    """The operator graph of the operators of an ONNX graph, in topological order.

    Args:
        operations: The operators, and one of type `input` for every input.
        parts: The part of the network that a name belongs to; its top module by default.
        fold: Whether batch norms are folded into the convolutions before them.
    """
    values: list[Draft | None] = []
    nodes: list[Draft] = []
    batch = next((o.out_shape[0] for o in operations if o.op_type == INPUT and o.out_shape), 1)
    for operation in operations:
        reads = [value for read in operation.reads if (value := values[read]) is not None]
        if operation.op_type == INPUT:
            values.append(Draft(INPUT))
        elif not reads or operation.op_type in SHAPES:
            values.append(None)
            continue
        elif _is_rearrangement(operation):
            values.append(reads[0])
            continue
        else:
            values.append(_draft(operation, reads, max(batch, 1)))
        nodes.append(values[-1])  # type: ignore[arg-type]
    read = {place for operation in operations for place in operation.reads}
    ends = [value for place, value in enumerate(values) if value is not None and place not in read]
    inputs = [node for node in nodes if node.operation == INPUT]
    nodes, outputs = tidied(nodes, ends, fold=fold)
    return finished(nodes, inputs, outputs, parts).graph


def _is_rearrangement(operation: OnnxOperation) -> bool:
    if operation.op_type == "Gather":
        return not _reads_table(operation)
    neutral = _NEUTRAL.get(operation.op_type)
    return operation.op_type in REARRANGEMENTS or (neutral is not None and operation.scalar == neutral)


def _reads_table(operation: OnnxOperation) -> bool:
    """Whether a `Gather` looks rows up in a constant table."""
    return any(len(shape) == 2 for shape in operation.constants)


def _draft(operation: OnnxOperation, reads: list[Draft], batch: int) -> Draft:
    kind = _operation(operation)
    return Draft(
        kind,
        inputs=reads,
        in_shape=triple(kind, operation.in_shape),
        out_shape=triple(kind, operation.out_shape),
        attributes=_ATTRIBUTES[kind](operation) if kind in _ATTRIBUTES else {},
        macs=_macs(kind, operation) // batch,
        name=operation.name,
        scalar=operation.scalar if kind in ("add", "sub", "mul", "div") and len(reads) == 1 else None,
        constant=prod(operation.constants[0]) if kind == "add" and len(operation.constants) == 1 else 0,
    )


def _operation(operation: OnnxOperation) -> str:
    kind, attributes = _OPERATIONS.get(operation.op_type, operation.op_type.lower()), operation.attributes
    if kind == "clamp":
        return clamp(attributes.get("min"), attributes.get("max"))
    if kind == "h_sigmoid":  # ONNX's own default is another slope than 1/6
        return kind if abs(attributes.get("alpha", 0.2) - 1 / 6) < 1e-4 else "hardsigmoid"
    if kind in ("mean", "max") and operation.op_type.startswith("Reduce"):
        rank = len(operation.in_shape)
        if rank == 4 and sorted(int(axis) % rank for axis in attributes.get("axes", ())) == [2, 3]:
            return "global_pool" if kind == "mean" else "global_max_pool"
    if kind == "matmul" and operation.constants:
        return "linear"
    return "embedding" if operation.op_type == "Gather" else kind


def _macs(kind: str, operation: OnnxOperation) -> int:
    """Multiply-accumulates of the whole batch; 0 where a shape is unknown."""
    if not operation.in_shape or not operation.out_shape:
        return 0
    if kind in ("conv", "conv_transpose"):
        places = operation.in_shape if kind == "conv_transpose" else operation.out_shape
        return prod(places) * prod(_weight(operation)[1:])
    return prod(operation.out_shape) * operation.in_shape[-1] if kind in ("linear", "matmul") else 0


def _weight(operation: OnnxOperation) -> OnnxShape:
    """Shape of a convolution's weight; from its attributes where it is not known."""
    if operation.constants and len(operation.constants[0]) > 2:
        return operation.constants[0]
    groups, kernel = int(operation.attributes.get("group", 1)), operation.attributes.get("kernel_shape", (1, 1))
    first, second = operation.out_shape[1], operation.in_shape[1]
    if operation.op_type == "ConvTranspose":
        first, second = second, first
    return (first, second // groups, *map(int, kernel))


def _convolution(operation: OnnxOperation) -> Attributes:
    attributes, kernel = operation.attributes, _weight(operation)[2:]
    ones = (1,) * len(kernel)
    return {
        **sizes("kernel", kernel),
        **sizes("stride", attributes.get("strides", ones)),
        **sizes("padding", _padding(operation, kernel)),
        **sizes("dilation", attributes.get("dilations", ones)),
        "groups": int(attributes.get("group", 1)),
        "bias": int(len(operation.constants) > 1),
    }


def _padding(operation: OnnxOperation, kernel: OnnxShape) -> Sequence[int]:
    """Padding in front, along every axis."""
    attributes = operation.attributes
    if str(attributes.get("auto_pad", "NOTSET")).startswith("SAME"):
        dilation = attributes.get("dilations", (1,) * len(kernel))
        return [(k - 1) * int(d) // 2 for k, d in zip(kernel, dilation, strict=True)]
    return [int(v) for v in attributes.get("pads", (0,) * len(kernel))][: len(kernel)]


def _pool(operation: OnnxOperation) -> Attributes:
    kernel = tuple(map(int, operation.attributes.get("kernel_shape", ())))
    return {**sizes("kernel", kernel), **sizes("stride", operation.attributes.get("strides", (1,) * len(kernel)))}


_ATTRIBUTES: dict[str, Callable[[OnnxOperation], Attributes]] = {
    "conv": _convolution,
    "conv_transpose": _convolution,
    "avg_pool": _pool,
    "max_pool": _pool,
    "linear": lambda operation: {"bias": int(len(operation.constants) > 1)},
    "group_norm": lambda operation: {"groups": int(operation.attributes.get("num_groups", 1))},
}
