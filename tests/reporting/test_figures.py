"""What a reader of the figures can rely on."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from reporting_tables import (
    VARIANTS,
    make_built,
    make_history,
    make_metrics,
    make_predictions,
    make_statistics,
    make_training,
    problem_settings,
)

from autobuild_pipelines.reporting import (
    hypervolume_figure,
    hypervolume_history,
    label_statistics_figure,
    pareto_figure,
    predictions_figure,
    spearman_figure,
    style,
    training_figure,
)
from autobuild_pipelines.reporting.objectives import select, volume
from autobuild_pipelines.search import Problem

Draw = Callable[[str], go.Figure]


def drawings(evaluations: pd.DataFrame, problem: Problem) -> dict[str, Draw]:
    return {
        "pareto": lambda kind: pareto_figure(evaluations, problem, label_kind=kind),
        "hypervolume": lambda kind: hypervolume_figure(evaluations, [problem], label_kind=kind),
        "predictions": lambda kind: predictions_figure(make_predictions(), label_kind=kind),
        "spearman": lambda kind: spearman_figure(make_metrics(), label_kind=kind),
        "label_statistics": lambda kind: label_statistics_figure(make_statistics(), label_kind=kind),
        "training": lambda kind: training_figure(make_history(), label_kind=kind),
        "pareto, empty": lambda kind: pareto_figure(evaluations.iloc[:0], problem, label_kind=kind),
        "hypervolume, empty": lambda kind: hypervolume_figure(evaluations.iloc[:0], [problem], label_kind=kind),
        "predictions, empty": lambda kind: predictions_figure(make_predictions().iloc[:0], label_kind=kind),
        "spearman, empty": lambda kind: spearman_figure(make_metrics().iloc[:0], label_kind=kind),
        "label_statistics, empty": lambda kind: label_statistics_figure(make_statistics().iloc[:0], label_kind=kind),
        "training, empty": lambda kind: training_figure(make_history().iloc[:0], label_kind=kind),
    }


FIGURES = ["pareto", "hypervolume", "predictions", "spearman", "label_statistics", "training"]


@pytest.mark.parametrize("name", [*FIGURES, *(f"{name}, empty" for name in FIGURES)])
def test_every_title_says_what_the_labels_are(name: str, evaluations: pd.DataFrame, problem: Problem) -> None:
    draw = drawings(evaluations, problem)[name]
    assert "surrogate labels" in draw("surrogate").layout.title.text
    assert "surrogate" not in draw("measured").to_json()
    assert "measured labels" in draw("measured").layout.title.text


@pytest.mark.parametrize("name", FIGURES)
def test_an_empty_table_gives_a_figure_that_says_so(name: str, evaluations: pd.DataFrame, problem: Problem) -> None:
    figure = drawings(evaluations, problem)[f"{name}, empty"]("measured")
    assert len(figure.data) == 0
    assert "nothing to show" in figure.layout.title.text
    assert len(figure.layout.annotations[0].text) > 10


def test_every_variant_has_a_bold_front_with_its_hypervolume_in_the_legend(
    evaluations: pd.DataFrame, problem: Problem, comparison: pd.DataFrame
) -> None:
    figure = pareto_figure(evaluations, problem, label_kind="measured", comparison=comparison)
    listed = {trace.legendgroup: trace.name for trace in figure.data if trace.showlegend}
    assert set(VARIANTS) <= set(listed)
    row = comparison[(comparison["problem"] == "cpu") & (comparison["variant"] == "layer_full")].iloc[0]
    assert f"{row['hypervolume_mean']:,.0f} ± {row['hypervolume_std']:.0f}" in listed["layer_full"]


def test_the_training_set_the_built_architectures_and_the_reference_point_are_drawn(
    evaluations: pd.DataFrame, problem: Problem
) -> None:
    figure = pareto_figure(evaluations, problem, label_kind="measured", training=make_training(50), built=make_built(4))
    traces = {trace.legendgroup: trace for trace in figure.data}
    assert len(traces["training_set"].x) == 50
    assert {g for g in traces if g.startswith("built:")} == {
        f"built:{target}:{method}" for target in problem.targets for method in ("eq5", "contextual")
    }
    assert (traces["reference"].x[0], traces["reference"].y[0]) == (600.0, 74.0)


def test_architectures_at_another_resolution_than_the_problems_are_not_drawn(evaluations: pd.DataFrame) -> None:
    problem = Problem.from_mapping("cpu", {**problem_settings("cpu"), "graph": {"resolution": 224}})
    training = make_training(50).assign(resolution=[192] * 30 + [224] * 20)
    figure = pareto_figure(evaluations, problem, label_kind="measured", training=training)
    assert [len(trace.x) for trace in figure.data if trace.legendgroup == "training_set"] == [20]


def test_a_training_set_without_a_metric_is_left_out_and_the_subtitle_says_so(
    evaluations: pd.DataFrame, problem: Problem
) -> None:
    training = make_training(50).drop(columns="latency_cpu_ms")
    figure = pareto_figure(evaluations, problem, label_kind="measured", training=training)
    assert "training set without latency_cpu_ms not shown" in figure.layout.title.text
    assert "training_set" not in {trace.legendgroup for trace in figure.data}
    assert "training_set" not in {
        trace.legendgroup
        for trace in hypervolume_figure(evaluations, [problem], label_kind="measured", training=training).data
    }


def test_arrows_point_to_better_values(evaluations: pd.DataFrame, problem: Problem) -> None:
    figure = pareto_figure(evaluations, problem, label_kind="measured")
    assert figure.layout.xaxis.title.text == "← better   CPU latency [ms]"
    assert figure.layout.yaxis.title.text == "Accuracy [%]   better →"


def test_a_front_is_what_no_other_evaluation_dominates(evaluations: pd.DataFrame, problem: Problem) -> None:
    rows = select(problem, evaluations[evaluations["variant"] == "stage_full"])
    points = problem.values(rows) * np.where(problem.maximise, 1, -1)
    as_good = (points[None, :, :] >= points[:, None, :]).all(axis=2)
    better = as_good & (points[None, :, :] > points[:, None, :]).any(axis=2)
    expected = rows[~better.any(axis=1)]
    figure = pareto_figure(evaluations, problem, label_kind="measured")
    bold = next(t for t in figure.data if t.legendgroup == "stage_full" and t.showlegend)
    assert sorted(bold.x) == sorted(expected["latency_cpu_ms"])


def test_a_variant_has_one_colour_in_every_figure(evaluations: pd.DataFrame, problem: Problem) -> None:
    fronts = pareto_figure(evaluations, problem, label_kind="measured")
    volumes = hypervolume_figure(evaluations.sample(frac=1, random_state=0), [problem], label_kind="measured")
    for variant in VARIANTS:
        colours = {
            trace.line.color
            for figure in (fronts, volumes)
            for trace in figure.data
            if trace.legendgroup == variant and trace.showlegend
        }
        assert colours == {style.variant_style(variant).colour}


def test_variants_differ_in_colour_dash_and_marker() -> None:
    looks = [style.variant_style(variant) for variant in VARIANTS]
    assert len({look.colour for look in looks}) == len({look.symbol for look in looks}) == len(VARIANTS)
    assert len({look.dash for look in looks}) == len(VARIANTS)


def test_an_unknown_variant_keeps_its_style() -> None:
    assert style.variant_style("my_own_search") == style.variant_style("my_own_search")


def test_targets_keep_their_colours_in_any_order() -> None:
    assert style.target_colours(["b", "a", "c"]) == style.target_colours(["c", "b", "a"])


def test_a_single_evaluation_is_drawn(evaluations: pd.DataFrame, problem: Problem) -> None:
    rows = select(problem, evaluations)
    inside = rows[(rows["acc_percent"] > 74) & (rows["latency_cpu_ms"] < 600)].head(1)
    assert any(trace.showlegend for trace in pareto_figure(inside, problem, label_kind="measured").data)
    volumes = hypervolume_figure(inside, [problem], label_kind="measured")
    assert [trace.mode for trace in volumes.data] == ["markers"]
    predictions_figure(make_predictions().head(1), label_kind="measured")
    training_figure(make_history(epochs=1), label_kind="measured")
    label_statistics_figure(make_statistics().head(1), label_kind="measured")
    spearman_figure(make_metrics().query("metric == 'spearman_hop_0'"), label_kind="measured")


def test_evaluations_all_beyond_the_reference_point_are_drawn_with_no_hypervolume(problem: Problem) -> None:
    rows = pd.DataFrame(
        {"problem": "cpu", "variant": "stage_full", "seed": 0, "evaluation": [1, 2], "acc": [0.5, 0.4],
         "latency_cpu_ms": [700.0, 650.0]}
    )  # fmt: skip
    figure = pareto_figure(rows, problem, label_kind="measured")
    assert any("<b>0</b>" in trace.name for trace in figure.data)
    assert hypervolume_history(rows, problem)["hypervolume"].tolist() == [0.0, 0.0]


def test_hypervolume_grows_and_ends_at_that_of_all_evaluations(evaluations: pd.DataFrame, problem: Problem) -> None:
    history = hypervolume_history(evaluations, problem)
    rows = select(problem, evaluations)
    for (variant, seed), found in history.groupby(["variant", "seed"]):
        assert (found["hypervolume"].diff().dropna() >= 0).all()
        everything = rows[(rows["variant"] == variant) & (rows["seed"] == seed)]
        assert found["hypervolume"].iloc[-1] == pytest.approx(volume(problem, everything), rel=1e-12)


def test_a_third_objective_gets_its_own_panel(evaluations: pd.DataFrame) -> None:
    settings = problem_settings("cpu")
    settings["objectives"]["macs"] = {"equation": "macs", "direction": "min", "reference": 700}
    figure = pareto_figure(
        evaluations.assign(macs=np.linspace(100, 600, len(evaluations))),
        Problem.from_mapping("cpu", settings),
        label_kind="measured",
    )
    assert figure.layout.xaxis2.title.text == "← better   MACs"


def test_one_objective_is_no_front_and_the_figure_says_so(evaluations: pd.DataFrame) -> None:
    settings = {"objectives": {"acc_percent": {"direction": "max", "reference": 74}}}
    figure = pareto_figure(evaluations, Problem.from_mapping("cpu", settings), label_kind="measured")
    assert "a front needs two" in figure.layout.annotations[0].text


def test_predictions_stand_beside_ridge_for_every_target() -> None:
    figure = predictions_figure(make_predictions(), label_kind="measured", metrics=make_metrics())
    assert sum(trace.mode == "markers" for trace in figure.data) == 8
    assert sum("Spearman" in annotation.text for annotation in figure.layout.annotations) == 8


def test_each_target_has_a_line_over_the_hops_and_a_level_of_ridge_in_its_colour() -> None:
    figure = spearman_figure(make_metrics(("acc", "acc_per_cpu")), label_kind="measured")
    traces = {trace.name: trace for trace in figure.data}
    assert list(traces["acc"].x) == ["0", "1", "2", "3", "4", "head"]
    assert set(traces["ridge, acc"].y) == {0.98}
    assert traces["ridge, acc"].line.color == traces["acc"].line.color
    assert traces["ridge, acc"].line.dash == "dash"


def test_label_statistics_carry_deviations_and_counts() -> None:
    figure = label_statistics_figure(make_statistics(("acc",)), label_kind="measured")
    two_layers = figure.data[0]
    assert two_layers.y[0] == 0.7677  # paper, Table 2: unit 1, two layers
    assert two_layers.error_y.array[0] == 0.0076
    assert list(two_layers.customdata[0]) == [1, 0.0076, 907]
