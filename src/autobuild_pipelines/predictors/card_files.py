"""Cards as JSON files: written in the order given, and read with errors that name the file and the key."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from autobuild_pipelines.predictors.trained import PredictorError


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
