"""What a reader of the figure of constructed architectures can rely on."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go
import pytest

from autobuild_pipelines.reporting import construction_figure, style
from autobuild_pipelines.search import Problem

METHODS = ("exhaustive", "constrained", "unconstrained", "random")
EQUATIONS = {"by_latency": "-fid - 0.1 * latency_ms", "by_flops": "-fid - flops / 1e11"}
TRAINING = pd.DataFrame(
    {
        "architecture_id": list("abcd"),
        "fid": [20.0, 18.0, 17.0, 19.0],
        "latency_ms": [20.0, 30.0, 45.0, 40.0],
        "flops": [4e11, 6e11, 9e11, 8e11],
    }
)
# By latency: -22, -21, -21.5, -23. By FLOPs: -24, -24.1, -26, -27.
OPTIMA = {"latency": ([30.0], [18.0]), "flops": ([400.0], [20.0])}


def problem(name: str, objective: str, equation: str, targets: tuple[str, ...]) -> Problem:
    objectives = {
        "fid": {"direction": "min", "reference": 30, "title": "FID"},
        objective: {"equation": equation, "direction": "min", "reference": 1000, "title": f"{objective} [unit]"},
    }
    return Problem.from_mapping(name, {"objectives": objectives, "targets": list(targets)})


PROBLEMS = [
    problem("latency", "latency_ms", "latency_ms", ("by_latency",)),
    problem("flops", "flops_g", "flops / 1e9", ("by_flops",)),
]


def built() -> pd.DataFrame:
    rows = [
        ("by_latency", "constrained", 1, 17.5, 29.0, 6e11),  # better than the front
        ("by_latency", "constrained", 2, 18.0, 30.0, 6e11),  # equal to a point of it
        ("by_flops", "constrained", 1, 17.5, 50.0, 5e11),  # better than the front of FLOPs
        ("by_latency", "exhaustive", 1, 19.5, 35.0, 7e11),  # behind it
        ("by_flops", "unconstrained", 1, 16.0, 60.0, 9.5e11),  # beyond its end
        ("", "random", 1, 21.0, 33.0, 7e11),
    ]
    return pd.DataFrame(rows, columns=["target", "method", "rank", "fid", "latency_ms", "flops"])


def draw(kind: str = "measured", **changes: pd.DataFrame) -> go.Figure:
    tables = {"architectures": TRAINING, "built": built(), **changes}
    return construction_figure(**tables, problems=PROBLEMS, targets=EQUATIONS, label_kind=kind, space="A space")


def panel(figure: go.Figure, group: str, axis: str) -> list[go.Scatter]:
    return [trace for trace in figure.data if trace.legendgroup == group and trace.xaxis == axis]


def test_fid_stands_against_each_hardware_metric_in_a_panel_titled_by_what_was_maximised() -> None:
    figure = draw()
    assert [annotation.text for annotation in figure.layout.annotations] == [*EQUATIONS.values()]
    assert figure.layout.xaxis.title.text == "← better   latency_ms [unit]"
    assert figure.layout.xaxis2.title.text == "← better   flops_g [unit]"
    assert figure.layout.yaxis.title.text == figure.layout.yaxis2.title.text == "← better   FID"


def test_the_front_of_the_training_architectures_is_a_stair_of_its_best() -> None:
    (line,) = panel(draw(), "front", "x")
    assert (list(line.x), list(line.y), line.line.shape) == ([20, 30, 45], [20, 18, 17], "hv")
    (points,) = panel(draw(), "training", "x")
    assert len(points.x) == 4


def test_the_gold_star_is_the_training_architecture_that_maximises_the_target() -> None:
    for axis, name in (("x", "latency"), ("x2", "flops")):
        (star,) = panel(draw(), "optimum", axis)
        assert (list(star.x), list(star.y)) == OPTIMA[name]
        assert (star.marker.symbol, star.marker.color) == ("star", style.GOLD)


def test_a_panel_shows_what_was_built_for_its_target_and_what_was_built_for_none() -> None:
    figure = draw()
    assert [list(trace.x) for trace in panel(figure, "constrained", "x")] == [[29.0, 30.0]]
    assert [list(trace.x) for trace in panel(figure, "constrained", "x2")] == [[pytest.approx(500.0)]]
    assert panel(figure, "exhaustive", "x2") == []
    assert [len(panel(figure, "random", axis)) for axis in ("x", "x2")] == [1, 1]


def test_the_legend_lists_each_method_once_with_how_many_lie_beyond_the_front() -> None:
    listed = [trace.name for trace in draw().data if trace.showlegend]
    assert listed == [
        "Training architectures (4)",
        "their Pareto front",
        "Optimal training architecture",
        "AutoBuild Constrained, 2 of 3 beyond the front",
        "Exhaustive Search, 0 of 1 beyond the front",
        "Random, 0 of 2 beyond the front",
        "AutoBuild Unconstrained, 1 of 1 beyond the front",
    ]


def test_methods_differ_in_colour_and_marker() -> None:
    looks = {trace.legendgroup: (trace.marker.color, trace.marker.symbol) for trace in draw().data}
    found = [looks[method] for method in METHODS]
    assert len({colour for colour, _ in found}) == len({symbol for _, symbol in found}) == len(METHODS)
    assert looks["constrained"][0] == style.variant_style("constrained").colour


def test_the_title_says_what_the_labels_are() -> None:
    assert "surrogate labels" in draw("surrogate").layout.title.text
    assert "A space" in draw().layout.title.text
    assert "surrogate" not in draw().to_json()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"architectures": TRAINING.drop(columns="flops")}, "The table of architectures has no flops"),
        ({"built": built().drop(columns="fid")}, "The table of built architectures has no fid"),
        ({"architectures": TRAINING.iloc[:0], "built": built().iloc[:0]}, "No architecture has all objectives"),
    ],
)
def test_what_is_missing_is_said_instead_of_drawn(changes: dict[str, pd.DataFrame], reason: str) -> None:
    figure = draw("surrogate", **changes)
    assert len(figure.data) == 0
    assert reason in figure.layout.annotations[0].text
    assert "surrogate labels" in figure.layout.title.text


def test_problems_of_one_objective_have_no_panel() -> None:
    alone = Problem.from_mapping("fid", {"objectives": {"fid": {"direction": "min", "reference": 30}}})
    figure = construction_figure(TRAINING, built(), [alone, *PROBLEMS], targets=EQUATIONS, label_kind="measured")
    assert len(figure.layout.annotations) == 2
    empty = construction_figure(TRAINING, built(), [alone], label_kind="measured")
    assert "No problem has two objectives" in empty.layout.annotations[0].text


def test_training_architectures_stand_alone_where_nothing_was_built_and_the_other_way_round() -> None:
    assert {trace.legendgroup for trace in draw(built=built().iloc[:0]).data} == {"training", "front", "optimum"}
    assert panel(draw(architectures=TRAINING.iloc[:0]), "constrained", "x")


def test_more_problems_than_fit_into_a_row_go_into_a_second() -> None:
    many = [problem(f"p{i}", "latency_ms", "latency_ms", ("by_latency",)) for i in range(5)]
    figure = construction_figure(TRAINING, built(), many, targets=EQUATIONS, label_kind="measured")
    assert figure.layout.yaxis4.domain[1] < figure.layout.yaxis.domain[0]
    assert figure.layout.height > draw().layout.height
