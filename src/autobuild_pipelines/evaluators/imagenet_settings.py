"""What the ImageNet evaluator reads and how, as it stands in YAML."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from autobuild_pipelines.evaluators.protocol import EvaluationError
from autobuild_pipelines.spaces.settings import StrictSettings, read_settings

Count = Annotated[int, Field(ge=1)]


class ImageNetSettings(StrictSettings):
    """What the evaluation reads and how.

    Attributes:
        weights: Path of the supernet's weights, in the public layout (see `networks.read_supernet`).
        train_images: Folder of training images, one subfolder a class; batch norm is recalibrated on some of them.
        val_images: Folder of validation images, one subfolder a class.
        calibration_images: How many training images (all, where there are fewer). Once-for-All: 2000.
        calibration_batch: Images per batch of the recalibration; the statistics depend on it.
        batch: Images per batch of the evaluation.
        limit: Evaluate on this many validation images, drawn with the seed; all by default.
        seed: Seed of the draws, the crops and the colours.
        workers: Processes that read images; 0 reads them in this one.
        device: "auto" (a GPU if there is one), "cpu", "cuda", "cuda:1", …
    """

    weights: str
    train_images: str
    val_images: str
    calibration_images: Count = 2000
    calibration_batch: Annotated[int, Field(ge=2)] = 200
    batch: Count = 200
    limit: Count | None = None
    seed: Annotated[int, Field(ge=0)] = 0
    workers: Annotated[int, Field(ge=0)] = 0
    device: str = "auto"

    @classmethod
    def from_mapping(cls, content: Any) -> ImageNetSettings:
        """Check the settings as read from parameters.

        Raises:
            EvaluationError: Names the key that is wrong and the reason.
        """
        return read_settings(
            cls, content, what="evaluator of type 'imagenet'", example="weights", source="", refusal=EvaluationError
        )
