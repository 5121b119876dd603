"""The figure of feature importance."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from autobuild_pipelines.reporting import feature_importance_figure

SECTIONS = {"input": 1.3, "output": 0.15, "middle": 0.08}  # paper, §7.9
STAGES = {"1": 0.26, "2": 0.41, "3": 0.27, "4": 0.79}


def importance(members: int = 3, targets: tuple[str, ...] = ("fid",)) -> pd.DataFrame:
    rows = [
        (target, category, value, member, scalar * (1 + place) + 0.01 * member * (-1) ** place)
        for place, target in enumerate(targets)
        for category, values in (("section", SECTIONS), ("stage", STAGES))
        for member in range(members)
        for value, scalar in values.items()
    ]
    return pd.DataFrame(rows, columns=["target", "category", "value", "member", "scalar"]).assign(trained=True)


def test_the_table_gives_distribution_and_range_of_every_category() -> None:
    table = feature_importance_figure(importance(members=1), label_kind="measured").data[0]
    cells = dict(zip(table.header["values"], table.cells["values"], strict=True))
    assert list(cells["<b>Feature</b>"]) == ["Section", "Stage"]
    assert list(cells["<b>Values</b>"]) == ["3", "4"]
    mean, std = np.mean([*SECTIONS.values()]), np.std([*SECTIONS.values()])
    assert cells["<b>Distribution</b>"][0] == f"N({mean:.2f}, {std:.2f})"
    assert cells["<b>Range</b>"][0] == "[0.08, 1.30]"


def test_values_stand_from_the_most_important_down() -> None:
    figure = feature_importance_figure(importance(), label_kind="measured")
    assert figure.layout.yaxis.ticktext == ("input", "output", "middle")
    assert figure.layout.yaxis2.ticktext == ("4", "2", "3", "1")
    assert figure.layout.yaxis.range[0] > figure.layout.yaxis.range[1]
    means = [trace for trace in figure.data if trace.name == "mean of the members"]
    assert [list(trace.x) == sorted(trace.x, reverse=True) for trace in means] == [True, True]


def test_a_value_that_was_never_trained_on_is_named_last_and_has_no_point() -> None:
    table = importance()
    figure = feature_importance_figure(table.assign(trained=table["value"] != "input"), label_kind="measured")
    assert figure.layout.yaxis.ticktext == ("output", "middle", "input (not trained)")
    first = next(trace for trace in figure.data if trace.name == "mean of the members")
    assert list(first.customdata) == ["output", "middle"]


def test_an_ensemble_shows_its_members_and_their_spread() -> None:
    figure = feature_importance_figure(importance(members=3), label_kind="measured")
    assert len(next(t for t in figure.data if t.name == "each member").x) == 9
    assert "<b>Between members</b>" in figure.data[0].header["values"]
    assert "3 members" in figure.layout.title.text
    alone = feature_importance_figure(importance(members=1), label_kind="measured")
    assert "<b>Between members</b>" not in alone.data[0].header["values"]
    assert "one predictor per target: no spread" in alone.layout.title.text
    assert not any(trace.showlegend for trace in alone.data[1:])


def test_choosing_a_target_shows_its_table_its_points_and_the_names_of_its_values() -> None:
    figure = feature_importance_figure(importance(targets=("fid", "speed")), label_kind="measured")
    (menu,) = figure.layout.updatemenus
    masks = np.asarray([button.args[0]["visible"] for button in menu.buttons])
    assert [button.label for button in menu.buttons] == ["fid", "speed"]
    assert (masks.sum(axis=0) == 1).all()
    assert masks.shape == (2, len(figure.data))
    assert [bool(trace.visible) for trace in figure.data] == masks[0].tolist()
    assert set(menu.buttons[1].args[1]) == {"yaxis.ticktext", "yaxis2.ticktext"}


def test_more_categories_than_fit_into_a_row_go_into_a_second() -> None:
    one = importance()
    many = pd.concat([one[one["category"] == "stage"].assign(category=f"feature_{i}") for i in range(6)])
    figure = feature_importance_figure(many, label_kind="measured")
    assert [a.text for a in figure.layout.annotations if a.text] == [f"Feature {i}" for i in range(6)]
    assert figure.layout.yaxis5.domain[1] < figure.layout.yaxis4.domain[0]


@pytest.mark.parametrize("kind", ["surrogate", "measured"])
def test_the_title_says_what_the_labels_are(kind: str) -> None:
    for table in (importance(), importance().iloc[:0]):
        figure = feature_importance_figure(table, label_kind=kind, space="A space")
        assert f"{kind} labels" in figure.layout.title.text
        assert "A space" in figure.layout.title.text


def test_an_empty_table_gives_a_figure_that_says_so() -> None:
    figure = feature_importance_figure(importance().iloc[:0], label_kind="measured")
    assert len(figure.data) == 0
    assert "empty" in figure.layout.annotations[0].text
