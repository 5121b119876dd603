"""Contextual effects of feature values by unit and position, as maps of coloured cells."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from autobuild_pipelines.reporting import style, wording
from autobuild_pipelines.spaces import SearchSpace

_LINE = 21
_COLOURS = [[0.0, style.VERMILLION], [0.5, "#ffffff"], [1.0, style.BLUE]]


def effects_by_place_figure(effects: pd.DataFrame, space: SearchSpace, *, label_kind: str) -> go.Figure:
    """A panel per feature: what a layer (or a unit) gains by each value, a line per place; the target is chosen.

    Args:
        effects: Table `feature_effects`.
        space: The search space.
        label_kind: Of the space, a key of `wording.LABEL_KINDS`.
    """
    names = [unit.name for unit in space.units]
    title = f"What a value does where it stands in {space.declaration.title or space.name}"
    layers = (effects["level"] == "layer") | ((effects["level"] == "unit") & (effects["scope"] != "layer"))
    shown = effects[layers]
    if shown.empty:
        return style.empty(title, "The table of feature effects has no layers.", label_kind)
    targets = [str(target) for target in shown["target"].unique()]
    features = [str(feature) for feature in shown["feature"].unique()]
    lines = {feature: _places(shown[shown["feature"] == feature], names) for feature in features}
    widths = [shown.loc[shown["feature"] == feature, "value"].nunique() + 1 for feature in features]
    figure = make_subplots(
        rows=1,
        cols=len(features),
        column_widths=[width / sum(widths) for width in widths],
        horizontal_spacing=0.33 / len(features) if len(features) > 1 else 0,
        subplot_titles=[_feature(feature) for feature in features],
    )
    style.small_titles(figure)
    for place, target in enumerate(targets):
        of_target = shown[shown["target"] == target]
        largest = float(of_target["effect"].abs().max()) or 1.0
        for column, feature in enumerate(features, start=1):
            rows = of_target[of_target["feature"] == feature]
            map_ = _map(rows, names, lines[feature], largest, visible=place == 0, bar=column == len(features))
            figure.add_trace(map_, row=1, col=column)
    tallest = max(map(len, lines.values()))
    detail = "mean change of the prediction against the mean over the values, everything else unchanged"
    detail += f"; target {targets[0]}" if len(targets) == 1 else ""
    style.finish(figure, title, detail, label_kind, height=190 + _LINE * tallest)
    figure.update_yaxes(autorange="reversed", showgrid=False, tickfont_size=11)
    figure.update_xaxes(showgrid=False, type="category", side="bottom")
    figure.update_layout(margin={"t": 130, "r": 110})
    if len(targets) > 1:
        figure.update_layout(updatemenus=[_menu(targets, len(features))])
    return figure


def _places(rows: pd.DataFrame, names: Sequence[str]) -> list[str]:
    found = zip(rows["unit"], rows["position"], strict=True)
    return list(dict.fromkeys(_place(names, unit, position) for unit, position in found))


def _place(names: Sequence[str], unit: Any, position: Any) -> str:
    return names[int(unit) - 1] + ("" if pd.isna(position) else f", layer {position}")


def _map(
    rows: pd.DataFrame, names: Sequence[str], lines: list[str], largest: float, *, visible: bool, bar: bool
) -> go.Heatmap:
    values = _in_order(rows["value"])
    effect = np.full((len(lines), len(values)), np.nan)
    words = np.full(effect.shape, "not measured", dtype=object)
    for row in rows.to_dict("records"):
        at = lines.index(_place(names, row["unit"], row["position"])), values.index(str(row["value"]))
        effect[at] = row["effect"]
        error = f" ± {wording.number(row['standard_error'], 2)}" if row["standard_error"] >= 0 else ""
        moved = f"<br>{row['moved']:.1f} other layers change with it" if row["moved"] > 0 else ""
        words[at] = f"{wording.number(row['effect'], 3)}{error}<br>{row['contexts']} contexts{moved}"
    return go.Heatmap(
        z=effect,
        x=values,
        y=lines,
        zmin=-largest,
        zmax=largest,
        colorscale=_COLOURS,
        xgap=2,
        ygap=1,
        showscale=bar,
        colorbar={"title": {"text": "effect"}, "thickness": 12, "outlinewidth": 0, "tickformat": "~g"},
        customdata=words,
        text=_texts(effect, largest),
        texttemplate="%{text}",
        textfont={"size": 9},
        hovertemplate="%{y}: %{x}<br>%{customdata}<extra></extra>",
        visible=visible,
    )


def _texts(effect: NDArray[np.float64], largest: float) -> NDArray[np.object_]:
    """Effects in as many decimals as give the largest two digits."""
    decimals = max(0, 1 - math.floor(math.log10(largest)))
    texts = [[_text(value, decimals) for value in line] for line in effect.tolist()]
    return np.asarray(texts, dtype=object)


def _text(value: float, decimals: int) -> str:
    if math.isnan(value):
        return ""
    return f"{value:+.{decimals}f}".replace("-", "−") if round(value, decimals) else "0"


def _in_order(values: pd.Series) -> list[str]:
    found = list(dict.fromkeys(map(str, values)))
    return sorted(found, key=float) if all(value.replace(".", "", 1).isdigit() for value in found) else found


def _feature(name: str) -> str:
    return "Layers of a unit" if name == "layers" else wording.quantity(name)


def _menu(targets: list[str], traces: int) -> dict[str, object]:
    buttons = [
        {
            "label": target,
            "method": "update",
            "args": [{"visible": [trace // traces == place for trace in range(traces * len(targets))]}],
        }
        for place, target in enumerate(targets)
    ]
    return {"buttons": buttons, "x": 1, "xanchor": "right", "y": 1, "yanchor": "bottom", "pad": {"b": 30},
            **style.MENU}  # fmt: skip
