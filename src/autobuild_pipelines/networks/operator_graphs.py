"""Operator graphs of many architectures of a space, joined from those of their layers."""

from __future__ import annotations

from collections.abc import Sequence

from autobuild_pipelines.graphs.operator_graph import OperatorGraph
from autobuild_pipelines.networks.definition import NetworkDefinition
from autobuild_pipelines.networks.unet_definition import UNetDefinition
from autobuild_pipelines.spaces import Architecture, SearchSpace


def operator_graphs(
    space: SearchSpace,
    definition: NetworkDefinition | UNetDefinition,
    architectures: Sequence[Architecture],
    *,
    progress: bool = False,
) -> list[OperatorGraph]:
    """The operator graph of every architecture, at its own resolution."""
    raise NotImplementedError
