"""The blocks of U-Nets, from diffusers, as the original latent-diffusion networks have them.

Imported when a U-Net is built and not before: diffusers is an extra of this package, and slow to import.
"""

from __future__ import annotations

from torch import nn

from autobuild_pipelines.networks.definition import NetworkError
from autobuild_pipelines.networks.unet_definition import UNetDefinition


def residual_block(
    definition: UNetDefinition,
    inputs: int,
    outputs: int,
    time_channels: int,
    *,
    down: bool = False,
    up: bool = False,
) -> nn.Module:
    """diffusers' `ResnetBlock2D`: two 3x3 convolutions with group normalisation and SiLU before each, the time
    embedding added between them, and the input (through a 1x1 convolution where channels change) added at the end.

    With `down` or `up`, its `Downsample2D` (mean over 2x2) or `Upsample2D` (nearest) is applied to both paths, before
    the first convolution.

    Shapes: [n, inputs, h, w] and [n, time_channels] → [n, outputs, h, w], h and w halved or doubled.
    """
    try:
        from diffusers.models.resnet import ResnetBlock2D
    except ImportError as error:
        raise _missing(error) from error
    block: nn.Module = ResnetBlock2D(
        in_channels=inputs,
        out_channels=outputs,
        temb_channels=time_channels,
        groups=definition.groups,
        eps=definition.norm_eps,
        down=down,
        up=up,
    )
    return block


def attention_block(definition: UNetDefinition, channels: int) -> nn.Module:
    """diffusers' `Attention` of every position to every other, behind a group normalisation, added to its input.

    Shapes: [n, channels, h, w] → the same.
    """
    try:
        from diffusers.models.attention_processor import Attention
    except ImportError as error:
        raise _missing(error) from error
    block: nn.Module = Attention(
        channels,
        heads=definition.heads,
        dim_head=channels // definition.heads,
        norm_num_groups=definition.groups,
        eps=definition.norm_eps,
        residual_connection=True,
        bias=True,
    )
    return block


def time_layers(channels: int, time_channels: int) -> tuple[nn.Module, nn.Module]:
    """diffusers' sinusoids of a timestep (cosines first) [n] → [n, channels], and the two layers behind them
    [n, channels] → [n, time_channels].
    """
    try:
        from diffusers.models.embeddings import TimestepEmbedding, Timesteps
    except ImportError as error:
        raise _missing(error) from error
    return Timesteps(channels, flip_sin_to_cos=True, downscale_freq_shift=0), TimestepEmbedding(channels, time_channels)


def _missing(error: ImportError) -> NetworkError:
    return NetworkError(
        f"U-Nets are made of diffusers' blocks, which cannot be imported ({error}): pip install "
        "'autobuild-pipelines[diffusion]'"
    )
