"""What a U-Net's architecture is, read from its units' layers, and which skip connections its blocks take.

A stage has one number of channels, the same in both branches; every block inside it has that many, Downsample and
Upsample included: they change height and width only. The next stage's first residual block changes the channels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from autobuild_pipelines.networks.definition import NetworkError

RESIDUAL, ATTENTION, DOWNSAMPLE, UPSAMPLE = OPERATIONS = ("residual", "attention", "downsample", "upsample")
"""Values of the feature that says what a block is."""

Layers = Sequence[Mapping[str, Any]]
"""A unit's layers, each the values of its features."""


@dataclass(frozen=True, slots=True)
class UNetArchitecture:
    """A U-Net, stage by stage; the first entry of each tuple is stage 1, at the latent's full size.

    The middle (residual, attention, residual) has the last stage's channels and is always there.

    Attributes:
        channels: Channels of each stage, in both branches.
        input_residuals: Residual blocks of each stage of the input branch.
        output_residuals: Residual blocks of each stage of the output branch.
        input_attention: Whether an attention block follows every residual block of the input branch's stage.
        output_attention: The same of the output branch.

    Raises:
        NetworkError: The tuples differ in length, or a number is less than 1.
    """

    channels: tuple[int, ...]
    input_residuals: tuple[int, ...]
    output_residuals: tuple[int, ...]
    input_attention: tuple[bool, ...]
    output_attention: tuple[bool, ...]

    def __post_init__(self) -> None:
        for name in ("input_residuals", "output_residuals", "input_attention", "output_attention"):
            if len(getattr(self, name)) != self.stages:
                raise NetworkError(
                    f"U-Net: {name} has {len(getattr(self, name))} entries, expected one for each of the "
                    f"{self.stages} stages that channels has"
                )
        for name in ("channels", "input_residuals", "output_residuals"):
            if not self.stages or min(getattr(self, name)) < 1:
                raise NetworkError(f"U-Net: {name}: expected one number of at least 1 per stage")

    @property
    def stages(self) -> int:
        """Number of stages of either branch."""
        return len(self.channels)

    @classmethod
    def read(
        cls, units: Sequence[Layers], *, operation: str = "operation", channels: str = "channels"
    ) -> UNetArchitecture:
        """The architecture of units in the order of the network: input 1 … S, the middle, output S … 1.

        Args:
            units: 2S + 1 units of layers, or 2S without the middle. An input stage is residual blocks, each or none
                followed by an attention block, and a Downsample unless it is the last; an output stage ends with an
                Upsample unless it is stage 1.
            operation: The feature that says what a block is, one of `OPERATIONS`.
            channels: The feature that says how many channels it has.

        Raises:
            NetworkError: Names the unit and layer that does not fit, and what would be right.
        """
        stages = len(units) // 2
        if not stages:
            raise NetworkError(f"U-Net: has {len(units)} units, expected input stages, a middle and output stages")
        first, last = list(units[:stages]), list(units[-stages:])[::-1]
        inputs = [
            read_stage(unit, f"input stage {s}", DOWNSAMPLE if s < stages else None, operation, channels)
            for s, unit in enumerate(first, start=1)
        ]
        outputs = [
            read_stage(unit, f"output stage {s}", UPSAMPLE if s > 1 else None, operation, channels)
            for s, unit in enumerate(last, start=1)
        ]
        for s, (down, up) in enumerate(zip(inputs, outputs, strict=True), start=1):
            if down.channels != up.channels:
                raise NetworkError(f"U-Net: stage {s}: input has {down.channels} channels, output {up.channels}")
        width = inputs[-1].channels
        if len(units) % 2 and (middle := read_middle(units[stages], operation, channels)) != width:
            raise NetworkError(f"U-Net: the middle has {middle} channels, expected stage {stages}'s {width}")
        return cls(
            channels=tuple(stage.channels for stage in inputs),
            input_residuals=tuple(stage.residuals for stage in inputs),
            output_residuals=tuple(stage.residuals for stage in outputs),
            input_attention=tuple(stage.attention for stage in inputs),
            output_attention=tuple(stage.attention for stage in outputs),
        )


