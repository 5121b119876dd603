"""Named predictors: an architecture and how it is trained, as one choice that parameters can refine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from autobuild_pipelines.predictors.model import ModelSettings
from autobuild_pipelines.predictors.training_settings import TrainingSettings


@dataclass(frozen=True)
class Preset:
    """A named predictor.

    Attributes:
        model: Its architecture.
        training: Its optimiser and loss.
    """

    model: ModelSettings = field(default_factory=ModelSettings)
    training: TrainingSettings = field(default_factory=TrainingSettings)


PRESETS: dict[str, Preset] = {
    "autobuild": Preset(),
    "lifted": Preset(
        ModelSettings(lift=32, additive=True),
        TrainingSettings(epochs=60, batch_size=32, learning_rate=3e-3, schedule="cosine", ranking_weight=0.1),
    ),
}
"""`autobuild` is the paper's (§7.1). `lifted` is the same FE-MLP, GATv2 and hop-wise ranking loss, with four changes,
which `benchmarks/predictor_quality.py` can take apart: more and larger steps that cool down; a ranking term a tenth as
heavy, since at full weight it holds the prediction back where a mean over nodes cannot rank (latency at hop 0 depends
on how many nodes there are); a ReLU layer under the message passing, so that features of a layer can interact; and an
additive term beside the head, so that the GNN need not spend itself on what ridge regression finds at once."""


def read_predictor(settings: Mapping[str, Any]) -> Preset:
    """The preset that the key `predictor` names, with the keys of `model` and `training` in place of its own.

    Args:
        settings: A section such as the parameter `predictors`.

    Raises:
        ValueError: There is no such preset, or a setting is unknown or out of range.
    """
    name = settings["predictor"]
    if name not in PRESETS:
        raise ValueError(f"predictors.predictor: {name!r} is not one of {sorted(PRESETS)}")
    preset = PRESETS[name]
    return Preset(
        _refined("model", preset.model, settings.get("model") or {}),
        _refined("training", preset.training, settings.get("training") or {}),
    )


def _refined(section: str, settings: Any, given: Mapping[str, Any]) -> Any:
    if unknown := sorted(set(given) - set(settings.__dataclass_fields__)):
        known = sorted(settings.__dataclass_fields__)
        raise ValueError(f"predictors.{section}: there is no setting {unknown[0]!r}, only {known}")
    return replace(settings, **given)
