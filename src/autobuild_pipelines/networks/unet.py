"""A working U-Net of an architecture: predicts the noise in the latent of an image that is to be inpainted.

Modules are named as in diffusers' `UNet2DModel`, so that state dicts of that class fit.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from autobuild_pipelines.networks.definition import NetworkError
from autobuild_pipelines.networks.unet_architecture import UNetArchitecture, stage_skips
from autobuild_pipelines.networks.unet_blocks import attention_block, residual_block, time_layers
from autobuild_pipelines.networks.unet_definition import UNetDefinition


class InpaintingUNet(nn.Module):
    """The U-Net of one architecture.

    The latent passes the first convolution, the input stages, the middle, and the output stages, which concatenate what
    the input stages kept (see `stage_skips`); group normalisation, SiLU and a convolution end it. The timestep's
    sinusoids have as many channels as stage 1, its embedding `time_factor` times as many.

    Args:
        definition: The family.
        architecture: The architecture.

    Raises:
        NetworkError: Groups or heads do not divide the channels, or diffusers is not installed.
    """

    def __init__(self, definition: UNetDefinition, architecture: UNetArchitecture) -> None:
        check_buildable(definition, architecture)
        super().__init__()
        self.definition, self.architecture = definition, architecture
        channels, stages = architecture.channels, architecture.stages
        time_channels = definition.time_factor * channels[0]
        self.conv_in = nn.Conv2d(definition.input_channels, channels[0], 3, padding=1)
        self.time_proj, self.time_embedding = time_layers(channels[0], time_channels)
        self.down_blocks = nn.ModuleList(
            [InputStage(definition, architecture, stage, time_channels) for stage in range(stages)]
        )
        self.mid_block = Middle(definition, channels[-1], time_channels)
        self.up_blocks = nn.ModuleList(
            [OutputStage(definition, architecture, stage, time_channels) for stage in reversed(range(stages))]
        )
        self.conv_norm_out = nn.GroupNorm(definition.groups, channels[0], eps=definition.norm_eps)
        self.conv_act = nn.SiLU()
        self.conv_out = nn.Conv2d(channels[0], definition.latent_channels, 3, padding=1)

    def forward(self, sample: Tensor, timesteps: Tensor) -> Tensor:
        """The noise in the latent.

        Args:
            sample: [n, 2 · latent channels + 1, h, w] of `concatenated`; h and w are multiples of 2^(stages - 1).
            timesteps: [n], or one for all.

        Returns:
            [n, latent channels, h, w].
        """
        sinusoids = self.time_proj(timesteps.reshape(-1).expand(len(sample)))
        time = self.time_embedding(sinusoids.to(sample.dtype))
        x = self.conv_in(sample)
        kept: list[list[Tensor]] = []
        for down in self.down_blocks:
            x, tensors = down(x, time)
            kept.append(tensors)
        x = self.mid_block(x, time)
        for up in self.up_blocks:
            x = up(x, kept.pop(), time)
        noise: Tensor = self.conv_out(self.conv_act(self.conv_norm_out(x)))
        return noise


class InputStage(nn.Module):
    """A stage of the input branch.

    Shapes: [n, channels of the stage before, h, w] → the stage's output, downsampled unless it is the last, and the
    n + 1 tensors that the output stage concatenates.
    """

    def __init__(
        self, definition: UNetDefinition, architecture: UNetArchitecture, stage: int, time_channels: int
    ) -> None:
        super().__init__()
        width, count = architecture.channels[stage], architecture.input_residuals[stage]
        inputs = [entry_channels(architecture, stage), *[width] * (count - 1)]
        self.resnets = nn.ModuleList([residual_block(definition, i, width, time_channels) for i in inputs])
        attentions = count if architecture.input_attention[stage] else 0
        self.attentions = nn.ModuleList([attention_block(definition, width) for _ in range(attentions)])
        samplers = 1 if stage < architecture.stages - 1 else 0
        self.downsamplers = nn.ModuleList(
            [residual_block(definition, width, width, time_channels, down=True) for _ in range(samplers)]
        )

    def forward(self, x: Tensor, time: Tensor) -> tuple[Tensor, list[Tensor]]:
        kept = [x]
        for block in range(len(self.resnets)):
            x = _block(self, block, x, time)
            kept.append(x)
        for sampler in self.downsamplers:
            x = sampler(x, time)
        return x, kept


class Middle(nn.Module):
    """Residual block, attention, residual block, all of the last stage's channels."""

    def __init__(self, definition: UNetDefinition, width: int, time_channels: int) -> None:
        super().__init__()
        self.resnets = nn.ModuleList([residual_block(definition, width, width, time_channels) for _ in range(2)])
        self.attentions = nn.ModuleList([attention_block(definition, width)])

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        for block in range(len(self.resnets)):
            x = _block(self, block, x, time)
        return x


