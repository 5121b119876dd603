"""Parameters and multiply-accumulates of U-Nets, exactly: of one, or of all architectures of a space at once.

A cost is the sum of its blocks' costs, and a block's cost depends on its channels, its size and the time embedding's
width only. So it is computed for arrays of architectures with one expression a block, and no network is built.

A multiply-accumulate is one multiplication and one addition. MACs are those of convolutions, linear layers and the two
matrix products of attention, for one latent; twice as many FLOPs are what `torch.utils.flop_counter.FlopCounterMode`
counts on the network on the meta device. (On a CPU torch's counter leaves attention's products out: it does not know
the fused kernel.) Biases, normalisation, activations, softmax, additions and resampling are not counted, by either.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from autobuild_pipelines.networks.unet_arrays import Integers, UNetArrays, unet_arrays
from autobuild_pipelines.networks.unet_definition import UNetDefinition
from autobuild_pipelines.spaces import ArchitectureArray, SearchSpace

KERNEL = 9
"""Entries of a 3x3 kernel."""
CostName = Literal["macs", "parameters"]


@dataclass(frozen=True, slots=True, eq=False)
class UNetCosts:
    """A cost of n U-Nets of S stages, part by part.

    Attributes:
        fixed: [n] the first and last convolutions and the time embedding.
        inputs: [n, S] input stages.
        middle: [n] the middle.
        outputs: [n, S] output stages; the first column is stage 1.
    """

    fixed: Integers
    inputs: Integers
    middle: Integers
    outputs: Integers

    @property
    def total(self) -> Integers:
        """[n] the sum of all parts."""
        total: Integers = self.fixed + self.inputs.sum(axis=1) + self.middle + self.outputs.sum(axis=1)
        return total


def unet_macs(definition: UNetDefinition, unets: UNetArrays, size: int | None = None) -> UNetCosts:
    """Multiply-accumulates for one latent.

    Args:
        definition: The family.
        unets: The architectures.
        size: Height and width of the latent, a multiple of 2^(S - 1); the definition's by default.
    """
    return _costs(_Macs(), definition, unets, definition.latent_size if size is None else size)


def unet_parameters(definition: UNetDefinition, unets: UNetArrays) -> UNetCosts:
    """Trainable parameters."""
    return _costs(_Parameters(), definition, unets, definition.latent_size)


@dataclass(frozen=True, slots=True)
class UNetCostTable:
    """One cost of any architectures of a space.

    Attributes:
        space: The search space, whose architectures are U-Nets.
        definition: The family.
        cost: "macs" or "parameters".
    """

    space: SearchSpace
    definition: UNetDefinition
    cost: CostName

    def total(self, array: ArchitectureArray) -> Integers:
        """[n] the cost of every architecture.

        Raises:
            NetworkError: One is no U-Net.
        """
        unets = unet_arrays(self.space, array, self.definition.features)
        costs = unet_macs if self.cost == "macs" else unet_parameters
        return costs(self.definition, unets).total


class _Cost(Protocol):
    """What the layers of a block cost, for arrays of channels; `area` is height times width."""

    def convolution(self, inputs: Integers | int, outputs: Integers | int, kernel: int, area: int) -> Integers: ...

    def linear(self, inputs: Integers, outputs: Integers) -> Integers: ...

    def norm(self, channels: Integers) -> Integers: ...

    def attention(self, channels: Integers, area: int) -> Integers: ...


class _Macs:
    def convolution(self, inputs: Integers | int, outputs: Integers | int, kernel: int, area: int) -> Integers:
        return np.asarray(inputs * outputs * (kernel * area))

    def linear(self, inputs: Integers, outputs: Integers) -> Integers:
        return inputs * outputs

    def norm(self, channels: Integers) -> Integers:
        return np.zeros_like(channels)

    def attention(self, channels: Integers, area: int) -> Integers:
        return channels * channels * (4 * area) + channels * (2 * area * area)


class _Parameters:
    def convolution(self, inputs: Integers | int, outputs: Integers | int, kernel: int, area: int) -> Integers:
        return np.asarray((inputs * kernel + 1) * outputs)

    def linear(self, inputs: Integers, outputs: Integers) -> Integers:
        return (inputs + 1) * outputs

    def norm(self, channels: Integers) -> Integers:
        return 2 * channels

    def attention(self, channels: Integers, area: int) -> Integers:
        return 4 * (channels + 1) * channels


def _costs(cost: _Cost, definition: UNetDefinition, unets: UNetArrays, size: int) -> UNetCosts:
    channels, stages = unets.channels, unets.stages
    time = definition.time_factor * channels[:, 0]
    areas = [(size >> stage) ** 2 for stage in range(stages)]
    return UNetCosts(
        fixed=_fixed(cost, definition, channels[:, 0], time, areas[0]),
        inputs=np.stack([_input_stage(cost, unets, stage, time, areas) for stage in range(stages)], axis=1),
        middle=2 * _residual(cost, channels[:, -1], channels[:, -1], time, areas[-1])
        + _attention(cost, channels[:, -1], areas[-1]),
        outputs=np.stack([_output_stage(cost, unets, stage, time, areas) for stage in range(stages)], axis=1),
    )


def _fixed(cost: _Cost, definition: UNetDefinition, width: Integers, time: Integers, area: int) -> Integers:
    first = cost.convolution(definition.input_channels, width, KERNEL, area)
    last = cost.norm(width) + cost.convolution(width, definition.latent_channels, KERNEL, area)
    return first + last + cost.linear(width, time) + cost.linear(time, time)


def _input_stage(cost: _Cost, unets: UNetArrays, stage: int, time: Integers, areas: list[int]) -> Integers:
    width, count, area = unets.channels[:, stage], unets.input_residuals[:, stage], areas[stage]
    total = _residual(cost, _entry(unets, stage), width, time, area)
    total = total + (count - 1) * _residual(cost, width, width, time, area)
    total = total + count * unets.input_attention[:, stage] * _attention(cost, width, area)
    if stage < unets.stages - 1:  # its convolutions run at the smaller size
        total = total + _residual(cost, width, width, time, areas[stage + 1])
    return total


def _output_stage(cost: _Cost, unets: UNetArrays, stage: int, time: Integers, areas: list[int]) -> Integers:
    width, count, area = unets.channels[:, stage], unets.output_residuals[:, stage], areas[stage]
    total = count * unets.output_attention[:, stage] * _attention(cost, width, area)
    behind = unets.channels[:, min(stage + 1, unets.stages - 1)]
    for block in range(int(count.max(initial=0))):
        inputs = (width if block else behind) + _skip_channels(unets, stage, block)
        total = total + (block < count) * _residual(cost, inputs, width, time, area)
    if stage:  # its convolutions run at the larger size
        total = total + _residual(cost, width, width, time, areas[stage - 1])
    return total


def _skip_channels(unets: UNetArrays, stage: int, block: int) -> Integers:
    """[n] channels of the skip connections that an output block (0-based) takes; see `stage_skips`."""
    kept, blocks = unets.input_residuals[:, stage], unets.output_residuals[:, stage]
    width = unets.channels[:, stage]
    inner = (block < kept) * width
    last = np.maximum(kept - block, 0) * width + _entry(unets, stage)
    taken: Integers = np.where(block == blocks - 1, last, inner)
    return taken


def _entry(unets: UNetArrays, stage: int) -> Integers:
    entry: Integers = unets.channels[:, max(stage - 1, 0)]
    return entry


def _residual(cost: _Cost, inputs: Integers, outputs: Integers, time: Integers, area: int) -> Integers:
    convolutions = cost.convolution(inputs, outputs, KERNEL, area) + cost.convolution(outputs, outputs, KERNEL, area)
    shortcut: Integers = (inputs != outputs) * cost.convolution(inputs, outputs, 1, area)
    return convolutions + shortcut + cost.linear(time, outputs) + cost.norm(inputs) + cost.norm(outputs)


def _attention(cost: _Cost, channels: Integers, area: int) -> Integers:
    return cost.norm(channels) + cost.attention(channels, area)
