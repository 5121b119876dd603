"""What the FID evaluator reads and how, as it stands in YAML."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from autobuild_pipelines.diffusion import FineTuningSettings, SamplingSettings, ScheduleSettings
from autobuild_pipelines.evaluators.protocol import EvaluationError
from autobuild_pipelines.networks.unet_architecture import UNetArchitecture
from autobuild_pipelines.spaces.settings import FROM_LIST, StrictSettings, read_settings

Counts = Annotated[tuple[Annotated[int, Field(ge=1)], ...], FROM_LIST]
Flags = Annotated[tuple[bool, ...], FROM_LIST]


class OriginalSettings(StrictSettings):
    """The architecture of the original weights; see `UNetArchitecture`. By default the published network's."""

    channels: Counts = (256, 512, 768, 1024)
    input_residuals: Counts = (2, 2, 2, 2)
    output_residuals: Counts = (3, 3, 3, 3)
    input_attention: Flags = (False, True, True, True)
    output_attention: Flags = (False, True, True, True)

    @property
    def architecture(self) -> UNetArchitecture:
        """The architecture.

        Raises:
            NetworkError: The lists differ in length.
        """
        return UNetArchitecture(**self.model_dump())


class FidSettings(StrictSettings):
    """What the evaluation reads and how.

    Attributes:
        weights: Path of the original U-Net's weights (see `networks.unet_weights.read_unet_weights`).
        encoder: Folder of the encoder as diffusers saves it (see `diffusion.read_encoder`).
        features: Path of the network whose features the distance is of (see `read_features`).
        train_images: Folder of training images, with or without folders in it.
        val_images: Folder of validation images.
        val_masks: Folder of their masks, under the same names as PNGs; by default random ones, drawn with the seed.
        original: The original's architecture.
        wider: What to do with architectures that are wider than the original: "refuse" them, or "keep" initial weights
            where there are none to inherit.
        image_size: Height and width of images.
        schedule: The noise schedule.
        fine_tuning: How the U-Net is trained.
        sampling: How images are inpainted.
        limit: Evaluate on this many validation images, the first by name; all by default. The paper: 3000.
        checkpoints: Folder of checkpoints, one subfolder an architecture; none keeps none.
        seed: Seed of everything random.
        workers: Processes that read images; 0 reads them in this one.
        device: "auto" (a GPU if there is one), "cpu", "cuda", "cuda:1", …
    """

    weights: str
    encoder: str
    features: str
    train_images: str
    val_images: str
    val_masks: str | None = None
    original: OriginalSettings = OriginalSettings()
    wider: Literal["refuse", "keep"] = "refuse"
    image_size: Annotated[int, Field(ge=8)] = 256
    schedule: ScheduleSettings = ScheduleSettings()
    fine_tuning: FineTuningSettings = FineTuningSettings()
    sampling: SamplingSettings = SamplingSettings()
    limit: Annotated[int, Field(ge=2)] | None = None
    checkpoints: str | None = None
    seed: Annotated[int, Field(ge=0)] = 0
    workers: Annotated[int, Field(ge=0)] = 0
    device: str = "auto"

    @classmethod
    def from_mapping(cls, content: Any) -> FidSettings:
        """Check the settings as read from parameters.

        Raises:
            EvaluationError: Names the key that is wrong and the reason.
        """
        return read_settings(
            cls, content, what="evaluator of type 'fid'", example="weights", source="", refusal=EvaluationError
        )
