"""Architectures and modules as SVG: a block a layer, one group a unit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from autobuild_pipelines.spaces import SearchSpace

Layers = Sequence[Mapping[str, Any]]

_BLOCK, _GAP, _BETWEEN, _MOST = 36, 3, 18, 1080
_LOW, _TALL, _FOOT, _LINE = 34, 58, 22, 13
_SHADES = ((214, 232, 247), (79, 154, 214))
_KINDS = ("#9ecae1", "#fdd0a2", "#c7e9c0", "#dadaeb", "#fbb4b9", "#ffe08a", "#b2e2e2", "#e5c494")
_INK = "#10202e"


class LayerLook:
    """How layers of a space are drawn: which feature is told by height, which by colour.

    The first feature whose choices are numbers sets a block's height; the first that are words sets its colour, else
    the second of numbers its shade. Every block tells all its features in letters.

    Args:
        space: The search space.
    """

    def __init__(self, space: SearchSpace) -> None:
        self._choices = {f: list(space.declaration.layer_features[f].choices) for f in space.features}
        words = [f for f, choices in self._choices.items() if isinstance(choices[0], str)]
        numbers = [f for f in self._choices if f not in words]
        self._tall = numbers[0] if numbers else None
        self._kind = words[0] if words else None
        self._shade = numbers[1] if not words and len(numbers) > 1 else None

    @property
    def legend(self) -> str:
        """How to read a drawing, as a sentence."""
        parts = []
        if self._tall:
            parts.append(f"taller blocks have a larger {self._tall}")
        if self._shade:
            parts.append(f"darker ones a larger {self._shade}")
        if self._kind:
            parts.append(f"colours tell the {self._kind}")
        return "A block is a layer; " + ", ".join(parts) if parts else "A block is a layer"

    def height(self, layer: Mapping[str, Any]) -> float:
        """Of a block in pixels."""
        return _LOW + (_TALL - _LOW) * self._place(self._tall, layer)

    def colour(self, layer: Mapping[str, Any]) -> str:
        """Of a block: pale enough for dark letters."""
        if self._kind:
            return _KINDS[self._choices[self._kind].index(layer[self._kind]) % len(_KINDS)]
        at = self._place(self._shade, layer)
        return "#" + "".join(f"{round(a + (b - a) * at):02x}" for a, b in zip(*_SHADES, strict=True))

    def lines(self, layer: Mapping[str, Any]) -> list[str]:
        """What stands in a block: a letter and the value of every feature."""
        return [
            str(layer[f])[:5] if isinstance(layer[f], str) else f"{f[0]}{layer[f]}" for f in self._choices if f in layer
        ]

    def words(self, layer: Mapping[str, Any]) -> str:
        """A layer in words."""
        return ", ".join(f"{f} {layer[f]}" for f in self._choices if f in layer)

    def _place(self, feature: str | None, layer: Mapping[str, Any]) -> float:
        """Where a value stands among its choices, 0 to 1."""
        if feature is None:
            return 0.5
        choices = self._choices[feature]
        return choices.index(layer[feature]) / max(1, len(choices) - 1)


def architecture_svg(look: LayerLook, units: Sequence[Layers], names: Sequence[str], title: str) -> str:
    """Units from left to right, in as many rows as they need.

    Args:
        look: Of the space.
        units: Layers of every unit, as the canonical JSON of an architecture or a module has them.
        names: Of the units, written below them.
        title: Text alternative.

    Returns:
        SVG markup; letters outside blocks take the colour of the text around it.
    """
    parts: list[str] = []
    x, y, widest = 0, 0, 0
    for layers, name in zip(units, names, strict=True):
        wide = len(layers) * (_BLOCK + _GAP) - _GAP
        if x and x + wide > _MOST:
            x, y = 0, y + _TALL + _FOOT + 10
        if x:
            middle = y + _TALL / 2
            parts.append(f'<path d="M{x - _BETWEEN + 2} {middle}h{_BETWEEN - 4}" stroke="currentColor" opacity=".5"/>')
        parts += [_block(look, layer, x + place * (_BLOCK + _GAP), y) for place, layer in enumerate(layers)]
        parts.append(
            f'<text x="{x + wide / 2}" y="{y + _TALL + 15}" text-anchor="middle" fill="currentColor">'
            f"{escape(name)}</text>"
        )
        x += wide + _BETWEEN
        widest = max(widest, x - _BETWEEN)
    height = y + _TALL + _FOOT
    return (
        f'<svg role="img" aria-label="{escape(title)}" viewBox="0 0 {widest} {height}" width="{widest}" '
        f'height="{height}" font-size="11">{"".join(parts)}</svg>'
    )


def _block(look: LayerLook, layer: Mapping[str, Any], x: float, y: float) -> str:
    height, lines = look.height(layer), look.lines(layer)
    top, first = y + (_TALL - height) / 2, y + _TALL / 2 - _LINE * (len(lines) - 1) / 2 + 4
    texts = "".join(
        f'<text x="{x + _BLOCK / 2}" y="{first + _LINE * place}" text-anchor="middle" fill="{_INK}">'
        f"{escape(line)}</text>"
        for place, line in enumerate(lines)
    )
    return (
        f'<g><title>{escape(look.words(layer))}</title><rect x="{x}" y="{top:g}" width="{_BLOCK}" height="{height:g}" '
        f'rx="4" fill="{look.colour(layer)}"/>{texts}</g>'
    )
