"""Inpainting by diffusion in latents: masked images, the noise schedule, fine-tuning of U-Nets, sampling."""

from autobuild_pipelines.diffusion.encoder import Encoder, read_encoder
from autobuild_pipelines.diffusion.errors import DiffusionError
from autobuild_pipelines.diffusion.fine_tuning import FineTuned, fine_tune
from autobuild_pipelines.diffusion.inpainting import inpaint
from autobuild_pipelines.diffusion.settings import FineTuningSettings, SamplingSettings, ScheduleSettings

__all__ = [
    "DiffusionError",
    "Encoder",
    "FineTuned",
    "FineTuningSettings",
    "SamplingSettings",
    "ScheduleSettings",
    "fine_tune",
    "inpaint",
    "read_encoder",
]
