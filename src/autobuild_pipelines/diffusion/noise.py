"""The noise schedules of training and sampling, from diffusers, and what a U-Net is given beside the noisy latent."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from autobuild_pipelines.diffusion.encoder import Encoder
from autobuild_pipelines.diffusion.errors import missing_diffusers
from autobuild_pipelines.diffusion.settings import ScheduleSettings


def training_schedule(settings: ScheduleSettings) -> Any:
    """diffusers' `DDPMScheduler`, which adds a timestep's noise to latents (Ho et al. 2020, Eq. 4)."""
    try:
        from diffusers import DDPMScheduler
    except ImportError as error:
        raise missing_diffusers(error) from error
    make: Any = DDPMScheduler
    return make(**_arguments(settings))


def sampling_schedule(settings: ScheduleSettings) -> Any:
    """diffusers' `DDIMScheduler` (Song et al. 2021), with the timesteps that latent diffusion's code samples at."""
    try:
        from diffusers import DDIMScheduler
    except ImportError as error:
        raise missing_diffusers(error) from error
    make: Any = DDIMScheduler
    return make(**_arguments(settings), steps_offset=1, set_alpha_to_one=False)


def condition(encoder: Encoder, images: Tensor, masks: Tensor) -> Tensor:
    """What the U-Net reads beside the noisy latent, as the published network does.

    Args:
        encoder: Encodes images.
        images: [n, 3, r, r] from -1 to 1.
        masks: [n, 1, r, r] of 0 and 1.

    Returns:
        [n, c + 1, h, h]: the latent of the image with -1 (black) where it is masked, and the mask at the latent's size
        (nearest pixel), as -1 and 1.
    """
    latents = encoder.encode(torch.where(masks > 0.5, -torch.ones_like(images), images))
    small = torch.nn.functional.interpolate(masks, size=latents.shape[-2:])
    return torch.cat([latents, 2 * small - 1], dim=1)


def _arguments(settings: ScheduleSettings) -> dict[str, Any]:
    return {
        "num_train_timesteps": settings.timesteps,
        "beta_start": settings.beta_start,
        "beta_end": settings.beta_end,
        "beta_schedule": settings.beta_schedule,
        "clip_sample": False,
    }
