"""Predictors as files: one safetensors file and one JSON card per target, and an index over them.

A card says all that is needed to use the weights and to check that they fit: space, target, equation, feature schema,
model settings, label and hop moments, provenance, and the SHA-256 of the weights. Weights and hop moments have the
members of the target's ensemble as their first axis. No file holds code.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autobuild_pipelines.graphs import FeatureSchema
from autobuild_pipelines.predictors.card_files import (
    card_text,
    check_weights,
    entry,
    load_weights,
    moments,
    read_card,
    target_files,
)
from autobuild_pipelines.predictors.model import GraphPredictor, ModelSettings
from autobuild_pipelines.predictors.stacked import PredictorError
from autobuild_pipelines.predictors.trained import TrainedPredictors
from autobuild_pipelines.spaces import SearchSpace

INDEX = "predictors.json"
FORMAT = 3


def to_files(predictors: TrainedPredictors) -> dict[str, bytes]:
    """File name to content: `<target>.safetensors`, `<target>.json` and `predictors.json`."""
    files: dict[str, bytes] = {}
    for target, weights, of_weights in target_files(predictors):
        card = {
            "format": FORMAT,
            "space": predictors.space.name,
            "target": target,
            "equation": predictors.equations.get(target, target),
            "feature_schema": FeatureSchema.of(predictors.space).to_json(),
            "model": predictors.model.settings.to_json(),
            **of_weights,
            "provenance": predictors.provenance,
        }
        files[f"{target}.safetensors"] = weights
        files[f"{target}.json"] = card_text(card)
    declaration = predictors.space.declaration.model_dump(mode="json")
    index = {"format": FORMAT, "space": predictors.space.name, "targets": list(predictors.targets)}
    files[INDEX] = card_text({**index, "declaration": declaration})
    return files


def from_files(files: Mapping[str, bytes]) -> TrainedPredictors:
    """The inverse of `to_files`.

    Raises:
        PredictorError: A file is missing, damaged, or does not belong to the others.
    """
    index = read_card(files, INDEX, FORMAT)
    space = SearchSpace.from_mapping(entry(index, "space", INDEX), entry(index, "declaration", INDEX), source=INDEX)
    targets = tuple(entry(index, "targets", INDEX))
    cards = [_checked_card(files, target, space) for target in targets]
    members = sum(int(card["ensemble"]) for card in cards)
    model = GraphPredictor(FeatureSchema.of(space), ModelSettings(**cards[0]["model"]), members=members)
    return TrainedPredictors(
        space,
        targets,
        {target: card["equation"] for target, card in zip(targets, cards, strict=True)},
        load_weights(model, files, targets),
        *moments(cards),
        dict(cards[0]["provenance"]) if cards else {},
    )


def _checked_card(files: Mapping[str, bytes], target: str, space: SearchSpace) -> dict[str, Any]:
    name = f"{target}.json"
    card = read_card(files, name, FORMAT)
    for key in ("model", "ensemble", "label", "hops", "equation", "provenance", "weights_sha256", "feature_schema"):
        entry(card, key, name)
    if card.get("space") != space.name or card.get("target") != target:
        raise PredictorError(f"{name}: belongs to {card.get('space')!r}/{card.get('target')!r}")
    if FeatureSchema.from_json(card["feature_schema"]) != FeatureSchema.of(space):
        raise PredictorError(f"{name}: its feature schema differs from the space's")
    check_weights(files, target, card)
    return card