@dataclass(frozen=True, slots=True)
class UNetStage:
    """One stage of one branch: its channels, its residual blocks, and whether attention follows each."""

    channels: int
    residuals: int
    attention: bool


def read_stage(unit: Layers, where: str, end: str | None, operation: str, channels: str) -> UNetStage:
    """A stage from its layers.

    Args:
        unit: The layers.
        where: What to call the stage in messages.
        end: The operation that it ends with, if any.
        operation: The feature that says what a block is.
        channels: The feature that says how many channels it has.

    Raises:
        NetworkError: The layers are no such stage.
    """
    operations = _operations(unit, where, operation)
    width = _channels(unit, where, channels)
    body = operations[:-1] if end else operations
    attention = ATTENTION in body
    pattern = [RESIDUAL, ATTENTION] if attention else [RESIDUAL]
    residuals = body.count(RESIDUAL)
    if not residuals or body != pattern * residuals or (end and operations[-1] != end):
        raise NetworkError(
            f"U-Net: {where}: {operations} is no stage; expected residual blocks, attention after each or none"
            + (f", then one {end}" if end else ", and nothing after them")
        )
    return UNetStage(width, residuals, attention)


def read_middle(unit: Layers, operation: str, channels: str) -> int:
    """Channels of the middle of a U-Net.

    Raises:
        NetworkError: The layers are no middle.
    """
    operations = _operations(unit, "middle", operation)
    if operations != [RESIDUAL, ATTENTION, RESIDUAL]:
        raise NetworkError(f"U-Net: middle: {operations}, expected {[RESIDUAL, ATTENTION, RESIDUAL]}")
    return _channels(unit, "middle", channels)


def stage_skips(inputs: int, outputs: int) -> tuple[tuple[int, ...], ...]:
    """Which skip connections each residual block of an output stage concatenates to its input.

    A stage of n input residual blocks keeps n + 1 tensors: 0, what it was given (the first convolution's output, or the
    previous stage's, downsampled), and 1 … n, the output of each residual block with its attention. They are used
    last to first. The first output block takes n, the next n - 1, …; the last block takes what is left, down to 0.
    Where there are fewer tensors than blocks, the last still takes 0, and the blocks between take none. So with the
    usual n + 1 output blocks each takes one, as in the original; every tensor is always used, once; and the first and
    last block take what they take in the original, however many are between them:

    | n | 2 blocks | 3 blocks |
    | - | - | - |
    | 1 | 1 · 0 | 1 · none · 0 |
    | 2 | 2 · 1 and 0 | 2 · 1 · 0 |

    Args:
        inputs: Residual blocks n of the input stage.
        outputs: Residual blocks of the output stage.

    Returns:
        Per output block the tensors it takes, in the order in which they are concatenated.
    """
    order = list(range(inputs, -1, -1))
    first = [order[block : block + 1] if block < inputs else [] for block in range(outputs - 1)]
    left = order[min(outputs - 1, inputs) :]
    return tuple(map(tuple, [*first, left]))


def _operations(unit: Layers, where: str, operation: str) -> list[str]:
    found = []
    for position, layer in enumerate(unit, start=1):
        value = layer.get(operation)
        if value not in OPERATIONS:
            raise NetworkError(
                f"U-Net: {where} layer {position}: {operation} is {value!r}, expected one of {OPERATIONS}"
            )
        found.append(str(value))
    return found


def _channels(unit: Layers, where: str, channels: str) -> int:
    found = [layer.get(channels) for layer in unit]
    if not found or type(found[0]) is not int or any(value != found[0] for value in found):
        raise NetworkError(
            f"U-Net: {where}: {channels} are {found}, expected one whole number, the same in every layer"
        )
    return found[0]
