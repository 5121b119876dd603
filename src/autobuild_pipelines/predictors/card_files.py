"""Cards as JSON files beside the weights they describe, whatever graphs the predictors read.

Cards are written in the order given, and read with errors that name the file and the key.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load, save

from autobuild_pipelines.predictors.model import GraphPredictor
from autobuild_pipelines.predictors.stacked import PredictorError, StackedPredictors

Floats = NDArray[np.float64]


def read_card(files: Mapping[str, bytes], name: str, version: int) -> dict[str, Any]:
    """The content of a card.

    Raises:
        PredictorError: It is missing, not JSON, or of another format.
    """
    if name not in files:
        raise PredictorError(f"{name} is missing")
    try:
        content = json.loads(files[name])
    except ValueError as error:
        raise PredictorError(f"{name}: not JSON: {error}") from None
    if not isinstance(content, dict) or content.get("format") != version:
        raise PredictorError(f"{name}: not a predictor card of format {version}")
    return content


def entry(content: Mapping[str, Any], key: str, name: str) -> Any:
    """What a card says under a key.

    Raises:
        PredictorError: It does not say it.
    """
    if key not in content:
        raise PredictorError(f"{name}: lacks {key!r}")
    return content[key]


def card_text(content: Any) -> bytes:
    """A card's file."""
    # Not sorted: the order of a space's features is part of its declaration.
    return json.dumps(content, indent=2).encode()


def target_files(predictors: StackedPredictors) -> Iterator[tuple[str, bytes, dict[str, Any]]]:
    """Every target with its weights as a safetensors file, and what its card says of them and of moments.

    Weights and hop moments have the members of the target's ensemble as their first axis.
    """
    state = {key: value.detach().cpu() for key, value in predictors.model.state_dict().items()}
    for number, target in enumerate(predictors.targets):
        members = slice(number * predictors.ensemble, (number + 1) * predictors.ensemble)
        weights = save({key: value[members].contiguous() for key, value in state.items()})
        yield (
            target,
            weights,
            {
                "ensemble": predictors.ensemble,
                "label": {"mean": float(predictors.label_mean[number]), "std": float(predictors.label_std[number])},
                "hops": {"mean": predictors.hop_mean[members].tolist(), "std": predictors.hop_std[members].tolist()},
                "weights_sha256": hashlib.sha256(weights).hexdigest(),
            },
        )


def check_weights(files: Mapping[str, bytes], target: str, card: Mapping[str, Any]) -> None:
    """See that a target's weights are those of its card.

    Raises:
        PredictorError: They are missing or others.
    """
    weights = files.get(f"{target}.safetensors")
    if weights is None or hashlib.sha256(weights).hexdigest() != card["weights_sha256"]:
        raise PredictorError(f"{target}.safetensors: missing, or not the weights that {target}.json describes")


def load_weights(model: GraphPredictor, files: Mapping[str, bytes], targets: Sequence[str]) -> GraphPredictor:
    """The model with the weights of all targets, in evaluation mode.

    Raises:
        PredictorError: A file is damaged, or not of such a model.
    """
    try:
        states = [load(files[f"{target}.safetensors"]) for target in targets]
        model.load_state_dict({key: torch.cat([state[key] for state in states]) for key in states[0]})
    except (SafetensorError, RuntimeError, KeyError) as error:
        raise PredictorError(f"predictor weights of {list(targets)} are damaged: {error}") from None
    return model.eval()


def moments(cards: Sequence[Mapping[str, Any]]) -> tuple[Floats, Floats, Floats, Floats]:
    """Means and deviations of labels [targets], then of hops [members, M + 1], of all targets' cards."""
    label_mean, label_std = (np.asarray([card["label"][key] for card in cards]) for key in ("mean", "std"))
    hop_mean, hop_std = (np.concatenate([np.asarray(card["hops"][key]) for card in cards]) for key in ("mean", "std"))
    return label_mean, label_std, hop_mean, hop_std
