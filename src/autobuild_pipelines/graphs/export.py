"""Operator graphs of torch modules, through torch.export."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from autobuild_pipelines.graphs.operator_graph import OperatorGraph

Parts = Callable[[str], str]
"""The part of the network that a module path (`blocks.3.conv`) belongs to."""


def operator_graph(
    module: nn.Module, example_inputs: tuple[Tensor, ...], *, parts: Parts | None = None, fold: bool = True
) -> OperatorGraph:
    """The operator graph of a module."""
    raise NotImplementedError
