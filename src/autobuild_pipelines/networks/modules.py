"""Torch modules of static subnets, built from blueprints.

Names of submodules follow the public Once-for-All static networks (`first_conv`, `blocks.0.conv.depth_conv.conv`,
`classifier.linear`, …), so that a subnet's state dict has the public layout.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from autobuild_pipelines.networks.blueprint import (
    Block,
    Conv,
    classifier_inputs,
    first_block,
    head_convs,
    stage_block,
    stem_conv,
)
from autobuild_pipelines.networks.definition import Activation, BatchNorm, NetworkDefinition, NetworkError
from autobuild_pipelines.spaces import Architecture, SearchSpace

ACTIVATIONS: dict[Activation, type[nn.Module]] = {"relu": nn.ReLU, "relu6": nn.ReLU6, "h_swish": nn.Hardswish}


class ConvLayer(nn.Sequential):
    """Convolution → batch normalisation → activation, as far as the blueprint has them.

    Shapes: [n, inputs, s, s] → [n, outputs, ceil(s / stride), ceil(s / stride)].
    """

    def __init__(self, conv: Conv, batch_norm: BatchNorm) -> None:
        super().__init__()
        self.conv = nn.Conv2d(
            conv.inputs,
            conv.outputs,
            conv.kernel,
            conv.stride,
            padding=conv.kernel // 2,
            groups=conv.groups,
            bias=False,
        )
        if conv.batch_norm:
            self.bn = nn.BatchNorm2d(conv.outputs, eps=batch_norm.eps, momentum=batch_norm.momentum)
        if conv.activation is not None:
            self.act = ACTIVATIONS[conv.activation](inplace=True)


class SqueezeExcite(nn.Module):
    """Channel attention: x · hard_sigmoid(W₂ relu(W₁ mean(x))).

    Shapes: [n, channels, s, s] → the same.
    """

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.fc = nn.Sequential()
        self.fc.add_module("reduce", nn.Conv2d(channels, hidden, 1))
        self.fc.add_module("relu", nn.ReLU(inplace=True))
        self.fc.add_module("expand", nn.Conv2d(hidden, channels, 1))
        self.fc.add_module("h_sigmoid", nn.Hardsigmoid(inplace=True))

    def forward(self, x: Tensor) -> Tensor:
        """Scale every channel of `x` by its attention."""
        scale: Tensor = self.fc(x.mean((2, 3), keepdim=True))
        return x * scale


class MBConv(nn.Sequential):
    """Expansion → depthwise convolution (→ squeeze-excite) → projection."""

    def __init__(self, block: Block, batch_norm: BatchNorm) -> None:
        super().__init__()
        if block.expansion is not None:
            self.inverted_bottleneck = ConvLayer(block.expansion, batch_norm)
        self.depth_conv = ConvLayer(block.depthwise, batch_norm)
        if block.squeeze:
            self.depth_conv.add_module("se", SqueezeExcite(block.depthwise.outputs, block.squeeze))
        self.point_linear = ConvLayer(block.projection, batch_norm)


class ResidualBlock(nn.Module):
    """An MBConv block, plus its input where stride and widths allow it.

    Shapes: [n, inputs, s, s] → [n, outputs, ceil(s / stride), ceil(s / stride)].
    """

    def __init__(self, block: Block, batch_norm: BatchNorm) -> None:
        super().__init__()
        self.conv = MBConv(block, batch_norm)
        self.residual = block.residual

    def forward(self, x: Tensor) -> Tensor:
        """The block's output."""
        out: Tensor = self.conv(x)
        return out + x if self.residual else out


class Classifier(nn.Sequential):
    """Dropout and the linear layer to the classes."""

    def __init__(self, inputs: int, classes: int, dropout: float) -> None:
        super().__init__()
        if dropout:
            self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(inputs, classes)


class MobileNet(nn.Module):
    """What static networks and supernets share: a stem, blocks, a head and a classifier, under the public names.

    Args:
        definition: The network family.
        blocks: Its blocks, first to last.
    """

    def __init__(self, definition: NetworkDefinition, blocks: Iterable[nn.Module]) -> None:
        super().__init__()
        norm = definition.batch_norm
        self.first_conv = ConvLayer(stem_conv(definition), norm)
        self.blocks = nn.ModuleList(blocks)
        self._before = [layer.name for layer in definition.head.before_pooling]
        self._after = [layer.name for layer in definition.head.after_pooling]
        before, after = head_convs(definition)
        for name, conv in zip([*self._before, *self._after], [*before, *after], strict=True):
            self.add_module(name, ConvLayer(conv, norm))
        self.classifier = Classifier(classifier_inputs(definition), definition.num_classes, definition.dropout)

    def forward_head(self, x: Tensor) -> Tensor:
        """Logits from the last stage's output."""
        for name in self._before:
            x = self.get_submodule(name)(x)
        x = x.mean((2, 3), keepdim=True)
        for name in self._after:
            x = self.get_submodule(name)(x)
        logits: Tensor = self.classifier(x.flatten(1))
        return logits


class Subnet(MobileNet):
    """A static network of one architecture.

    Shapes: images [n, input channels, r, r] of any resolution r → logits [n, classes].
    """

    def __init__(self, definition: NetworkDefinition, blocks: list[Block]) -> None:
        super().__init__(definition, [ResidualBlock(block, definition.batch_norm) for block in blocks])

    def forward(self, x: Tensor) -> Tensor:
        """Logits of images."""
        x = self.first_conv(x)
        for block in self.blocks:
            x = block(x)
        return self.forward_head(x)


def build_subnet(space: SearchSpace, definition: NetworkDefinition, architecture: Architecture) -> Subnet:
    """The network of one architecture, randomly initialised, in evaluation mode.

    Raises:
        NetworkError: The definition does not fit the space, or the architecture is of another space.
    """
    units = searched_blocks(space, definition, architecture)
    network = Subnet(definition, [first_block(definition), *(block for unit in units for block in unit)])
    network.eval()
    return network


def searched_blocks(space: SearchSpace, definition: NetworkDefinition, architecture: Architecture) -> list[list[Block]]:
    """The blocks of an architecture behind the fixed first one, unit by unit.

    Raises:
        NetworkError: The definition does not fit the space, or the architecture is of another space.
    """
    definition.check_fits(space)
    if architecture.space != space.name:
        raise NetworkError(f"architecture {architecture.id} is of space {architecture.space!r}, not {space.name!r}")
    units: list[list[Block]] = []
    for stage, layers in enumerate(architecture.units):
        units.append([])
        for position, layer in enumerate(layers):
            values = dict(layer)
            expand, kernel = values[definition.features.expand], values[definition.features.kernel]
            block = stage_block(definition, stage, first=position == 0, expand=int(expand), kernel=int(kernel))
            units[-1].append(block)
    return units


def resolution_of(definition: NetworkDefinition, architecture: Architecture) -> int:
    """Input resolution of an architecture, in pixels."""
    return int(dict(architecture.graph)[definition.features.resolution])


def example_input(definition: NetworkDefinition, resolution: int, batch: int = 1) -> Tensor:
    """A zero image batch [batch, input channels, resolution, resolution]."""
    return torch.zeros(batch, definition.input_channels, resolution, resolution)
