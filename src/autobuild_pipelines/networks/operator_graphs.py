"""Operator graphs of many architectures of a space."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

import torch
from torch import Tensor, nn
from tqdm import tqdm

from autobuild_pipelines.graphs.export import exported_piece, operator_graph
from autobuild_pipelines.graphs.operator_chain import chained, placed
from autobuild_pipelines.graphs.operator_draft import Piece
from autobuild_pipelines.graphs.operator_graph import OperatorGraph, Parts
from autobuild_pipelines.networks.blueprint import Block, first_block, stem_conv
from autobuild_pipelines.networks.definition import NetworkDefinition
from autobuild_pipelines.networks.modules import (
    ConvLayer,
    MobileNet,
    ResidualBlock,
    build_subnet,
    example_input,
    resolution_of,
    searched_blocks,
)
from autobuild_pipelines.networks.unet import InpaintingUNet, example_latents
from autobuild_pipelines.networks.unet_architecture import UNetArchitecture
from autobuild_pipelines.networks.unet_arrays import read_unet
from autobuild_pipelines.networks.unet_definition import UNetDefinition
from autobuild_pipelines.spaces import Architecture, SearchSpace

STEM, FIRST_BLOCK, HEAD = "stem", "first block", "head"
"""Parts of MobileNets beside `unit 1` and so on."""


def operator_graphs(
    space: SearchSpace,
    definition: NetworkDefinition | UNetDefinition,
    architectures: Sequence[Architecture],
    *,
    fold: bool = True,
    progress: bool = False,
) -> list[OperatorGraph]:
    """The operator graph of every architecture's network, at its own resolution.

    Parts are those of `network_parts` and `unet_parts`. MobileNets are joined from their layers, each of which is
    exported once; they equal exports of the whole networks. U-Nets are exported whole, one by one: seconds each.

    Args:
        space: Their search space.
        definition: Its networks.
        architectures: Some of its architectures.
        fold: Whether batch norms are folded into the convolutions before them.
        progress: Whether to show a progress bar.

    Raises:
        NetworkError: The definition does not fit the space, or an architecture is of another space or no U-Net.
    """
    build: Callable[[Architecture], OperatorGraph]
    if isinstance(definition, UNetDefinition):
        build = _UNetGraphs(space, definition, fold)
    else:
        build = _LayerGraphs(space, definition, fold)
    bar = tqdm(architectures, desc=f"operator graphs of {space.name}", unit="network", disable=not progress)
    return [build(architecture) for architecture in bar]


def whole_operator_graph(
    space: SearchSpace, definition: NetworkDefinition, architecture: Architecture, *, fold: bool = True
) -> OperatorGraph:
    """The same graph as `operator_graphs` gives, from exporting the whole network.

    Raises:
        NetworkError: The definition does not fit the space, or the architecture is of another space.
    """
    with torch.device("meta"):
        network = build_subnet(space, definition, architecture)
        images = example_input(definition, resolution_of(definition, architecture))
    return operator_graph(network, (images,), parts=network_parts(architecture), fold=fold)


def network_parts(architecture: Architecture) -> Parts:
    """The part of a static MobileNet that a module path belongs to: `stem`, `first block`, `unit 1` …, `head`."""
    depths = [len(unit) for unit in architecture.units]
    parts = [FIRST_BLOCK, *(f"unit {unit}" for unit, depth in enumerate(depths, start=1) for _ in range(depth))]

    def part(path: str) -> str:
        name, *rest = path.split(".")
        if name == "first_conv":
            return STEM
        return parts[int(rest[0])] if name == "blocks" else HEAD

    return part


def unet_parts(unet: UNetArchitecture) -> Parts:
    """The part of a U-Net that a module path belongs to: `input stage 1` …, `middle`, `output stage 1`, the time."""

    def part(path: str) -> str:
        name, *rest = path.split(".")
        if name == "down_blocks":
            return f"input stage {int(rest[0]) + 1}"
        if name == "up_blocks":
            return f"output stage {unet.stages - int(rest[0])}"
        return {"mid_block": "middle", "conv_in": STEM, "time_proj": "time", "time_embedding": "time"}.get(name, HEAD)

    return part


class _Head(MobileNet):
    """What follows the last stage, as a module of its own whose layers have the network's paths."""

    def forward(self, x: Tensor) -> Tensor:
        return self.forward_head(x)


class _LayerGraphs:
    """Graphs of MobileNets from those of their layers, which are kept."""

    def __init__(self, space: SearchSpace, definition: NetworkDefinition, fold: bool) -> None:
        definition.check_fits(space)
        self.space, self.definition, self.fold = space, definition, fold
        self.exported: dict[tuple[object, int], Piece] = {}
        self.pieces: dict[tuple[object, int, str, str], Piece] = {}

    def __call__(self, architecture: Architecture) -> OperatorGraph:
        definition, size = self.definition, resolution_of(self.definition, architecture)
        pieces = [self.piece(STEM, size, "first_conv", STEM)]
        size = stem_conv(definition).output_size(size)
        blocks = [(first_block(definition), FIRST_BLOCK)]
        for number, unit in enumerate(searched_blocks(self.space, definition, architecture), start=1):
            blocks += [(block, f"unit {number}") for block in unit]
        for place, (block, part) in enumerate(blocks):
            pieces.append(self.piece(block, size, f"blocks.{place}", part))
            size = block.output_size(size)
        return chained([*pieces, self.piece(HEAD, size, "", HEAD)])

    def piece(self, layer: Block | str, size: int, path: str, part: str) -> Piece:
        """The graph of a layer for inputs of height `size`, as it stands at a place of a network."""
        key = (layer, size, path, part)
        if key not in self.pieces:
            if (layer, size) not in self.exported:
                with torch.device("meta"):
                    module, inputs = self.module(layer)
                    images = torch.zeros(1, inputs, size, size)
                self.exported[layer, size] = exported_piece(module, (images,), fold=self.fold)
            self.pieces[key] = placed(self.exported[layer, size], path, part)
        return self.pieces[key]

    def module(self, layer: Block | str) -> tuple[nn.Module, int]:
        """A layer as a module, and how many channels it reads."""
        definition = self.definition
        if layer == STEM:
            return ConvLayer(stem_conv(definition), definition.batch_norm), definition.input_channels
        if layer == HEAD:
            return _Head(definition, ()), definition.channels(definition.stages[-1].width)
        block = cast(Block, layer)
        first = block.expansion or block.depthwise
        return ResidualBlock(block, definition.batch_norm), first.inputs


class _UNetGraphs:
    """Graphs of U-Nets, each exported whole; equal U-Nets are exported once."""

    def __init__(self, space: SearchSpace, definition: UNetDefinition, fold: bool) -> None:
        definition.check_fits(space)
        self.space, self.definition, self.fold = space, definition, fold
        self.graphs: dict[UNetArchitecture, OperatorGraph] = {}

    def __call__(self, architecture: Architecture) -> OperatorGraph:
        unet = read_unet(self.space, architecture, self.definition.features)
        if unet not in self.graphs:
            with torch.device("meta"):
                network, latents = InpaintingUNet(self.definition, unet), example_latents(self.definition)
            self.graphs[unet] = operator_graph(network, latents, parts=unet_parts(unet), fold=self.fold)
        return self.graphs[unet]
