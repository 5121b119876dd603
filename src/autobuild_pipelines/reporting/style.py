"""One look for every figure: template, colours of variants, targets and depths, titles, the empty figure.

Colours are Okabe and Ito's, which stay apart for colour-blind readers; variants differ in dash and marker too.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from autobuild_pipelines.reporting import wording

INK = "#1f2933"
SOFT_INK = "#5f6b7a"
GRID = "#e6e9ee"
GREY = "#a3abb6"
GOLD = "#f2b705"
SURROGATE_INK = "#b3470b"
FONT = "Inter, 'Helvetica Neue', Arial, 'Liberation Sans', sans-serif"

BLUE, SKY, GREEN, ORANGE, PINK, VERMILLION = "#0072B2", "#56B4E9", "#009E73", "#E69F00", "#CC79A7", "#D55E00"
_RESERVE = (VERMILLION, "#7a5195", "#8c6d1f", "#3b4a5a", "#b5446e")
_TARGETS = (BLUE, VERMILLION, GREEN, PINK, ORANGE, SKY, "#7a5195", "#3b4a5a")
_DEPTHS = ("#9ecae1", "#4292c6", "#08519c", "#08306b", "#54278f", "#3f007d")
_SYMBOLS = ("diamond", "star", "square", "triangle-up", "pentagon", "cross")


MENU = {"bgcolor": "white", "font": {"color": INK}}
"""Of a list to choose from: both colours, since viewers with a dark theme change that of the text by themselves."""


@dataclass(frozen=True)
class VariantStyle:
    """How one variant is drawn, in every figure."""

    colour: str
    dash: str = "solid"
    symbol: str = "circle"


# The first entry whose every word occurs in the variant's name applies.
_VARIANTS: tuple[tuple[tuple[str, ...], VariantStyle], ...] = (
    (("training",), VariantStyle(GREY, "dot", "circle-open")),
    (("fine", "tuned"), VariantStyle(SOFT_INK, "solid", "circle-open")),
    (("eq5",), VariantStyle(SKY, "dash", "triangle-up")),
    (("contextual",), VariantStyle(BLUE, "solid", "circle")),
    (("guided",), VariantStyle(VERMILLION, "solid", "star")),
    (("autobuild",), VariantStyle(BLUE, "solid", "circle")),
    (("unconstrained",), VariantStyle(PINK, "dot", "diamond-open")),
    (("constrained",), VariantStyle(VERMILLION, "solid", "circle")),
    (("exhaustive",), VariantStyle(GREEN, "dash", "square-open")),
    (("random",), VariantStyle(SOFT_INK, "dot", "x-thin-open")),
    (("layer", "full"), VariantStyle(ORANGE, "dashdot", "square")),
    (("layer", "insight"), VariantStyle(GREEN, "longdash", "diamond")),
    (("stage", "full"), VariantStyle(PINK, "dot", "cross")),
)


def variant_style(name: str) -> VariantStyle:
    """The style of a variant: depends on its name alone, so it is the same in every figure and run."""
    method = name.rpartition(":")[2].lower() if name.startswith("built:") else name.lower()
    for words, style in _VARIANTS:
        if all(word in method for word in words):
            return style
    digest = hashlib.sha256(name.encode()).digest()
    return VariantStyle(_RESERVE[digest[0] % len(_RESERVE)], "dash", "x")


def target_colours(targets: Iterable[str]) -> dict[str, str]:
    """A colour per target; the same set of targets gets the same colours whatever its order."""
    return {target: _TARGETS[i % len(_TARGETS)] for i, target in enumerate(sorted(set(targets)))}


def target_symbols(targets: Iterable[str]) -> dict[str, str]:
    """A marker symbol per target, as `target_colours`."""
    return {target: _SYMBOLS[i % len(_SYMBOLS)] for i, target in enumerate(sorted(set(targets)))}


def depth_colours(depths: Iterable[int]) -> dict[int, str]:
    """A colour per number of layers, darker for deeper."""
    return {depth: _DEPTHS[min(i, len(_DEPTHS) - 1)] for i, depth in enumerate(sorted(set(depths)))}


def faded(colour: str, opacity: float) -> str:
    """A #rrggbb colour with an opacity, as CSS."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"


