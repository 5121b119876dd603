"""Comparisons of operator graphs for tests."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from autobuild_pipelines.graphs import OperatorGraph


def assert_equal(one: OperatorGraph, other: OperatorGraph, *, names: bool = True) -> None:
    """Every node, attribute, shape and edge is the same."""
    assert one.operations == other.operations
    assert one.attributes == other.attributes
    for field in ("edges", "in_shapes", "out_shapes", "macs"):
        assert getattr(one, field).tolist() == getattr(other, field).tolist(), field
    if names:
        assert (one.names, one.parts) == (other.names, other.parts)


def counted(module: nn.Module, inputs: Sequence[Tensor]) -> int:
    """Half of the FLOPs that torch counts on the meta device."""
    module, inputs = module.to("meta"), [tensor.to("meta") for tensor in inputs]
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        module(*inputs)
    return int(counter.get_total_flops()) // 2


def readings(graph: OperatorGraph, operation: str) -> list[list[str]]:
    """What every node of a kind reads, as operations."""
    return [
        [graph.operations[source] for source, target in graph.edges.T.tolist() if target == node]
        for node, kind in enumerate(graph.operations)
        if kind == operation
    ]
