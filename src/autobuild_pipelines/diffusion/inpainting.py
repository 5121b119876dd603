"""Inpainting images by DDIM."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from autobuild_pipelines.diffusion.encoder import Encoder
from autobuild_pipelines.diffusion.noise import condition, sampling_schedule
from autobuild_pipelines.diffusion.settings import ScheduleSettings


@torch.no_grad()
def inpaint(
    network: nn.Module,
    encoder: Encoder,
    images: Tensor,
    masks: Tensor,
    noise: Tensor,
    schedule: ScheduleSettings,
    steps: int,
) -> Tensor:
    """Images with their masked parts made up by the network.

    Args:
        network: Predicts the noise in [noisy latent, condition] at timesteps; in evaluation mode.
        encoder: Of the network's latents.
        images: [n, 3, r, r] from -1 to 1.
        masks: [n, 1, r, r], 1 where they are to be inpainted.
        noise: [n, c, h, h] that the latents start from.
        schedule: The noise schedule.
        steps: Steps of DDIM, without noise between them.

    Returns:
        [n, 3, r, r] from -1 to 1: outside of the masks the images.
    """
    given = condition(encoder, images, masks)
    scheduler = sampling_schedule(schedule)
    scheduler.set_timesteps(steps, device=images.device)
    latents = noise
    for timestep in scheduler.timesteps:
        predicted = network(torch.cat([latents, given], dim=1), timestep)
        latents = scheduler.step(predicted, timestep, latents).prev_sample
    made_up = encoder.decode(latents).clamp(-1, 1)
    return torch.where(masks > 0.5, made_up, images)
