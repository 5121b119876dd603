"""What aten's operations are in the vocabulary of operator graphs: names, attributes and shapes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

from torch import fx

from autobuild_pipelines.graphs.aten_call import Call
from autobuild_pipelines.graphs.aten_macs import batch_macs
from autobuild_pipelines.graphs.operator_draft import Draft, Shape
from autobuild_pipelines.graphs.operator_graph import Attributes

REARRANGEMENTS = frozenset(
    (
        *("view", "_unsafe_view", "view_as", "reshape", "reshape_as", "flatten", "unflatten", "squeeze", "unsqueeze"),
        *("permute", "transpose", "t", "swapaxes", "swapdims", "movedim", "moveaxis", "mT", "numpy_T", "expand"),
        *("expand_as", "broadcast_to", "contiguous", "clone", "detach", "alias", "lift_fresh", "lift_fresh_copy"),
        *("to", "_to_copy", "type_as", "float", "copy", "dropout", "feature_dropout", "alpha_dropout", "identity"),
        *("slice", "select", "narrow", "split", "split_with_sizes", "chunk", "tensor_split", "unbind", "unsafe_split"),
        *("unsafe_chunk", "atleast_2d", "atleast_3d", "native_dropout", "requires_grad", "unfold_copy"),
    )
)
"""Operations that are no nodes; see `operations.py`."""
_SAME = {
    **{name: name for name in ("relu", "relu6", "leaky_relu", "prelu", "elu", "gelu", "silu", "mish", "softplus")},
    **{name: name for name in ("sigmoid", "tanh", "softmax", "log_softmax", "add", "sub", "mul", "div", "pow", "neg")},
    **{name: name for name in ("exp", "log", "sqrt", "rsqrt", "sin", "cos", "abs", "sum", "max", "min", "mean")},
    **{name: name for name in ("cat", "stack", "embedding", "lstm", "gru", "linear", "matmul", "layer_norm", "pad")},
    **{name: name for name in ("batch_norm", "group_norm", "instance_norm", "rms_norm")},
    **{"hardswish": "h_swish", "hardsigmoid": "h_sigmoid", "_softmax": "softmax", "_log_softmax": "log_softmax"},
    **{"mm": "matmul", "bmm": "matmul", "addmm": "linear", "baddbmm": "matmul", "rsub": "sub", "true_divide": "div"},
    **{"native_layer_norm": "layer_norm", "native_group_norm": "group_norm", "native_batch_norm": "batch_norm"},
    **{"_native_batch_norm_legit_no_training": "batch_norm", "multiply": "mul", "divide": "div", "subtract": "sub"},
    **{"scaled_dot_product_attention": "attention", "constant_pad_nd": "pad", "concat": "cat", "concatenate": "cat"},
    **{f"conv{axes}d": "conv" for axes in (1, 2, 3)},
    **{f"conv_transpose{axes}d": "conv_transpose" for axes in (1, 2, 3)},
    **{f"avg_pool{axes}d": "avg_pool" for axes in (1, 2, 3)},
    **{f"max_pool{axes}d": "max_pool" for axes in (1, 2, 3)},
    **{f"max_pool{axes}d_with_indices": "max_pool" for axes in (2, 3)},
    **{f"adaptive_avg_pool{axes}d": "avg_pool" for axes in (1, 2, 3)},
    **{f"adaptive_max_pool{axes}d": "max_pool" for axes in (1, 2, 3)},
    **{"clamp": "clamp", "clip": "clamp", "clamp_min": "clamp", "hardtanh": "clamp", "convolution": "conv"},
    **{"amax": "max", "amin": "min"},
}
_CHANNELS_FIRST = ("conv", "conv_transpose", "batch_norm", "group_norm", "instance_norm", "avg_pool", "max_pool")
_CHANNELS_LAST = ("linear", "layer_norm", "rms_norm", "embedding")
_NEUTRAL = {"div": 1.0, "mul": 1.0, "add": 0.0, "sub": 0.0}
"""The number that changes nothing."""


def is_rearrangement(call: Call) -> bool:
    """Whether an operation is no node: it moves, copies or selects values, or adds nothing, or multiplies by one."""
    if call.name in REARRANGEMENTS or call.name.startswith(("_assert", "sym_")):
        return True
    operation, scalar = _SAME.get(call.name), _scalar(call)
    return operation in _NEUTRAL and call.name != "rsub" and scalar is not None and scalar == _NEUTRAL[operation]


def aten_draft(call: Call, batch: int) -> Draft:
    """The draft of an operation, without its inputs and its name.

    Args:
        call: The operation.
        batch: Images in the example inputs; multiply-accumulates are of one.
    """
    operation = _operation(call)
    attributes = _ATTRIBUTES[operation](call) if operation in _ATTRIBUTES else {}
    return Draft(
        operation,
        in_shape=triple(operation, call.input.shape),
        out_shape=triple(operation, call.output.shape),
        attributes=attributes,
        macs=batch_macs(operation, call) // batch,
        scalar=_scalar(call),
        constant=_constant(call),
    )


def triple(operation: str, shape: Sequence[int]) -> Shape:
    """Channels, height and width of a tensor; see `OperatorGraph`."""
    rest = [int(size) for size in shape[1:]]
    if not rest:
        return 1, 1, 1
    if operation == "attention":
        *heads, tokens, width = rest
        return prod(heads) * width, tokens, 1
    last = operation in _CHANNELS_LAST or (len(rest) == 2 and operation not in _CHANNELS_FIRST)
    channels, *axes = [rest[-1], *rest[:-1]] if last else rest
    height, width = (prod(axes[:-1]), axes[-1]) if len(axes) > 1 else (*axes, 1, 1)[:2]
    return channels, height, width


def clamp(low: float | None, high: float | None) -> str:
    """The operation that keeps values between two bounds."""
    if low != 0:
        return "clamp"
    return "relu" if high is None else "relu6" if high == 6 else "clamp"


def _operation(call: Call) -> str:
    arguments, operation = call.arguments, _SAME.get(call.name, call.name)
    if call.name == "convolution":
        return "conv_transpose" if arguments["transposed"] else "conv"
    if operation == "clamp":
        low, high = (arguments.get(a, arguments.get(b)) for a, b in (("min", "min_val"), ("max", "max_val")))
        return clamp(low, high)
    if call.name.startswith("upsample") or call.name == "interpolate":
        return "upsample"
    if call.name.startswith("adaptive") and prod(call.output.shape[2:]) == 1:
        return "global_pool" if operation == "avg_pool" else "global_max_pool"
    if operation in ("mean", "max") and _is_spatial(call):
        return "global_pool" if operation == "mean" else "global_max_pool"
    if operation == "matmul" and call.name != "baddbmm" and _product_with_constant(call):
        return "linear"
    if call.name == "addmm" and not _product_with_constant(call):
        return "matmul"
    return operation


def _is_spatial(call: Call) -> bool:
    """Whether a reduction is over height and width of [n, c, h, w], and nothing else."""
    dims, rank = call.arguments.get("dim"), call.input.dim()
    return rank == 4 and isinstance(dims, list | tuple) and sorted(int(d) % rank for d in dims) == [2, 3]


def _product_with_constant(call: Call) -> bool:
    second = call.arguments.get("mat2", call.arguments.get("other"))
    return second not in call.reads


def _scalar(call: Call) -> float | None:
    """The number that an arithmetic operation combines its input with."""
    other = call.arguments.get("other")
    return float(other) if isinstance(other, int | float) and _SAME.get(call.name) in _NEUTRAL else None


def _constant(call: Call) -> int:
    """The size of the constant tensor that an addition combines its input with."""
    if call.name != "add" or call.arguments.get("alpha", 1) != 1 or len(call.reads) != 1:
        return 0
    both = [call.arguments.get(name) for name in ("self", "other")]
    sizes = [part.meta["val"].numel() for part in both if isinstance(part, fx.Node) and part not in call.reads]
    return int(sizes[0]) if sizes else 0


def sizes(name: str, values: Sequence[int], default: int | None = None) -> Attributes:
    """One attribute for equal sizes along all axes, more where they differ: `{"kernel": 1, "kernel_w": 7}`."""
    found = {name: int(values[0])} if values else {}
    axes = ("", "_w") if len(values) < 3 else ("", "_h", "_w")
    found |= {name + axis: int(v) for axis, v in zip(axes, values, strict=False) if v != values[0]}
    return found if found or default is None else {name: default}


def _spread(value: Any, axes: int) -> list[int]:
    values = [int(v) for v in value] if isinstance(value, list | tuple) else [int(value)]
    return values * axes if len(values) == 1 else values


def _convolution(call: Call) -> Attributes:
    weight, arguments = call.value("weight"), call.arguments
    kernel = [int(size) for size in weight.shape[2:]]
    dilation = _spread(arguments["dilation"], len(kernel))
    padding: Any = arguments["padding"]
    if isinstance(padding, str):
        same = [(k - 1) * d // 2 for k, d in zip(kernel, dilation, strict=True)]
        padding = same if padding == "same" else 0
    return {
        **sizes("kernel", kernel),
        **sizes("stride", _spread(arguments["stride"], len(kernel))),
        **sizes("padding", _spread(padding, len(kernel))),
        **sizes("dilation", dilation),
        "groups": int(arguments["groups"]),
        "bias": int(arguments.get("bias") is not None),
    }


def _pool(call: Call) -> Attributes:
    axes = call.output.dim() - 2
    if call.name.startswith("adaptive"):
        whole, out = call.input.shape[2:], call.output.shape[2:]
        steps = [w // o for w, o in zip(whole, out, strict=True)]
        windows = [w - (o - 1) * s for w, o, s in zip(whole, out, steps, strict=True)]
        return {**sizes("kernel", windows), **sizes("stride", steps)}
    kernel = _spread(call.arguments["kernel_size"], axes)
    stride = call.arguments.get("stride")
    return {**sizes("kernel", kernel), **sizes("stride", _spread(stride, axes) if stride else kernel)}


_ATTRIBUTES: dict[str, Callable[[Call], Attributes]] = {
    "conv": _convolution,
    "conv_transpose": _convolution,
    "avg_pool": _pool,
    "max_pool": _pool,
    "linear": lambda call: {"bias": int(call.arguments.get("bias") is not None or call.name == "addmm")},
    "group_norm": lambda call: {"groups": int(call.arguments.get("num_groups", call.arguments.get("group", 1)))},
    "attention": lambda call: {"heads": prod(call.output.shape[1:-2])},
}
