"""The figure of the best and the worst subgraphs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from autobuild_pipelines.graphs.operator_graph import OperatorGraph
from autobuild_pipelines.reporting.operator_subgraphs_figure import operator_subgraphs_figure

Make = Callable[..., OperatorGraph]


def table(*rows: tuple[str, int, int, str, int, int]) -> pd.DataFrame:
    """Rows of target, hop, rank, operation, channels, and the root's index in the example `a`."""
    names = ["target", "hop", "rank", "operation", "out_channels", "node"]
    found = pd.DataFrame(rows, columns=names).assign(in_channels=lambda t: t["out_channels"])
    return found.assign(score=1.5, architectures=7, label_difference=0.25, architecture_id="a")


def texts(figure: Any, place: int = 0) -> list[str]:
    return list([trace for trace in figure.data if trace.name == "text"][place].text)


def test_a_box_says_operation_topological_index_and_channels(residual_graph: Make) -> None:
    rows = table(("y", 2, 1, "add", 16, 4), ("y", 2, 2, "relu", 96, 6))
    figure = operator_subgraphs_figure(rows, {"a": residual_graph([3, 6])}, label_kind="measured", space="Mine")
    words = texts(figure)
    assert "<b>add 4</b><br>16" in words
    assert "<b>conv 3</b><br>48→16 k1" in words
    assert "<b>conv 0</b><br>3→16 k3" in words
    assert any("2 hops: rank 1</b>, +1.5 σ" in w and "in 7 architectures, y +0.25 with it" in w for w in words)
    assert "measured labels" in figure.layout.title.text


def test_the_legend_names_the_parts_of_the_network_that_are_drawn(residual_graph: Make) -> None:
    rows = table(("y", 1, 1, "add", 16, 8))
    figure = operator_subgraphs_figure(rows, {"a": residual_graph([3, 6, 4])}, label_kind="measured")
    listed = [trace.name for trace in figure.data if trace.showlegend is not False]
    assert listed == ["unit 1", "unit 2", "the node itself"]


def test_of_roots_alike_the_best_is_drawn_and_the_worst_stands_last(residual_graph: Make) -> None:
    rows = table(
        ("y", 1, 1, "add", 16, 4), ("y", 1, 2, "add", 16, 8), ("y", 1, 3, "relu", 48, 2), ("y", 1, 4, "relu", 96, 6)
    )
    figure = operator_subgraphs_figure(rows, {"a": residual_graph([3, 6])}, label_kind="measured")
    captions = [w.partition("</b>")[0] for w in texts(figure) if w.startswith("<b>1 hop")]
    assert captions == ["<b>1 hop: rank 1", "<b>1 hop: rank 3", "<b>1 hop: rank 4"]


def test_one_of_several_targets_is_chosen(residual_graph: Make) -> None:
    rows = table(("y", 1, 1, "add", 16, 4), ("z", 1, 1, "relu", 48, 2))
    figure = operator_subgraphs_figure(rows, {"a": residual_graph([3])}, label_kind="measured")
    (menu,) = figure.layout.updatemenus
    assert [button.label for button in menu.buttons] == ["y", "z"]
    shown = [trace.name for trace, on in zip(figure.data, menu.buttons[1].args[0]["visible"], strict=True) if on]
    assert shown[-1] == "text"
    assert len(shown) * 2 == len(figure.data)


def test_boxes_stay_inside_the_page(residual_graph: Make) -> None:
    rows = table(("y", 5, 1, "add", 16, 16))
    figure = operator_subgraphs_figure(rows, {"a": residual_graph([3, 6, 4, 3])}, label_kind="measured", top=4)
    (low, high), bottom = figure.layout.xaxis.range, figure.layout.yaxis.range[0]
    drawn = [(x, y) for trace in figure.data for x, y in zip(trace.x, trace.y, strict=True) if x is not None]
    assert all(low <= x <= high and 0 <= y <= bottom for x, y in drawn)


def test_without_subgraphs_the_figure_says_so() -> None:
    figure = operator_subgraphs_figure(table(("y", 0, 1, "add", 16, 4)), {}, label_kind="measured")
    assert "No subgraph of one hop or more" in figure.layout.annotations[0].text
