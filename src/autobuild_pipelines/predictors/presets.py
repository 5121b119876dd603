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
        ensemble: Predictors per target.
        few: What it is with fewer than `enough` labelled architectures; None if it is the same with any number.
        enough: See `few`.
    """

    model: ModelSettings = field(default_factory=ModelSettings)
    training: TrainingSettings = field(default_factory=TrainingSettings)
    ensemble: int = 1
    few: Preset | None = None
    enough: int = 0

    def for_labels(self, labelled: int) -> Preset:
        """What it is with so many labelled architectures to learn from."""
        return self.few if self.few is not None and labelled < self.enough else self


_LIFTED = TrainingSettings(epochs=60, batch_size=32, learning_rate=3e-3, schedule="cosine", ranking_weight=0.1)

_SLOWER = replace(_LIFTED, epochs=150, learning_rate=1e-3)
_FEW = Preset(ModelSettings(lift=32), _SLOWER, ensemble=4)

PRESETS: dict[str, Preset] = {
    "autobuild": Preset(),
    "lifted": Preset(ModelSettings(lift=32, additive=True), _LIFTED, few=_FEW, enough=1000),
    "residual": Preset(
        ModelSettings(hidden=64, aggregation="sum", activation="LeakyReLU", residual=True),
        _SLOWER,
        few=_FEW,
        enough=1000,
    ),
    "operators": Preset(
        ModelSettings(lift=32, head_norm=True),
        TrainingSettings(epochs=20, batch_size=16, learning_rate=3e-3, schedule="cosine", ranking_weight=0.5),
    ),
}
"""`autobuild` is the paper's (§7.1). `lifted` is the same FE-MLP, GATv2 and hop-wise ranking loss, with four changes,
which `benchmarks/predictor_quality.py` can take apart: more and larger steps that cool down; a ranking term a tenth as
heavy, since at full weight it holds the prediction back where a mean over nodes cannot rank (latency at hop 0 depends
on how many nodes there are); a ReLU layer under the message passing, so that features of a layer can interact; and an
additive term beside the head, so that the GNN need not spend itself on what ridge regression finds at once.

With fewer than 1,000 labels it goes without the additive term, whose one weight a layer and place then learns noise
that the FE-MLP's one weight a feature value averages out; steps are smaller and more, since an epoch has few; and four
predictors are averaged, which costs little (`benchmarks/measured_tables.py`).

`residual` takes some four times as long to train as `lifted` and ranks the modules of the first units better in
context, though by Eq. 5 hardly at all (`benchmarks/module_ranking.py`). Its layers have a skip connection of their own,
are twice as wide and learn in smaller and more steps; node embeddings are summed. It has no additive term, which is
learned at once and then stands in the way of what neighbouring layers do together. With fewer than 1,000 labels it is
what `lifted` is.

`operators` is for operator graphs (`docs/operator_graphs.md`): larger steps as in `lifted`, and a heavier ranking
term, since what is wanted of it are norms that rank at every hop. Batch norm stands before the head, without which some
heads stay near a constant (`benchmarks/operator_heads.py`)."""


def read_predictor(settings: Mapping[str, Any], labelled: int) -> Preset:
    """The preset that the key `predictor` names, with what `model`, `training` and `ensemble` say in place of its own.

    Args:
        settings: A section such as the parameter `predictors`.
        labelled: Architectures to learn from.

    Raises:
        ValueError: There is no such preset, or a setting is unknown or out of range.
    """
    name = settings["predictor"]
    if name not in PRESETS:
        raise ValueError(f"predictors.predictor: {name!r} is not one of {sorted(PRESETS)}")
    preset = PRESETS[name].for_labels(labelled)
    ensemble = settings.get("ensemble")
    if ensemble is not None and ensemble < 1:
        raise ValueError(f"predictors.ensemble: must be 1 or more, or null for the predictor's own, got {ensemble}")
    return Preset(
        _refined("model", preset.model, settings.get("model") or {}),
        _refined("training", preset.training, settings.get("training") or {}),
        preset.ensemble if ensemble is None else ensemble,
    )


def _refined(section: str, settings: Any, given: Mapping[str, Any]) -> Any:
    if unknown := sorted(set(given) - set(settings.__dataclass_fields__)):
        known = sorted(settings.__dataclass_fields__)
        raise ValueError(f"predictors.{section}: there is no setting {unknown[0]!r}, only {known}")
    return replace(settings, **given)
