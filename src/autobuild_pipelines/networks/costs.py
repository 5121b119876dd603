"""Additive costs of architectures: a table of one number per layer, summed over an architecture's layers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from autobuild_pipelines.networks.blueprint import (
    Block,
    classifier_inputs,
    first_block,
    head_convs,
    stage_block,
    stage_input_size,
    stem_conv,
)
from autobuild_pipelines.networks.definition import NetworkDefinition
from autobuild_pipelines.spaces import ArchitectureArray, SearchSpace

Number = TypeVar("Number", np.int64, np.float64)


@dataclass(frozen=True, slots=True)
class Position:
    """A kind of place that a layer may stand at: a unit, and whether it is the unit's first layer or a later one.

    All later layers of a unit see the same input, so they share one row of a cost table.
    """

    unit: int
    first: bool
    slots: tuple[int, ...]

    @property
    def name(self) -> str:
        """The place as it stands in tables: "first" or "rest"."""
        return "first" if self.first else "rest"


def positions(space: SearchSpace) -> Iterator[Position]:
    """Every kind of place of a space, in network order; `unit` is 1-based."""
    for unit in space.units:
        slots = range(unit.start, unit.start + unit.slots)
        yield Position(unit.number, True, (slots[0],))
        if len(slots) > 1:
            yield Position(unit.number, False, tuple(slots[1:]))


class Costs(Protocol):
    """One cost of any architectures of a space."""

    def total(self, array: ArchitectureArray) -> NDArray[np.int64]:
        """[n] the cost of every architecture."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class LayerCosts(Generic[Number]):
    """What every layer costs at every place and resolution.

    Attributes:
        layers: [resolutions, slots, codes + 1]; the last code stands for an absent layer and costs 0.
        fixed: [resolutions] cost of what every architecture has (stem, first block, head).
        resolution_column: Column of the resolution in `ArchitectureArray.graph`.
    """

    layers: NDArray[Number]
    fixed: NDArray[Number]
    resolution_column: int

    def total(self, array: ArchitectureArray) -> NDArray[Number]:
        """[n] cost of every architecture: its fixed part plus its layers'."""
        resolution = array.graph[:, self.resolution_column].astype(np.int64)
        slots = np.arange(array.layers.shape[1])
        layers = self.layers[resolution[:, None], slots, array.layers]
        total: NDArray[Number] = self.fixed[resolution] + layers.sum(axis=1)
        return total


def macs(space: SearchSpace, definition: NetworkDefinition, array: ArchitectureArray) -> NDArray[np.int64]:
    """[n] exact multiply-accumulates of convolutions and linear layers, for one image at the architecture's resolution.

    Equals half of what `torch.utils.flop_counter.FlopCounterMode` counts on the built network.

    Raises:
        NetworkError: The definition does not fit the space.
    """
    return mac_costs(space, definition).total(array)


def parameters(space: SearchSpace, definition: NetworkDefinition, array: ArchitectureArray) -> NDArray[np.int64]:
    """[n] exact number of trainable parameters, batch normalisation and classifier included.

    Raises:
        NetworkError: The definition does not fit the space.
    """
    return parameter_costs(space, definition).total(array)


def mac_costs(space: SearchSpace, definition: NetworkDefinition) -> LayerCosts[np.int64]:
    """Multiply-accumulates of every layer."""
    before, after = head_convs(definition)
    classifier = classifier_inputs(definition) * definition.num_classes

    def fixed(resolution: int) -> int:
        stem, block = stem_conv(definition), first_block(definition)
        last = stage_input_size(definition, len(definition.stages), resolution)
        head = sum(conv.macs(last) for conv in before) + sum(conv.macs(1) for conv in after)
        return stem.macs(resolution) + block.macs(stem.output_size(resolution)) + head + classifier

    return _costs(space, definition, Block.macs, fixed)


def backbone_mac_costs(space: SearchSpace, definition: NetworkDefinition, side: int) -> LayerCosts[np.int64]:
    """Multiply-accumulates of every layer of the network as another task's backbone, for one image of `side` x `side`.

    A backbone ends before the pooling: it has the stem, the stages and the head's first convolutions, and no
    classifier. The architecture's own resolution is that of classification and plays no part.

    Raises:
        NetworkError: The definition does not fit the space.
    """
    before, _ = head_convs(definition)

    def fixed(resolution: int) -> int:
        stem, block = stem_conv(definition), first_block(definition)
        last = stage_input_size(definition, len(definition.stages), resolution)
        return stem.macs(resolution) + block.macs(stem.output_size(resolution)) + sum(c.macs(last) for c in before)

    return _costs(space, definition, Block.macs, fixed, side=side)


def parameter_costs(space: SearchSpace, definition: NetworkDefinition) -> LayerCosts[np.int64]:
    """Trainable parameters of every layer."""
    before, after = head_convs(definition)
    classifier = (classifier_inputs(definition) + 1) * definition.num_classes
    head = sum(conv.parameters for conv in (*before, *after))
    fixed = stem_conv(definition).parameters + first_block(definition).parameters + head + classifier
    return _costs(space, definition, lambda block, size: block.parameters, lambda resolution: fixed)


def layer_block(space: SearchSpace, definition: NetworkDefinition, position: Position, code: int) -> Block:
    """The block that a layer code is at a place of the network."""
    values = dict(space.layers[code])
    return stage_block(
        definition,
        position.unit - 1,
        first=position.first,
        expand=int(values[definition.features.expand]),
        kernel=int(values[definition.features.kernel]),
    )


def layer_input_size(definition: NetworkDefinition, position: Position, resolution: int) -> int:
    """Height of a layer's input at a place of the network."""
    return stage_input_size(definition, position.unit - 1 if position.first else position.unit, resolution)


def resolutions(space: SearchSpace, definition: NetworkDefinition) -> tuple[int, ...]:
    """The space's input resolutions, in the order of their codes."""
    return tuple(int(r) for r in space.declaration.graph_features[definition.features.resolution].choices)


def _costs(
    space: SearchSpace,
    definition: NetworkDefinition,
    layer: Callable[[Block, int], int],
    fixed: Callable[[int], int],
    *,
    side: int | None = None,
) -> LayerCosts[np.int64]:
    """The costs at every resolution of the space; with `side`, those at that input size for each of them."""
    definition.check_fits(space)
    choices = resolutions(space, definition)
    if side is not None:
        choices = (side,) * len(choices)
    table = np.zeros((len(choices), space.slots, len(space.layers) + 1), dtype=np.int64)
    for position in positions(space):
        blocks = [layer_block(space, definition, position, code) for code in range(len(space.layers))]
        for index, resolution in enumerate(choices):
            size = layer_input_size(definition, position, resolution)
            table[index, list(position.slots), :-1] = [layer(block, size) for block in blocks]
    return LayerCosts(
        table,
        np.asarray([fixed(resolution) for resolution in choices], dtype=np.int64),
        space.graph_features.index(definition.features.resolution),
    )