class OutputStage(nn.Module):
    """A stage of the output branch.

    Shapes: [n, channels of the stage behind it, h, w] and what the input stage kept → [n, channels, h, w], h and w
    doubled unless it is stage 1.
    """

    def __init__(
        self, definition: UNetDefinition, architecture: UNetArchitecture, stage: int, time_channels: int
    ) -> None:
        super().__init__()
        width, count = architecture.channels[stage], architecture.output_residuals[stage]
        self.skips = stage_skips(architecture.input_residuals[stage], count)
        self.resnets = nn.ModuleList(
            [
                residual_block(definition, sum(segments), width, time_channels)
                for segments in output_segments(architecture, stage)
            ]
        )
        attentions = count if architecture.output_attention[stage] else 0
        self.attentions = nn.ModuleList([attention_block(definition, width) for _ in range(attentions)])
        samplers = 1 if stage else 0
        self.upsamplers = nn.ModuleList(
            [residual_block(definition, width, width, time_channels, up=True) for _ in range(samplers)]
        )

    def forward(self, x: Tensor, kept: Sequence[Tensor], time: Tensor) -> Tensor:
        for block, skips in enumerate(self.skips):
            x = _block(self, block, torch.cat([x, *(kept[skip] for skip in skips)], dim=1), time)
        for sampler in self.upsamplers:
            x = sampler(x, time)
        return x


class OneStep(nn.Module):
    """A U-Net at one timestep, the same for all images: what an exporter or a timer calls with one input.

    Args:
        network: The U-Net.
        timestep: The timestep.
    """

    timestep: Tensor

    def __init__(self, network: InpaintingUNet, timestep: int = 500) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("timestep", torch.tensor(timestep))

    def forward(self, sample: Tensor) -> Tensor:
        """[n, input channels, h, w] → [n, latent channels, h, w]."""
        noise: Tensor = self.network(sample, self.timestep)
        return noise


def concatenated(noisy: Tensor, masked: Tensor, mask: Tensor) -> Tensor:
    """A U-Net's input from the noisy latent and the masked image's latent [n, c, h, w] and the mask [n, 1, h, w]."""
    return torch.cat([noisy, masked, mask], dim=1)


def example_latents(definition: UNetDefinition, batch: int = 1, size: int | None = None) -> tuple[Tensor, Tensor]:
    """A random input [batch, input channels, size, size] and timesteps [batch] of 500, on torch's default device."""
    side = definition.latent_size if size is None else size
    return torch.randn(batch, definition.input_channels, side, side), torch.full((batch,), 500)


def entry_channels(architecture: UNetArchitecture, stage: int) -> int:
    """Channels of what an input stage (0-based) is given: those of the stage before it, or its own for the first."""
    return architecture.channels[max(stage - 1, 0)]


def output_segments(architecture: UNetArchitecture, stage: int) -> list[tuple[int, ...]]:
    """Per residual block of an output stage (0-based) the channels of what is concatenated: its input, then skips."""
    width = architecture.channels[stage]
    behind = architecture.channels[min(stage + 1, architecture.stages - 1)]
    segments = []
    taken = stage_skips(architecture.input_residuals[stage], architecture.output_residuals[stage])
    for block, skips in enumerate(taken):
        widths = [width if skip else entry_channels(architecture, stage) for skip in skips]
        segments.append((width if block else behind, *widths))
    return segments


def check_buildable(definition: UNetDefinition, architecture: UNetArchitecture) -> None:
    """Check that groups and heads divide the channels.

    Raises:
        NetworkError: Names the stage.
    """
    attention = zip(architecture.input_attention, architecture.output_attention, strict=True)
    for stage, (width, has) in enumerate(zip(architecture.channels, attention, strict=True), start=1):
        attends = any(has) or stage == architecture.stages  # the middle has the last stage's channels
        for number, what, needed in ((definition.groups, "groups", True), (definition.heads, "heads", attends)):
            if needed and width % number:
                raise NetworkError(f"U-Net: stage {stage}: {width} channels cannot be split into {number} {what}")


def _block(stage: nn.Module, index: int, x: Tensor, time: Tensor) -> Tensor:
    """A residual block of a stage, and the attention block behind it if there is one."""
    resnets, attentions = stage.resnets, stage.attentions
    assert isinstance(resnets, nn.ModuleList)
    assert isinstance(attentions, nn.ModuleList)
    x = resnets[index](x, time)
    return attentions[index](x) if index < len(attentions) else x
