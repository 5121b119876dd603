"""Figures of `insight`: importances beside effects, their stability, effects by place, module cards."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from autobuild_pipelines.reporting import (
    effects_by_place_figure,
    importance_stability_figure,
    importances_figure,
    module_cards_figure,
)
from autobuild_pipelines.scoring import importance_stability
from autobuild_pipelines.spaces import SearchSpace

SMALL: dict[str, Any] = {
    "layer_features": {"expand": {"choices": [3, 6]}, "kernel": {"choices": [3, 5]}},
    "units": [{"name": "first", "layers": [1, 2]}, {"name": "second", "layers": [1, 2]}],
}


@pytest.fixture(scope="module")
def space() -> SearchSpace:
    return SearchSpace.from_mapping("small", SMALL)


def importances(members: int = 3, targets: tuple[str, ...] = ("acc", "speed")) -> pd.DataFrame:
    rows = [
        (target, category, value, source, member, 1.0 + place + 0.1 * member, value != "192")
        for target in targets
        for category, source in (("kernel", "scalar"), ("kernel", "effect"), ("layers", "effect"), ("res", "scalar"))
        for member in range(members)
        for place, value in enumerate(("192", "208") if category == "res" else ("3", "5"))
    ]
    return pd.DataFrame(rows, columns=["target", "category", "value", "source", "member", "amount", "trained"])


def order(verdict: str = "reversed") -> pd.DataFrame:
    return pd.DataFrame(
        {"target": ["acc"], "category": ["kernel"], "higher": ["5"], "lower": ["3"], "verdict": [verdict]}
    )


def texts(figure: go.Figure) -> list[str]:
    return [annotation.text for annotation in figure.layout.annotations]


def test_scalars_with_errors_stand_beside_effects_for_every_target() -> None:
    figure = importances_figure(importances(), order("agree"), label_kind="measured")
    assert [text for text in texts(figure) if text in ("<b>acc</b>", "<b>speed</b>")] == ["<b>acc</b>", "<b>speed</b>"]
    bars = [trace for trace in figure.data if trace.customdata is not None]
    assert len(bars) == 2 * 4
    assert bars[0].error_x.array[0] == pytest.approx(0.1 / np.sqrt(3))
    assert "3 members" in figure.layout.title.text
    assert not [text for text in texts(figure) if "reversed" in text]


def test_orders_that_disagree_are_named() -> None:
    figure = importances_figure(importances(), order(), label_kind="measured")
    (note,) = (annotation for annotation in figure.layout.annotations if "reversed" in annotation.text)
    assert "1 of 1 pairs" in note.text
    assert "3 above 5" in note.hovertext


def test_a_value_never_trained_on_has_no_bar_and_says_so() -> None:
    figure = importances_figure(importances(targets=("acc",)), order("open"), label_kind="measured")
    assert texts(figure).count("not trained") == 1
    shown = [list(trace.customdata[:, 0]) for trace in figure.data if trace.customdata is not None]
    assert ["208"] in shown


def test_one_predictor_has_no_error_bars_and_the_figures_say_so() -> None:
    figure = importances_figure(importances(members=1), order("one member"), label_kind="measured")
    assert "no error bars" in figure.layout.title.text
    alone = importance_stability_figure(importance_stability(importances(members=1)), label_kind="measured")
    assert "predictors.ensemble" in alone.layout.annotations[0].text


def test_many_targets_go_into_rows_of_four() -> None:
    many = importances(targets=tuple("abcde"))
    figure = importances_figure(many, order(), label_kind="measured")
    first, last = (next(a for a in figure.layout.annotations if a.text == f"<b>{t}</b>") for t in "ae")
    assert first.x == last.x
    assert first.y > last.y


def test_stability_has_a_panel_a_target_and_a_point_a_pair_of_members() -> None:
    figure = importance_stability_figure(importance_stability(importances()), label_kind="measured", space="A space")
    assert [a.text for a in figure.layout.annotations] == ["acc", "speed"]
    small = [trace for trace in figure.data if trace.marker.size == 5]
    assert sum(len(trace.x) for trace in small) == 2 * 3 * 3  # targets, pairs, sources of two or more trained values
    assert "A space" in figure.layout.title.text


def test_effects_stand_by_unit_and_position_and_the_target_is_chosen(space: SearchSpace) -> None:
    rows = [
        (target, "layer", "layer", unit, position, "kernel", value, sign * 0.1, 0.01, 4, 0.0)
        for target in ("acc", "speed")
        for unit in (1, 2)
        for position in (0, 1)
        for value, sign in (("3", -1), ("5", 1))
    ]
    names = ["target", "level", "scope", "unit", "position", "feature", "value", "effect"]
    table = pd.DataFrame(rows, columns=[*names, "standard_error", "contexts", "moved"])
    table = table.astype({"unit": "Int64", "position": "Int64"})
    figure = effects_by_place_figure(table, space, label_kind="measured")
    assert list(figure.data[0].y) == ["first, layer 0", "first, layer 1", "second, layer 0", "second, layer 1"]
    assert list(figure.data[0].x) == ["3", "5"]
    np.testing.assert_allclose(figure.data[0].z, [[-0.1, 0.1]] * 4)
    assert [button.label for button in figure.layout.updatemenus[0].buttons] == ["acc", "speed"]
    assert figure.data[0].text[0][0] == "−0.10"


def cards() -> pd.DataFrame:
    module = '[{"expand":6,"kernel":5},{"expand":3,"kernel":3}]'
    shared = {"module": module, "layers": 2, "score": 0.5, "standard_error": 0.01, "rank": 1, "expected_rank": 4}
    more = {"modules": 20, "surprise": -1.5, "best_edit": "layer 1: kernel 3 → 5", "best_difference": 0.25}
    worst = {"worst_edit": "without layer 0", "worst_difference": -0.5, "count": 4, "thin": True}
    rows = [
        {"target": target, "unit": 1, "kind": kind, "place": 1, **shared, **more, **worst}
        for target in ("acc", "speed")
        for kind in ("best", "surprising")
    ]
    return pd.DataFrame(rows)


CELLS = pd.DataFrame({"unit": [1, 1], "layers": [1, 2], "count": [50, 4], "modules": [4, 16], "thin": [False, True]})


def test_a_card_has_its_blocks_its_ranks_and_its_edits(space: SearchSpace) -> None:
    figure = module_cards_figure(cards(), CELLS, space, label_kind="measured")
    words = " | ".join(next(trace for trace in figure.data if trace.name == "text").text)
    for expected in ("<b>0.5000</b> ± 0.010", "1 (4) of 20", "−1.5 σ", "layer 1: kernel 3 → 5  <b>+0.250</b>",
                     "without layer 0  <b>−0.500</b>", "thin: 4 labelled of 2 layers"):  # fmt: skip
        assert expected in words
    blocks = [trace for trace in figure.data if trace.fill == "toself"]
    assert [trace.name for trace in blocks[:2]] == ["kernel 3", "kernel 5"]
    heights = {round(max(t.y[:5]) - min(t.y[:5]), 2) for t in blocks[:2]}
    assert len(heights) == 2  # expand 3 and 6
    assert len(figure.layout.updatemenus[0].buttons) == 2


def test_the_feature_that_colours_show_can_be_chosen_and_an_unknown_one_is_an_error(space: SearchSpace) -> None:
    figure = module_cards_figure(cards(), CELLS, space, label_kind="measured", colour="expand")
    assert "colour expand, height kernel" in figure.layout.title.text
    with pytest.raises(ValueError, match=r"insight\.cards\.colour: 'depth' is not one of"):
        module_cards_figure(cards(), CELLS, space, label_kind="measured", colour="depth")


@pytest.mark.parametrize("kind", ["surrogate", "measured"])
def test_empty_tables_give_figures_that_say_so(kind: str, space: SearchSpace) -> None:
    for figure in (
        importances_figure(importances().iloc[:0], order(), label_kind=kind),
        importance_stability_figure(importance_stability(importances(members=1)), label_kind=kind),
        module_cards_figure(cards().iloc[:0], CELLS, space, label_kind=kind),
    ):
        assert len(figure.data) == 0
        assert f"{kind} labels" in figure.layout.title.text
