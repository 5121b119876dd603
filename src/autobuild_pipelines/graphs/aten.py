"""What aten's operations are in the vocabulary of operator graphs: names, attributes, shapes, multiply-accumulates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import Tensor, fx
from torch.utils.flop_counter import FlopCounterMode

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
        macs=_macs(operation, call) // batch,
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
        stride = [w // o for w, o in zip(whole, out, strict=True)]
        kernel = [w - (o - 1) * s for w, o, s in zip(whole, out, stride, strict=True)]
        return {**sizes("kernel", kernel), **sizes("stride", stride)}
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


def _macs(operation: str, call: Call) -> int:
    """Multiply-accumulates of the whole batch."""
    if operation in ("conv", "conv_transpose"):
        weight = call.value("weight")
        places = call.input if operation == "conv_transpose" else call.output
        return places.numel() * (weight.numel() // int(weight.shape[0]))
    if call.name == "linear":
        return call.output.numel() * int(call.value("input").shape[-1])
    if operation in ("linear", "matmul"):
        first = call.value("mat1", "batch1", "self")
        return call.output.numel() * int(first.shape[-1])
    if operation == "attention":
        query, key, value = (call.value(name).shape for name in ("query", "key", "value"))
        return prod(query[:-1]) * int(key[-2]) * (int(query[-1]) + int(value[-1]))
    if operation in ("lstm", "gru") or call.name not in _SAME:
        return _counted(call)
    return 0


def _counted(call: Call) -> int:
    """Half of what torch's counter says of an operation, which it is shown on the meta device; 0 if it cannot."""

    def on_meta(node: fx.Node) -> Any:
        return torch.utils._pytree.tree_map_only(
            Tensor, lambda t: torch.empty_strided(t.shape, t.stride(), dtype=t.dtype, device="meta"), node.meta["val"]
        )

    try:
        arguments, named = fx.node.map_arg((call.node.args, dict(call.node.kwargs)), on_meta)
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            call.node.target(*arguments, **named)  # type: ignore[operator]
    except Exception:  # an operation without a meta kernel: torch's counter knows nothing of it either
        return 0
    return int(counter.get_total_flops()) // 2


def _tensor(value: Any) -> Tensor:
    while isinstance(value, list | tuple):
        value = next(part for part in value if part is not None)
    found: Tensor = value
    return found
