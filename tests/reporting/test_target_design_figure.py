"""What a reader of the figure of designed targets can rely on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from reporting_tables import make_training, problem_settings

from autobuild_pipelines.design import DesignSettings, WeightedSum, design_targets, designed_targets_table
from autobuild_pipelines.reporting.target_design_figure import target_design_figure
from autobuild_pipelines.search import Problem

SETTINGS = problem_settings("cpu")
PROBLEM = Problem.from_mapping("cpu", SETTINGS)
THREE = Problem.from_mapping(
    "both",
    {"objectives": {**SETTINGS["objectives"], "latency_npu_ms": {"direction": "min", "reference": 23}}},
)
TRAINING = make_training(800)


def designed(problem: Problem, **settings: Any) -> pd.DataFrame:
    found = design_targets(problem, TRAINING, DesignSettings(**settings))
    return designed_targets_table({problem.name: found}, label_kind="measured")


def draw(problem: Problem, table: pd.DataFrame, label_kind: str = "measured") -> go.Figure:
    return target_design_figure(TRAINING, table, problem, label_kind=label_kind, space="Toy")


def of(figure: go.Figure, group: str, mode: str) -> list[go.Scatter]:
    return [trace for trace in figure.data if trace.legendgroup == group and trace.mode == mode]


def test_the_training_set_its_front_and_what_each_equation_ranks_first_are_drawn() -> None:
    table = designed(PROBLEM)
    figure = draw(PROBLEM, table)
    assert len(of(figure, "training", "markers")[0].x) == 800
    values = PROBLEM.evaluate(TRAINING).to_numpy()
    assert len(of(figure, "front", "lines")[0].x) == PROBLEM.front(values).sum()
    for row in table.to_dict("records"):
        best, star = of(figure, row["target"], "markers")
        assert len(best.x) == 25
        assert (min(best.x), max(best.x)) == (row["region_min_latency_cpu_ms"], row["region_max_latency_cpu_ms"])
        assert (star.x[0], star.y[0]) == (row["ideal_latency_cpu_ms"], row["ideal_acc_percent"])


def test_the_legend_has_every_equation_and_its_region() -> None:
    table = designed(PROBLEM)
    legends = {trace.legendgroup: trace.name for trace in draw(PROBLEM, table).data if trace.showlegend}
    for row in table.to_dict("records"):
        assert row["equation"] in legends[row["target"]]
        assert f"-{row['region_max_acc_percent']:.2f} %" in legends[row["target"]]


def test_an_equation_of_one_colour_has_no_other() -> None:
    figure = draw(PROBLEM, designed(PROBLEM))
    colours = {
        name: {trace.line.color if trace.mode == "lines" else trace.marker.color for trace in figure.data
               if trace.legendgroup == name}
        for name in ("cpu_1", "cpu_2", "cpu_3", "cpu_4")
    }  # fmt: skip
    assert all(len(found) == 1 for found in colours.values())
    assert len(set.union(*colours.values())) == 4


@pytest.mark.parametrize("shape", ["none", "log", "square"])
def test_a_level_set_is_where_the_equation_scores_like_its_ideal_point(shape: str) -> None:
    table = designed(PROBLEM, shape=shape)
    figure = draw(PROBLEM, table)
    for row in table.to_dict("records"):
        line = of(figure, row["target"], "lines")[0]
        weighed = WeightedSum(PROBLEM, shape, (row["coefficient_acc_percent"], row["coefficient_latency_cpu_ms"]))
        ideal = weighed.score(np.array([[row["ideal_acc_percent"], row["ideal_latency_cpu_ms"]]]))
        np.testing.assert_allclose(weighed.score(np.column_stack([line.y, line.x])), ideal[0])
        assert (np.diff(line.y) > 0).all()


def test_three_metrics_get_a_panel_for_each_further_one_and_no_line_for_the_front() -> None:
    figure = draw(THREE, designed(THREE))
    assert figure.layout.xaxis.title.text == "← better   CPU latency [ms]"
    assert figure.layout.xaxis2.title.text == "← better   NPU latency [ms]"
    assert len(of(figure, "both_1", "lines")) == 2
    assert not of(figure, "front", "lines")
    assert len([trace for trace in figure.data if trace.showlegend]) == 6


def test_the_title_says_what_the_labels_are_and_how_many_equations_pass() -> None:
    title = draw(PROBLEM, designed(PROBLEM), "surrogate").layout.title.text
    assert "surrogate labels" in title
    assert "4 of 4 equations pass" in title
    failed = draw(PROBLEM, designed(PROBLEM, margin=50))
    assert "0 of 4 equations pass" in failed.layout.title.text
    assert all("fails its check" in trace.name for trace in failed.data if trace.showlegend and "cpu_" in trace.name)


def test_without_equations_or_labels_the_figure_says_so() -> None:
    table = designed(PROBLEM)
    empty = draw(PROBLEM, table.iloc[:0])
    assert "No equations were designed for problem 'cpu'" in empty.layout.annotations[0].text
    unlabelled = target_design_figure(TRAINING[["architecture_id", "acc"]], table, PROBLEM, label_kind="measured")
    assert "no label 'latency_cpu_ms'" in unlabelled.layout.annotations[0].text
