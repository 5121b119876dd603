"""Multiply-accumulates of aten's operations: by formula where they are common, by torch's own counter otherwise."""

from __future__ import annotations

from math import prod
from typing import Any

import torch
from torch import Tensor, fx
from torch.utils.flop_counter import FlopCounterMode

from autobuild_pipelines.graphs.aten_call import Call
from autobuild_pipelines.graphs.operations import OPERATIONS


def batch_macs(operation: str, call: Call) -> int:
    """Multiply-accumulates of the whole batch.

    Args:
        operation: The operation's name in the vocabulary, or its own.
        call: The operation.
    """
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
    return _counted(call) if operation in ("lstm", "gru") or operation not in OPERATIONS else 0


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
