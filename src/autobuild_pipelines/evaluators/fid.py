"""FID of a U-Net's inpainted images, after it inherited weights and was fine-tuned (§7.9, §7.10)."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Subset
from tqdm import tqdm

from autobuild_pipelines.diffusion import DiffusionError, Encoder, fine_tune, inpaint, read_encoder
from autobuild_pipelines.diffusion.checkpoint import finish, finished
from autobuild_pipelines.diffusion.encoder import encoder_hash
from autobuild_pipelines.diffusion.images import EvaluationExamples, masks_of
from autobuild_pipelines.evaluators.device import device_of
from autobuild_pipelines.evaluators.fid_features import WHERE_TO_GET_INCEPTION, frechet_distance, read_features
from autobuild_pipelines.evaluators.fid_settings import FidSettings
from autobuild_pipelines.evaluators.protocol import EvaluationError
from autobuild_pipelines.images import ImageError, image_files
from autobuild_pipelines.networks import NetworkError
from autobuild_pipelines.networks.unet import InpaintingUNet
from autobuild_pipelines.networks.unet_arrays import read_unet
from autobuild_pipelines.networks.unet_definition import UNetDefinition
from autobuild_pipelines.networks.unet_weights import inherit, read_unet_weights
from autobuild_pipelines.spaces import Architecture, SearchSpace

FID = "fid"
"""Metric: Fréchet distance between features of the validation images and of the same, inpainted; lower is better."""

WHERE_TO_GET = (
    "The published inpainting network with its VQ-GAN (`inpainting_big`) is named with its address in "
    "https://github.com/CompVis/latent-diffusion, Places365's images (256 x 256) are at "
    "http://places2.csail.mit.edu, and " + WHERE_TO_GET_INCEPTION + "; see docs/stable_diffusion.md"
)


class FidEvaluator:
    """FID of one architecture at a time.

    The U-Net inherits the original's weights, is fine-tuned on training images with random masks, and inpaints the
    validation images by DDIM from its averaged weights. The masks and the noise that sampling starts from are the same
    for every architecture.

    Args:
        space: The search space.
        definition: The family of U-Nets.
        settings: What it reads and how.
        progress: Show bars.

    Raises:
        EvaluationError: As `check`.
        NetworkError: The definition does not fit the space.
    """

    kind = "fid"
    metrics: tuple[str, ...] = (FID,)

    def __init__(
        self, space: SearchSpace, definition: UNetDefinition, settings: FidSettings, *, progress: bool = True
    ) -> None:
        definition.check_fits(space)
        self._space, self._definition, self._settings, self._progress = space, definition, settings, progress
        self._hash = ""
        self.check()

    def check(self) -> None:
        """Check that everything needed is there and fits together.

        Raises:
            EvaluationError: Names all that is missing (weights, encoder, features, images, packages, the device) and
                where to get it; or what does not fit: weights, latents, features.
        """
        s = self._settings
        missing = [
            f"{key}: {path}: no such file" for key in ("weights", "features") if not os.path.isfile(path := _of(s, key))
        ]
        missing += [
            f"{key}: {path}: no such folder"
            for key in ("encoder", "train_images", "val_images", "val_masks")
            if (path := _of(s, key)) and not os.path.isdir(path)
        ]
        if missing:
            raise EvaluationError(f"evaluator of type 'fid': {'; '.join(missing)}. {WHERE_TO_GET}")
        for package in ("diffusers", "torchmetrics", "PIL"):
            if importlib.util.find_spec(package) is None:
                raise EvaluationError(
                    f"evaluator of type 'fid' needs {package}: pip install 'autobuild-pipelines[diffusion]'"
                )
        device_of(s.device, self.kind)
        try:
            self._hash = self._data_hash()
            read_unet_weights(s.weights, self._definition, s.original.architecture)
            self._noise_shape(read_encoder(s.encoder))
            self._examples()
        except (NetworkError, DiffusionError, ImageError) as error:
            raise EvaluationError(f"evaluator of type 'fid': {error}") from error
        read_features(s.features, s.image_size)

    def settings(self) -> dict[str, Any]:
        """All that changes the result, besides the data: no paths, and nothing that only changes the speed."""
        what = self._settings.model_dump(
            mode="json",
            exclude={
                "weights": True,
                "encoder": True,
                "features": True,
                "train_images": True,
                "val_images": True,
                "val_masks": True,
                "checkpoints": True,
                "workers": True,
                "device": True,
                "fine_tuning": {"checkpoint_every"},
            },
        )
        network = self._definition.model_dump(mode="json", exclude={"title", "latent_size"})
        mixed = what["fine_tuning"]["mixed_precision"] and device_of(self._settings.device, self.kind).type == "cuda"
        what["fine_tuning"]["mixed_precision"] = mixed
        return {**what, "own_masks": self._settings.val_masks is not None, "network": network}

    def data_hash(self) -> str:
        """SHA-256 of weights, encoder, features, the images' relative paths and sizes, as they were when checked."""
        return self._hash

    def evaluate(self, architecture: Architecture) -> dict[str, float]:
        """FID of an architecture.

        Raises:
            NetworkError: It is not of the space, or wider than the original where that is refused.
            DiffusionError: Fine-tuning fails.
            ImageError: An image cannot be read.
        """
        s, device = self._settings, device_of(self._settings.device, self.kind)
        encoder = read_encoder(s.encoder).to(device)
        network = self.fine_tuned(architecture, encoder, device)
        features = read_features(s.features, s.image_size).to(device)
        return {FID: frechet_distance(features, self._pairs(network, encoder, device, architecture.id))}

    def fine_tuned(self, architecture: Architecture, encoder: Encoder, device: torch.device) -> InpaintingUNet:
        """The network of an architecture with inherited, fine-tuned and averaged weights, in evaluation mode.

        Raises:
            NetworkError: As `evaluate`.
            DiffusionError: As `evaluate`.
            ImageError: As `evaluate`.
        """
        s = self._settings
        unet, source = read_unet(self._space, architecture, self._definition.features), s.original.architecture
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(s.seed)
            network = InpaintingUNet(self._definition, unet)
        folder = self._folder(architecture)
        if folder is not None and (weights := finished(folder)) is not None:
            network.load_state_dict(weights)
            return network.to(device).eval()
        inherit(network, read_unet_weights(s.weights, self._definition, source), source, wider=s.wider)
        files, _ = image_files(s.train_images)
        fine_tune(
            network,
            encoder,
            files,
            s.fine_tuning,
            s.schedule,
            size=s.image_size,
            seed=s.seed,
            device=device,
            checkpoints=folder,
            workers=s.workers,
            progress=self._progress,
        )
        if folder is not None:
            finish(folder, network.state_dict())
        return network

    def _pairs(
        self, network: InpaintingUNet, encoder: Encoder, device: torch.device, name: str
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Batches of validation images and of the same, inpainted: [n, 3, r, r] uint8."""
        s = self._settings
        # Without a generator of its own the loader would draw from, and so change, the global one.
        loader = DataLoader(
            self._examples(), batch_size=s.sampling.batch, num_workers=s.workers, generator=torch.Generator()
        )
        shape, number = self._noise_shape(encoder, device), 0
        for images, masks in tqdm(
            loader, desc=f"inpainting {name}", unit="batch", leave=False, disable=not self._progress
        ):
            noise = torch.stack([_noise(shape, s.seed, number + i) for i in range(len(images))])
            number += len(images)
            images, masks, noise = images.to(device), masks.to(device), noise.to(device)
            made_up = inpaint(network, encoder, images, masks, noise, s.schedule, s.sampling.steps)
            yield _bytes(images), _bytes(made_up)

    def _examples(self) -> Subset[tuple[Tensor, Tensor]]:
        s = self._settings
        files, _ = image_files(s.val_images)
        files = files[: s.limit]
        if len(files) < 2:
            raise ImageError(f"{s.val_images}: has {len(files)} image, expected two or more")
        masks = None if s.val_masks is None else masks_of(files, s.val_images, s.val_masks)
        return Subset(EvaluationExamples(files, s.image_size, s.seed, masks), range(len(files)))

    def _noise_shape(self, encoder: Encoder, device: torch.device | None = None) -> tuple[int, ...]:
        """Shape of an image's latent.

        Raises:
            DiffusionError: It has another number of channels than the network reads.
        """
        size, wanted = self._settings.image_size, self._definition.latent_channels
        shape = tuple(encoder.encode(torch.zeros(1, 3, size, size, device=device)).shape[1:])
        if shape[0] != wanted:
            raise DiffusionError(
                f"{self._settings.encoder}: its latents have {shape[0]} channels, the network's definition has "
                f"latent_channels: {wanted}"
            )
        return shape

    def _folder(self, architecture: Architecture) -> Path | None:
        """Where the architecture's checkpoints are: other settings or data have another folder."""
        if self._settings.checkpoints is None:
            return None
        text = json.dumps([self.settings(), self._hash], sort_keys=True)
        return Path(self._settings.checkpoints) / f"{architecture.id}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"

    def _data_hash(self) -> str:
        s, digest = self._settings, hashlib.sha256()
        for path in (s.weights, s.features):
            with open(path, "rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        digest.update(encoder_hash(s.encoder).encode())
        for folder in filter(None, (s.train_images, s.val_images, s.val_masks)):
            digest.update(image_files(folder)[1].encode())
        return digest.hexdigest()


def _of(settings: FidSettings, key: str) -> str:
    return str(getattr(settings, key) or "")


def _noise(shape: tuple[int, ...], seed: int, image: int) -> Tensor:
    draw = np.random.default_rng([seed, 3, image]).standard_normal(shape, dtype=np.float32)
    return torch.from_numpy(draw)


def _bytes(images: Tensor) -> Tensor:
    return ((images + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
