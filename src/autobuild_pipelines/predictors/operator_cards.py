"""Predictors of operator graphs as files: one safetensors file and one JSON card per target, and an index over them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from autobuild_pipelines.graphs.features import FeatureSchema
from autobuild_pipelines.predictors.card_files import card_text, entry, read_card
from autobuild_pipelines.predictors.model import GraphPredictor, ModelSettings
from autobuild_pipelines.predictors.operator_predictors import OperatorPredictors
from autobuild_pipelines.predictors.trained import PredictorError

INDEX = "predictors.json"
FORMAT = 1
KIND = "operator graphs"


def to_files(predictors: OperatorPredictors) -> dict[str, bytes]:
    """File name to content: `<target>.safetensors`, `<target>.json` and `predictors.json`."""
    files: dict[str, bytes] = {}
    state = {key: value.detach().cpu() for key, value in predictors.model.state_dict().items()}
    ensemble = predictors.model.members // len(predictors.targets)
    for number, target in enumerate(predictors.targets):
        members = slice(number * ensemble, (number + 1) * ensemble)
        weights = save({key: value[members].contiguous() for key, value in state.items()})
        card = {
            "format": FORMAT,
            "kind": KIND,
            "name": predictors.name,
            "target": target,
            "equation": predictors.equations.get(target, target),
            "ensemble": ensemble,
            "label": {"mean": float(predictors.label_mean[number]), "std": float(predictors.label_std[number])},
            "hops": {"mean": predictors.hop_mean[members].tolist(), "std": predictors.hop_std[members].tolist()},
            "weights_sha256": hashlib.sha256(weights).hexdigest(),
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
    try:
        states = [load(files[f"{target}.safetensors"]) for target in targets]
        model.load_state_dict({key: torch.cat([state[key] for state in states]) for key in states[0]})
    except (SafetensorError, RuntimeError, KeyError) as error:
        raise PredictorError(f"predictor weights of {list(targets)} are damaged: {error}") from None
    return OperatorPredictors(
        entry(index, "name", INDEX),
        targets,
        {target: card["equation"] for target, card in zip(targets, cards, strict=True)},
        model.eval(),
        np.asarray([card["label"]["mean"] for card in cards]),
        np.asarray([card["label"]["std"] for card in cards]),
        np.concatenate([np.asarray(card["hops"]["mean"]) for card in cards]),
        np.concatenate([np.asarray(card["hops"]["std"]) for card in cards]),
        dict(entry(index, "provenance", INDEX)),
    )


def _card(files: Mapping[str, bytes], target: str) -> dict[str, Any]:
    name = f"{target}.json"
    card = read_card(files, name, FORMAT)
    for key in ("ensemble", "label", "hops", "equation", "weights_sha256"):
        entry(card, key, name)
    if card.get("target") != target:
        raise PredictorError(f"{name}: belongs to target {card.get('target')!r}")
    weights = files.get(f"{target}.safetensors")
    if weights is None or hashlib.sha256(weights).hexdigest() != card["weights_sha256"]:
        raise PredictorError(f"{target}.safetensors: missing, or not the weights that {name} describes")
    return card
