"""Predictors of operator graphs as files: one safetensors file and one JSON card per target, and an index over them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autobuild_pipelines.graphs.features import FeatureSchema
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
from autobuild_pipelines.predictors.operator_predictors import OperatorPredictors
from autobuild_pipelines.predictors.stacked import PredictorError

INDEX = "predictors.json"
FORMAT = 1
KIND = "operator graphs"


def to_files(predictors: OperatorPredictors) -> dict[str, bytes]:
    """File name to content: `<target>.safetensors`, `<target>.json` and `predictors.json`."""
    files: dict[str, bytes] = {}
    for target, weights, of_weights in target_files(predictors):
        card = {
            "format": FORMAT,
            "kind": KIND,
            "name": predictors.name,
            "target": target,
            "equation": predictors.equations.get(target, target),
            **of_weights,
        }
        files[f"{target}.safetensors"] = weights
        files[f"{target}.json"] = card_text(card)
    files[INDEX] = card_text(
        {
            "format": FORMAT,
            "kind": KIND,
            "name": predictors.name,
            "targets": list(predictors.targets),
            "feature_schema": predictors.schema.to_json(),
            "model": predictors.model.settings.to_json(),
            "provenance": predictors.provenance,
        }
    )
    return files


def from_files(files: Mapping[str, bytes]) -> OperatorPredictors:
    """The inverse of `to_files`.

    Raises:
        PredictorError: A file is missing, damaged, or does not belong to the others.
    """
    index = read_card(files, INDEX, FORMAT)
    if index.get("kind") != KIND:
        raise PredictorError(f"{INDEX}: holds no predictors of {KIND}")
    targets = tuple(entry(index, "targets", INDEX))
    cards = [_card(files, target) for target in targets]
    schema = FeatureSchema.from_json(entry(index, "feature_schema", INDEX))
    settings = ModelSettings(**entry(index, "model", INDEX))
    model = GraphPredictor(schema, settings, members=sum(int(card["ensemble"]) for card in cards))
    return OperatorPredictors(
        entry(index, "name", INDEX),
        targets,
        {target: card["equation"] for target, card in zip(targets, cards, strict=True)},
        load_weights(model, files, targets),
        *moments(cards),
        dict(entry(index, "provenance", INDEX)),
    )


def _card(files: Mapping[str, bytes], target: str) -> dict[str, Any]:
    name = f"{target}.json"
    card = read_card(files, name, FORMAT)
    for key in ("ensemble", "label", "hops", "equation", "weights_sha256"):
        entry(card, key, name)
    if card.get("target") != target:
        raise PredictorError(f"{name}: belongs to target {card.get('target')!r}")
    check_weights(files, target, card)
    return card
