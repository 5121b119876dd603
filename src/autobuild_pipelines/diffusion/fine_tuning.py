"""Fine-tuning a U-Net to predict the noise in latents of masked images (§7.8; Ho et al. 2020, Eq. 14).

Everything random at a step depends on the seed and the step's number only. So a fine-tuning that is resumed from a
checkpoint gives the same weights as one that never stopped, with any number of workers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader
from tqdm import tqdm

from autobuild_pipelines.diffusion.checkpoint import (
    Checkpoint,
    load_checkpoint,
    optimizer_tensors,
    restore_optimizer,
    save_checkpoint,
)
from autobuild_pipelines.diffusion.encoder import Encoder
from autobuild_pipelines.diffusion.errors import DiffusionError, missing_diffusers
from autobuild_pipelines.diffusion.images import TrainingExamples
from autobuild_pipelines.diffusion.noise import condition, training_schedule
from autobuild_pipelines.diffusion.settings import FineTuningSettings, ScheduleSettings
from autobuild_pipelines.networks.unet import InpaintingUNet

_GROUPS = ("unet", "average", "optimizer", "losses")
_MAY_CHANGE = frozenset({"steps", "checkpoint_every"})
"""Settings that a resumed fine-tuning may have other values of."""


@dataclass(frozen=True)
class FineTuned:
    """What a fine-tuning gives.

    Attributes:
        losses: [steps] the loss of every step's batch, before its update.
    """

    losses: Tensor


def fine_tune(
    network: InpaintingUNet,
    encoder: Encoder,
    files: Sequence[str],
    settings: FineTuningSettings,
    schedule: ScheduleSettings,
    *,
    size: int,
    seed: int,
    device: torch.device | None = None,
    checkpoints: Path | None = None,
    workers: int = 0,
    progress: bool = True,
) -> FineTuned:
    """Fine-tune a U-Net in place; at the end it has the running average of its weights and is in evaluation mode.

    Args:
        network: The U-Net, with the weights to start from.
        encoder: Of its latents, on the device.
        files: Paths of the training images.
        settings: How it is trained.
        schedule: The noise schedule.
        size: Height and width of the images.
        seed: Seed of the images' order, crops and masks, of noise and timesteps.
        device: Where it is trained; the CPU by default.
        checkpoints: Folder of checkpoints; one that is there is resumed from. None keeps none.
        workers: Processes that read images.
        progress: Show a bar.

    Raises:
        DiffusionError: The checkpoint is of other settings; a loss is not finite; or diffusers is missing.
        ImageError: A file is no readable image.
    """
    run = _Run(network, encoder, settings, schedule, seed, device or torch.device("cpu"))
    start = run.resume(checkpoints) if checkpoints is not None else 0
    examples = TrainingExamples(files, size, seed, settings.steps * settings.batch)
    # Without a generator of its own the loader would draw from, and so change, the global one.
    loader = DataLoader(
        examples,
        batch_size=settings.batch,
        sampler=range(start * settings.batch, settings.steps * settings.batch),
        num_workers=workers,
        generator=torch.Generator(),
    )
    bar = tqdm(
        loader, desc="fine-tuning", unit="step", initial=start, total=settings.steps, leave=False, disable=not progress
    )
    for step, (images, masks) in enumerate(bar, start=start):
        run.update(step, images, masks)
        if checkpoints is not None and ((step + 1) % settings.checkpoint_every == 0 or step + 1 == settings.steps):
            save_checkpoint(checkpoints, run.checkpoint(step + 1))
    run.use_average()
    return FineTuned(torch.tensor(run.losses))


class _Run:
    """A fine-tuning: the network, its average, the optimizer and the losses so far."""

    def __init__(
        self,
        network: InpaintingUNet,
        encoder: Encoder,
        settings: FineTuningSettings,
        schedule: ScheduleSettings,
        seed: int,
        device: torch.device,
    ) -> None:
        self._network, self._encoder = network.to(device).train(), encoder
        self._settings, self._schedule, self._seed, self._device = settings, schedule, seed, device
        self._scheduler = training_schedule(schedule)
        self._average = _average(network, settings.average_decay)
        self._optimizer = torch.optim.AdamW(
            network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
        )
        self._mixed = settings.mixed_precision and device.type == "cuda"
        self._scaler = torch.amp.GradScaler(device.type, enabled=self._mixed)
        self._names = [name for name, _ in network.named_parameters()]
        self.losses: list[float] = []

    def update(self, step: int, images: Tensor, masks: Tensor) -> None:
        """One update of the weights by a batch of images [n, 3, r, r] and masks [n, 1, r, r]."""
        count = len(images)
        generator = torch.Generator().manual_seed(_step_seed(self._seed, step))
        timesteps = torch.randint(self._schedule.timesteps, (count,), generator=generator)
        total = 0.0
        most = self._settings.micro_batch or count
        for part in (slice(first, first + most) for first in range(0, count, most)):
            loss = self._loss(images[part], masks[part], timesteps[part], generator) * (most / count)
            torch.autograd.backward(self._scaler.scale(loss))
            total += float(loss.detach())
        if not torch.tensor(total).isfinite():
            raise DiffusionError(f"fine-tuning: the loss of step {step + 1} is {total}; try a lower learning_rate")
        if self._settings.gradient_norm is not None:
            self._scaler.unscale_(self._optimizer)
            nn.utils.clip_grad_norm_(self._network.parameters(), self._settings.gradient_norm)
        self._scaler.step(self._optimizer)
        self._scaler.update()
        self._optimizer.zero_grad(set_to_none=True)
        self._average.step(self._network.parameters())
        self.losses.append(total)

    def _loss(self, images: Tensor, masks: Tensor, timesteps: Tensor, generator: torch.Generator) -> Tensor:
        images, masks, timesteps = (x.to(self._device) for x in (images, masks, timesteps))
        with torch.no_grad():
            latents = self._encoder.encode(images)
            given = condition(self._encoder, images, masks)
        # Image by image, so that it is the same noise however a batch is split.
        noise = torch.stack([torch.randn(latent.shape, generator=generator) for latent in latents]).to(self._device)
        noisy = self._scheduler.add_noise(latents, noise, timesteps)
        with torch.autocast(self._device.type, dtype=torch.float16, enabled=self._mixed):
            predicted = self._network(torch.cat([noisy, given], dim=1), timesteps)
        measure = nn.functional.l1_loss if self._settings.loss == "l1" else nn.functional.mse_loss
        return measure(predicted.float(), noise)

    def checkpoint(self, step: int) -> Checkpoint:
        """What has to be kept to go on from here."""
        average = dict(zip(self._names, self._average.shadow_params, strict=True))
        tensors = {
            "unet": self._network.state_dict(),
            "average": average,
            "optimizer": optimizer_tensors(self._optimizer, self._names),
            "losses": {"losses": torch.tensor(self.losses, dtype=torch.float64)},
        }
        return Checkpoint(step, tensors, {"settings": self._fingerprint(), "scaler": self._scaler.state_dict()})

    def resume(self, folder: Path) -> int:
        """Go on from the latest checkpoint of a folder, if there is one; says how many steps were made."""
        found = load_checkpoint(folder, _GROUPS)
        if found is None:
            return 0
        if found.state["settings"] != self._fingerprint():
            different = sorted(
                key for key, value in self._fingerprint().items() if found.state["settings"].get(key) != value
            )
            raise DiffusionError(
                f"{folder}: its checkpoint was made with other settings ({', '.join(different)}); remove it, or name "
                "another folder, to start again"
            )
        if found.step > self._settings.steps:
            raise DiffusionError(
                f"{folder}: its checkpoint has {found.step} steps, more than the {self._settings.steps} asked for"
            )
        self._network.load_state_dict(found.tensors["unet"])
        self._average.optimization_step = found.step
        self._average.shadow_params = [found.tensors["average"][name].to(self._device) for name in self._names]
        restore_optimizer(self._optimizer, self._names, found.tensors["optimizer"])
        self._scaler.load_state_dict(dict(found.state["scaler"]))
        self.losses = found.tensors["losses"]["losses"].tolist()
        return found.step

    def use_average(self) -> None:
        """Give the network the average of its weights."""
        self._average.copy_to(self._network.parameters())
        self._network.eval()

    def _fingerprint(self) -> dict[str, Any]:
        settings = self._settings.model_dump(mode="json", exclude=set(_MAY_CHANGE))
        schedule = self._schedule.model_dump(mode="json")
        architecture = {key: list(value) for key, value in asdict(self._network.architecture).items()}
        return {**settings, **schedule, "seed": self._seed, "architecture": architecture}


def _average(network: nn.Module, decay: float) -> Any:
    """diffusers' `EMAModel`: keeps min(decay, (1 + step) / (10 + step)) of itself at a step, as latent diffusion's."""
    try:
        from diffusers.training_utils import EMAModel
    except ImportError as error:
        raise missing_diffusers(error) from error
    return EMAModel(network.parameters(), decay=decay)


def _step_seed(seed: int, step: int) -> int:
    return int(np.random.SeedSequence([seed, step]).generate_state(1, np.uint64)[0] >> 1)