def finish(figure: go.Figure, title: str, detail: str, label_kind: str, *, height: int = 560) -> go.Figure:
    """Give a figure the shared look, its title, and a subtitle that says what the labels are.

    The subtitle is part of the title's text, since viewers with an older plotly.js do not know subtitles.
    """
    with edited_layout(figure) as layout:
        heading = {"text": _title(title, detail, label_kind), "y": 1 - _ABOVE / height}
        change(layout, {"template": _template(), "height": height, "margin": _MARGIN, "title": heading})
        change_axes(layout, "xaxis", _AXIS)
        change_axes(layout, "yaxis", _AXIS)
    return figure


@contextlib.contextmanager
def edited_layout(figure: go.Figure) -> Iterator[dict[str, Any]]:
    """A figure's layout as plain dictionaries, given back to the figure at the end, which checks it once.

    A figure checks and passes on every change that is made in place; of dozens of panels that takes a second.
    """
    layout: dict[str, Any] = figure.layout.to_plotly_json()
    yield layout
    figure.layout = layout


def change_axes(layout: dict[str, Any], kind: str, settings: Mapping[str, Any]) -> None:
    """Give all axes of one kind, "xaxis" or "yaxis", these settings too."""
    for name in dict.fromkeys([kind, *(name for name in layout if name.startswith(kind))]):
        change(layout.setdefault(name, {}), settings)


def change(part: dict[str, Any], settings: Mapping[str, Any]) -> None:
    """Put settings into a part of a layout; what they hold settings of themselves keeps its others."""
    for key, value in settings.items():
        if isinstance(value, Mapping):
            change(part.setdefault(key, {}), value)
        else:
            part[key] = value


def empty(title: str, reason: str, label_kind: str) -> go.Figure:
    """A figure that says why there is nothing to see."""
    figure = finish(go.Figure(), title, "nothing to show", label_kind, height=360)
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False)
    figure.add_annotation(text=reason, showarrow=False, x=0.5, y=0.5, xref="paper", yref="paper", font_size=15)
    return figure


def small_titles(figure: go.Figure) -> None:
    """Left-align and size the titles that `make_subplots` made."""
    figure.update_annotations(font={"size": 13, "color": INK, "weight": 600})


_ABOVE = 28
"""Pixels above the title, however tall the figure."""
_MARGIN = {"l": 76, "r": 32, "t": 96, "b": 64}
_AXIS = {
    "showgrid": True,
    "gridcolor": GRID,
    "zeroline": False,
    "showline": True,
    "linecolor": GREY,
    "ticks": "outside",
    "tickcolor": GREY,
    "ticklen": 4,
    "automargin": True,
    "title": {"standoff": 12},
}


def _title(title: str, detail: str, label_kind: str) -> str:
    kind = wording.labels(label_kind)
    colour = SURROGATE_INK if label_kind == "surrogate" else SOFT_INK
    second = f"<b><span style='color:{colour}'>{kind}</span></b>" + (f" · {detail}" if detail else "")
    return f"<b>{title}</b><br><span style='font-size:13px;color:{SOFT_INK}'>{second}</span>"


def _template() -> go.layout.Template:
    return go.layout.Template(
        layout={
            "font": {"family": FONT, "size": 13, "color": INK},
            "title": {"x": 0, "xref": "container", "xanchor": "left", "pad": {"l": 24}, "yanchor": "top",
                      "font": {"size": 19}},
            "paper_bgcolor": "white",
            "plot_bgcolor": "white",
            "colorway": list(_TARGETS),
            "separators": ".,",
            "hovermode": "closest",
            "hoverlabel": {"bgcolor": "white", "bordercolor": GREY, "font": {"family": FONT, "size": 12}},
            "legend": {"bgcolor": "rgba(0,0,0,0)", "font": {"size": 12}, "itemwidth": 40},
        }
    )  # fmt: skip
