"""Blueprints: the convolutions that a network consists of, as plain numbers, before any torch module exists.

Modules are built from them (`modules.py`) and costs are computed from them (`costs.py`), so that the two agree by
construction of the same numbers and not of the same code.
"""

from __future__ import annotations

from dataclasses import dataclass

from autobuild_pipelines.networks.definition import Activation, NetworkDefinition, make_divisible


@dataclass(frozen=True, slots=True)
class Conv:
    """A convolution with "same" padding, and what follows it.

    Attributes:
        inputs: Input channels.
        outputs: Output channels.
        kernel: Odd kernel size.
        stride: Stride.
        groups: Groups; equal to `inputs` for a depthwise convolution.
        batch_norm: Whether a batch normalisation follows (with a weight and a bias per channel).
        activation: The activation after it, or none.
    """

    inputs: int
    outputs: int
    kernel: int = 1
    stride: int = 1
    groups: int = 1
    batch_norm: bool = True
    activation: Activation | None = None

    def output_size(self, size: int) -> int:
        """Height (and width) of the output for an input of height `size`."""
        return (size - 1) // self.stride + 1

    def macs(self, size: int) -> int:
        """Multiply-accumulates for one input of height and width `size`."""
        return self.output_size(size) ** 2 * self.weights

    @property
    def weights(self) -> int:
        """Entries of the weight."""
        return self.outputs * (self.inputs // self.groups) * self.kernel**2

    @property
    def parameters(self) -> int:
        """Trainable parameters, batch normalisation included."""
        return self.weights + (2 * self.outputs if self.batch_norm else 0)


@dataclass(frozen=True, slots=True)
class Block:
    """An inverted bottleneck (MBConv): 1x1 expansion, depthwise convolution, squeeze-excite, 1x1 projection.

    Attributes:
        expansion: The 1x1 convolution to the middle width; None where the expansion is 1.
        depthwise: The depthwise convolution.
        projection: The 1x1 convolution to the output width.
        squeeze: Hidden channels of the squeeze-excite; 0 without one.
        residual: Whether the input is added to the output.
    """

    expansion: Conv | None
    depthwise: Conv
    projection: Conv
    squeeze: int
    residual: bool

    def output_size(self, size: int) -> int:
        """Height of the output for an input of height `size`."""
        return self.depthwise.output_size(size)

    def macs(self, size: int) -> int:
        """Multiply-accumulates for one input of height and width `size`."""
        inner = self.output_size(size)
        expansion = 0 if self.expansion is None else self.expansion.macs(size)
        squeeze_excite = 2 * self.depthwise.outputs * self.squeeze
        return expansion + self.depthwise.macs(size) + squeeze_excite + self.projection.macs(inner)

    @property
    def parameters(self) -> int:
        """Trainable parameters."""
        middle = self.depthwise.outputs
        squeeze_excite = 2 * middle * self.squeeze + middle + self.squeeze if self.squeeze else 0
        expansion = 0 if self.expansion is None else self.expansion.parameters
        return expansion + self.depthwise.parameters + squeeze_excite + self.projection.parameters


def stem_conv(definition: NetworkDefinition) -> Conv:
    """The first convolution."""
    stem = definition.stem
    return Conv(
        definition.input_channels,
        definition.channels(stem.width),
        stem.kernel,
        stem.stride,
        activation=stem.activation,
    )


def first_block(definition: NetworkDefinition) -> Block:
    """The fixed block behind the stem."""
    block = definition.first_block
    inputs, outputs = definition.channels(definition.stem.width), definition.channels(block.width)
    return _block(definition, inputs, outputs, 1, block.kernel, block.stride, block.activation, block.squeeze_excite)


def stage_block(definition: NetworkDefinition, stage: int, *, first: bool, expand: int, kernel: int) -> Block:
    """A block of a stage (0-based), either the stage's first or one of the rest."""
    declared = definition.stages[stage]
    outputs = definition.channels(declared.width)
    before = definition.stages[stage - 1] if stage else definition.first_block
    inputs = definition.channels(before.width) if first else outputs
    stride = declared.stride if first else 1
    return _block(definition, inputs, outputs, expand, kernel, stride, declared.activation, declared.squeeze_excite)


def head_convs(definition: NetworkDefinition) -> tuple[tuple[Conv, ...], tuple[Conv, ...]]:
    """The head's convolutions before and after the pooling."""
    inputs = definition.channels(definition.stages[-1].width)
    parts = []
    for layers in (definition.head.before_pooling, definition.head.after_pooling):
        convs = []
        for layer in layers:
            outputs = definition.channels(layer.width)
            convs.append(Conv(inputs, outputs, batch_norm=layer.batch_norm, activation=layer.activation))
            inputs = outputs
        parts.append(tuple(convs))
    return parts[0], parts[1]


def classifier_inputs(definition: NetworkDefinition) -> int:
    """Input channels of the classifier."""
    layers = (*definition.head.before_pooling, *definition.head.after_pooling)
    return definition.channels(layers[-1].width if layers else definition.stages[-1].width)


def stage_input_size(definition: NetworkDefinition, stage: int, resolution: int) -> int:
    """Height of the input of a stage's first block; `stage` = number of stages gives the head's."""
    size = first_block(definition).output_size(stem_conv(definition).output_size(resolution))
    for declared in definition.stages[:stage]:
        size = (size - 1) // declared.stride + 1
    return size


def _block(
    definition: NetworkDefinition,
    inputs: int,
    outputs: int,
    expand: int,
    kernel: int,
    stride: int,
    activation: Activation,
    squeeze_excite: bool,
) -> Block:
    divisor = definition.width_divisor
    middle = inputs if expand == 1 else make_divisible(inputs * expand, divisor)
    squeeze = make_divisible(middle // definition.squeeze_excite_reduction, divisor) if squeeze_excite else 0
    return Block(
        expansion=None if expand == 1 else Conv(inputs, middle, activation=activation),
        depthwise=Conv(middle, middle, kernel, stride, groups=middle, activation=activation),
        projection=Conv(middle, outputs),
        squeeze=squeeze,
        residual=stride == 1 and inputs == outputs,
    )
