"""The noise schedule is the published network's; inpainting changes what is masked and nothing else."""

from __future__ import annotations

import numpy as np
import torch
from parts import LATENT, SIZE, network
from torch import Tensor, nn

from autobuild_pipelines.diffusion.encoder import DiffusersEncoder
from autobuild_pipelines.diffusion.inpainting import inpaint
from autobuild_pipelines.diffusion.noise import condition, sampling_schedule, training_schedule
from autobuild_pipelines.diffusion.settings import ScheduleSettings

SCHEDULE = ScheduleSettings()


class Pixels:
    """Encodes an image as every fourth of its pixels, and decodes by repeating them."""

    def encode(self, images: Tensor) -> Tensor:
        return images[..., ::4, ::4]

    def decode(self, latents: Tensor) -> Tensor:
        return latents.repeat_interleave(4, dim=-1).repeat_interleave(4, dim=-2)


class Oracle(nn.Module):
    """Knows the latent, and so the noise in it at every timestep."""

    def __init__(self, latents: Tensor) -> None:
        super().__init__()
        self.latents = latents
        self.kept = training_schedule(SCHEDULE).alphas_cumprod

    def forward(self, sample: Tensor, timestep: Tensor) -> Tensor:
        kept = self.kept[timestep]
        return (sample[:, :3] - kept.sqrt() * self.latents) / (1 - kept).sqrt()


def test_noise_is_added_as_in_the_published_network() -> None:
    # `inpainting_big`: linear_start 0.0015, linear_end 0.0205, 1000 timesteps; the code's "linear" is of square roots.
    betas = np.linspace(0.0015**0.5, 0.0205**0.5, 1000) ** 2
    kept = np.cumprod(1 - betas)
    scheduler = training_schedule(SCHEDULE)
    np.testing.assert_allclose(scheduler.alphas_cumprod.numpy(), kept, rtol=1e-4)
    latents, noise = torch.ones(1, 3, 2, 2), torch.full((1, 3, 2, 2), 2.0)
    noisy = scheduler.add_noise(latents, noise, torch.tensor([700]))
    np.testing.assert_allclose(noisy.numpy(), kept[700] ** 0.5 + 2 * (1 - kept[700]) ** 0.5, rtol=1e-4)


def test_sampling_visits_the_timesteps_of_latent_diffusions_code() -> None:
    scheduler = sampling_schedule(SCHEDULE)
    scheduler.set_timesteps(50)
    assert scheduler.timesteps.tolist() == list(range(1, 1000, 20))[::-1]


def test_the_condition_is_the_image_in_black_where_masked_and_the_small_mask() -> None:
    images = torch.rand(1, 3, SIZE, SIZE)
    masks = torch.zeros(1, 1, SIZE, SIZE)
    masks[..., :16] = 1
    given = condition(Pixels(), images, masks)
    assert given.shape == (1, 4, LATENT, LATENT)
    assert bool((given[:, :3, :, :4] == -1).all())
    assert torch.equal(given[:, :3, :, 4:], images[..., ::4, 16::4])
    assert bool((given[:, 3, :, :4] == 1).all())
    assert bool((given[:, 3, :, 4:] == -1).all())


def test_a_network_that_knows_the_noise_restores_the_masked_image() -> None:
    coarse = torch.rand(2, 3, LATENT, LATENT) * 2 - 1
    images = Pixels().decode(coarse)
    masks = (torch.rand(2, 1, SIZE, SIZE) < 0.5).float()
    noise = torch.randn(2, 3, LATENT, LATENT)
    restored = inpaint(Oracle(coarse), Pixels(), images, masks, noise, SCHEDULE, steps=10)
    left = Pixels().decode(noise) * SCHEDULE.beta_start**0.5  # the first timestep's noise, which is never taken away
    assert torch.allclose(restored, torch.where(masks > 0, (images + left).clamp(-1, 1), images), atol=0.005)


def test_only_what_is_masked_changes_and_the_noise_decides_how(encoder: DiffusersEncoder) -> None:
    images = torch.rand(1, 3, SIZE, SIZE) * 2 - 1
    masks = torch.zeros(1, 1, SIZE, SIZE)
    masks[..., 8:24, 8:24] = 1
    unet = network().eval()
    found = [
        inpaint(unet, encoder, images, masks, torch.randn(1, 3, LATENT, LATENT, generator=g), SCHEDULE, steps=3)
        for g in (torch.Generator().manual_seed(seed) for seed in (0, 0, 1))
    ]
    outside = masks.expand_as(images) == 0
    assert torch.equal(found[0][outside], images[outside])
    assert not torch.equal(found[0], images)
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])
    assert bool((found[0].abs() <= 1).all())
