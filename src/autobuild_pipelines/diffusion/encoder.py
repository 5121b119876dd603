"""The encoder of images into latents and back: a VQ-GAN, or any module that encodes and decodes."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from autobuild_pipelines.diffusion.errors import DiffusionError, missing_diffusers

CONFIG, WEIGHTS = "config.json", "diffusion_pytorch_model.safetensors"
"""Files of a model as diffusers saves it."""


class Encoder(Protocol):
    """Images to latents and back, without gradients."""

    def encode(self, images: Tensor) -> Tensor:
        """[n, 3, r, r] from -1 to 1 → [n, c, r / f, r / f]."""
        ...

    def decode(self, latents: Tensor) -> Tensor:
        """[n, c, h, h] → [n, 3, f · h, f · h], about -1 to 1."""
        ...


class DiffusersEncoder(nn.Module):
    """A `VQModel` or `AutoencoderKL` of diffusers, frozen.

    A VQ-GAN's latent is what its encoder gives, before quantisation; decoding quantises it first. Of an `AutoencoderKL`
    it is the mean. Latents are multiplied by the model's `scaling_factor`, which is 1 for the published VQ-GAN.

    Args:
        model: The model.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model.eval().requires_grad_(False)
        self._scale = float(model.config.get("scaling_factor") or 1.0) if _is_kl(model) else 1.0

    @torch.no_grad()
    def encode(self, images: Tensor) -> Tensor:
        """See `Encoder`."""
        encoded = self.model.encode(images)
        latents: Tensor = encoded.latent_dist.mode() if _is_kl(self.model) else encoded.latents
        return latents * self._scale

    @torch.no_grad()
    def decode(self, latents: Tensor) -> Tensor:
        """See `Encoder`."""
        images: Tensor = self.model.decode(latents / self._scale).sample
        return images


def read_encoder(folder: str | Path) -> DiffusersEncoder:
    """The encoder in a folder as diffusers saves it: `config.json` and `diffusion_pytorch_model.safetensors`.

    Raises:
        DiffusionError: A file is missing, the model is of another class, or the weights do not fit.
    """
    kind = json.loads(_file(folder, CONFIG).read_text(encoding="utf-8")).get("_class_name")
    _file(folder, WEIGHTS)
    try:
        from diffusers import AutoencoderKL, VQModel
    except ImportError as error:
        raise missing_diffusers(error) from error
    models = {"VQModel": VQModel, "AutoencoderKL": AutoencoderKL}
    if kind not in models:
        raise DiffusionError(f"{folder}: {CONFIG}: _class_name is {kind!r}, expected one of {sorted(models)}")
    try:
        model = models[kind].from_pretrained(
            str(folder), local_files_only=True, use_safetensors=True, low_cpu_mem_usage=False
        )
    except (OSError, ValueError, RuntimeError, TypeError) as error:
        raise DiffusionError(f"{folder}: is not a readable {kind}: {' '.join(str(error).split())[:300]}") from None
    return DiffusersEncoder(model)


def encoder_hash(folder: str | Path) -> str:
    """SHA-256 of the encoder's files.

    Raises:
        DiffusionError: A file is missing.
    """
    digest = hashlib.sha256()
    for name in (CONFIG, WEIGHTS):
        with open(_file(folder, name), "rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def _file(folder: str | Path, name: str) -> Path:
    path = Path(folder) / name
    if not path.is_file():
        raise DiffusionError(f"{path}: no such file; expected an encoder's folder with {CONFIG} and {WEIGHTS}")
    return path


def _is_kl(model: Any) -> bool:
    return type(model).__name__ == "AutoencoderKL"
