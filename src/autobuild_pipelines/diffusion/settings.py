"""Settings of the noise schedule, of fine-tuning and of sampling, as they stand in YAML."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from autobuild_pipelines.spaces.settings import StrictSettings

Count = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0)]


class ScheduleSettings(StrictSettings):
    """The noise schedule; by default that of the published inpainting network (`inpainting_big`).

    Attributes:
        timesteps: Steps from an image's latent to noise.
        beta_start: Variance that the first step adds.
        beta_end: Variance that the last step adds.
        beta_schedule: How it grows, a name of diffusers; the square root grows evenly in "scaled_linear".
    """

    timesteps: Count = 1000
    beta_start: Positive = 0.0015
    beta_end: Positive = 0.0205
    beta_schedule: Literal["linear", "scaled_linear", "squaredcos_cap_v2"] = "scaled_linear"


class FineTuningSettings(StrictSettings):
    """How a U-Net is fine-tuned (§7.9: 20,000 steps of two times 7 images; §7.10: 30,000).

    The paper states neither loss nor learning rate: the loss is the published network's, the learning rate what its
    code makes of its base rate of 1e-6 at 14 images a step.

    Attributes:
        steps: Updates of the weights.
        batch: Images per update.
        micro_batch: Images that pass the network at once; gradients of a batch are summed. All by default.
        learning_rate: Of AdamW.
        weight_decay: Of AdamW.
        gradient_norm: Gradients longer than this are shortened to it; none leaves them.
        loss: Mean absolute ("l1") or squared ("l2") difference of the noise.
        average_decay: Most that the running average of weights keeps of itself at a step.
        checkpoint_every: Steps between checkpoints.
        mixed_precision: Half precision on a GPU, with scaled gradients; has no effect on a CPU.
    """

    steps: Annotated[int, Field(ge=0)] = 20_000
    batch: Count = 14
    micro_batch: Count | None = None
    learning_rate: Positive = 1.4e-5
    weight_decay: Annotated[float, Field(ge=0)] = 0.01
    gradient_norm: Positive | None = 1.0
    loss: Literal["l1", "l2"] = "l1"
    average_decay: Annotated[float, Field(ge=0, lt=1)] = 0.9999
    checkpoint_every: Count = 1000
    mixed_precision: bool = True

    @model_validator(mode="after")
    def _check(self) -> FineTuningSettings:
        if self.micro_batch is not None and self.batch % self.micro_batch:
            raise ValueError(f"micro_batch: {self.micro_batch} does not divide the batch of {self.batch}")
        return self


class SamplingSettings(StrictSettings):
    """How images are inpainted.

    Attributes:
        steps: Steps of DDIM.
        batch: Images at once.
    """

    steps: Count = 50
    batch: Count = 8
