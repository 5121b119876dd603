"""What an inpainting needs, small enough to run in a moment: a U-Net, a VQ-GAN-shaped encoder, images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from autobuild_pipelines.networks.unet import InpaintingUNet
from autobuild_pipelines.networks.unet_architecture import UNetArchitecture
from autobuild_pipelines.networks.unet_definition import UNetDefinition

SIZE, LATENT = 32, 8
DEFINITION = UNetDefinition(groups=2, heads=2, latent_size=LATENT)
UNET = UNetArchitecture((4, 8), (1, 2), (2, 3), (False, True), (False, True))


def network(seed: int = 0, unet: UNetArchitecture = UNET) -> InpaintingUNet:
    """A U-Net of random weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return InpaintingUNet(DEFINITION, unet)


def vq_gan(**changes: Any) -> Any:
    """A `VQModel` of random weights, shaped as the published one: a quarter of the image's size, three channels."""
    from diffusers import VQModel

    shape = {
        "down_block_types": ("DownEncoderBlock2D",) * 3,
        "up_block_types": ("UpDecoderBlock2D",) * 3,
        "block_out_channels": (4, 4, 8),
        "layers_per_block": 1,
        "latent_channels": 3,
        "num_vq_embeddings": 32,
        "norm_num_groups": 2,
        "mid_block_add_attention": False,
    }
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        return VQModel(**{**shape, **changes})


def write_images(folder: Path, count: int, seed: int) -> list[str]:
    """PNGs of coarse random blocks, of various sizes; their paths in order."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    for number in range(count):
        width, height = (int(x) for x in rng.integers(SIZE, SIZE + 16, size=2))
        blocks = rng.integers(0, 256, size=(4, 4, 3), dtype=np.uint8)
        Image.fromarray(blocks).resize((width, height), Image.Resampling.BICUBIC).save(folder / f"{number:02d}.png")
    return [str(path) for path in sorted(folder.iterdir())]
