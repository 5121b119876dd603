"""Large texts inside a page, compressed: a browser unpacks them when they are wanted."""

from __future__ import annotations

import base64
import gzip
import json
import math
from functools import cache
from typing import Any

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

_DIGITS = 6
"""Significant digits that a drawing needs."""
_HEADER = 56
"""What the title takes of a figure, pixels: the page shows it instead."""


def packed(text: str) -> str:
    """Gzip in base64, the same for the same text."""
    return base64.b64encode(gzip.compress(text.encode(), compresslevel=9, mtime=0)).decode()


@cache
def packed_plotly() -> str:
    """The whole of plotly.js: 4.5 MB, a third of it packed."""
    return packed(get_plotlyjs())


def packed_figure(figure: go.Figure) -> str:
    """Data and layout of a figure as JSON, without its title, numbers to six digits."""
    content = json.loads(figure.to_json())
    layout = content["layout"]
    layout.pop("title", None)
    layout.pop("width", None)
    margin = layout.setdefault("margin", {})
    margin["t"] = max(24, margin.get("t", 100) - _HEADER)
    if "height" in layout:
        layout["height"] -= _HEADER
    return packed(json.dumps(_rounded(content), separators=(",", ":"), ensure_ascii=False))


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        if value == 0 or not math.isfinite(value):
            return value
        rounded = round(value, _DIGITS - 1 - math.floor(math.log10(abs(value))))
        return int(rounded) if rounded.is_integer() and abs(rounded) < 1e15 else rounded
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    return [_rounded(item) for item in value] if isinstance(value, list) else value
