"""What `ir_insight` may be told, as it stands under that key in parameters."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from autobuild_pipelines.predictors import Preset, read_predictor
from autobuild_pipelines.spaces.settings import StrictSettings, read_settings


class InsightSettings(StrictSettings):
    """Settings of `ir_insight`.

    Attributes:
        count: Architectures that are drawn from the labelled ones; all of them if there are fewer.
        held_out: Share of them that is only predicted.
        min_architectures: Fewest architectures of a subgraph that is ranked.
        drawn: Best subgraphs of each hop that the figure shows; the worst stands beside them.
        predictor: A preset, see `predictors/presets.py`.
        ensemble: Predictors per target, null for the preset's number.
        model: Changes to its architecture, such as `layers: 5` for subgraphs of up to 5 hops.
        training: Changes to its training, such as `epochs: 40`.
    """

    count: int = Field(default=300, ge=10)
    held_out: float = Field(default=0.2, gt=0, lt=1)
    min_architectures: int = Field(default=5, ge=1)
    drawn: int = Field(default=2, ge=1, le=4)
    predictor: str = "operators"
    ensemble: int | None = Field(default=None, ge=1)
    model: dict[str, Any] = Field(default_factory=dict)
    training: dict[str, Any] = Field(default_factory=dict)

    @classmethod
    def of(cls, content: Any) -> InsightSettings:
        """Read the mapping that parameters hold.

        Raises:
            ValueError: Names the key that is wrong, and why.
        """
        return read_settings(cls, content, what="ir_insight", example="count", source="", refusal=ValueError)

    def preset(self, labelled: int) -> Preset:
        """The predictor and how it is trained on so many architectures."""
        return read_predictor(self.model_dump(), labelled)
