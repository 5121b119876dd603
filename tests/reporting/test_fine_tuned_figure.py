"""What a reader of the figure of built and fine-tuned architectures can rely on."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autobuild_pipelines.reporting import fine_tuned_figure
from autobuild_pipelines.reporting.fine_tuned_figure import beyond_front
from autobuild_pipelines.search import Problem

PROBLEM = Problem.from_mapping(
    "flops",
    {
        "objectives": {
            "pan_seg_PQ": {"direction": "max", "reference": 34, "title": "PQ"},
            "flops_pan_seg": {"direction": "min", "reference": 180, "title": "FLOPs [G]"},
        },
        "targets": ["hand", "pan_seg_PQ"],
        "graph": {"resolution": 224},
    },
)
# The three front points that the paper names (§7.7), and one behind them.
FINE_TUNED = pd.DataFrame(
    {
        "architecture_id": list("abcd"),
        "resolution": 224,
        "pan_seg_PQ": [37.9, 37.4, 35.7, 35.0],
        "flops_pan_seg": [175.1, 172.9, 171.3, 174.0],
    }
)


def built() -> pd.DataFrame:
    rows = [
        ("hand", "contextual", 1, 37.6, 172.0),  # better than the front
        ("hand", "contextual", 2, 37.4, 172.9),  # equal to a point of it
        ("hand", "eq5", 1, 34.0, 176.0),  # behind it
        ("pan_seg_PQ", "eq5", 1, 38.4, 179.0),  # beyond its end
        ("other", "eq5", 1, 38.4, 179.0),  # no target of the problem
    ]
    table = pd.DataFrame(rows, columns=["target", "method", "rank", "pan_seg_PQ", "flops_pan_seg"])
    sources = "pan_seg_PQ: predictor, flops_pan_seg: fitted_flops"
    return table.assign(architecture_id=list("pqrst"), resolution=224, metric_sources=sources)


def test_the_legend_says_how_many_built_architectures_no_fine_tuned_one_equals_or_betters() -> None:
    figure = fine_tuned_figure(built(), FINE_TUNED, PROBLEM, label_kind="published")
    names = {trace.legendgroup: trace.name for trace in figure.data}
    assert "1 of 2 beyond the front" in names["built:hand:contextual"]
    assert "0 of 1 beyond the front" in names["built:hand:eq5"]
    assert "1 of 1 beyond the front" in names["built:pan_seg_PQ:eq5"]
    assert "built:other:eq5" not in names


def test_flops_are_on_the_horizontal_axis_and_the_front_is_a_stair_of_the_best() -> None:
    figure = fine_tuned_figure(built(), FINE_TUNED, PROBLEM, label_kind="published")
    assert (figure.layout.xaxis.title.text, figure.layout.yaxis.title.text) == (
        "← better   FLOPs [G]",
        "PQ   better →",
    )
    points, line = figure.data[:2]
    assert (len(points.x), points.name) == (4, "Fine-tuned set (4)")
    assert (list(line.x), list(line.y), line.line.shape) == ([171.3, 172.9, 175.1], [35.7, 37.4, 37.9], "hv")


def test_the_title_says_what_the_labels_are_and_where_built_architectures_have_theirs_from() -> None:
    title = fine_tuned_figure(built(), FINE_TUNED, PROBLEM, label_kind="surrogate", space="PN").layout.title.text
    assert "surrogate labels" in title
    assert "built architectures: pan_seg_PQ from predictor, flops_pan_seg from fitted_flops" in title
    assert "surrogate" not in fine_tuned_figure(built(), FINE_TUNED, PROBLEM, label_kind="published").to_json()


@pytest.mark.parametrize(
    ("made", "given_set", "reason"),
    [
        (built().iloc[:0], FINE_TUNED, "The table of built architectures has no rows"),
        (built(), FINE_TUNED.assign(resolution=192), "The fine-tuned set has no rows"),
        (built().drop(columns="pan_seg_PQ"), FINE_TUNED, "The table of built architectures has no pan_seg_PQ"),
        (built(), FINE_TUNED.drop(columns="flops_pan_seg"), "The fine-tuned set has no flops_pan_seg"),
    ],
)
def test_what_is_missing_is_said_instead_of_drawn(made: pd.DataFrame, given_set: pd.DataFrame, reason: str) -> None:
    figure = fine_tuned_figure(made, given_set, PROBLEM, label_kind="surrogate")
    assert len(figure.data) == 0
    assert reason in figure.layout.annotations[0].text


def test_a_third_objective_is_a_second_panel_that_repeats_no_legend() -> None:
    objectives = {name: o.model_dump() for name, o in PROBLEM.objectives.items()}
    objectives["params"] = {"direction": "min", "reference": 30}
    three = Problem.from_mapping("three", {"objectives": objectives, "targets": ["hand"]})
    figure = fine_tuned_figure(built().assign(params=5.0), FINE_TUNED.assign(params=6.0), three, label_kind="measured")
    assert figure.layout.xaxis2.title.text.endswith("Parameters")
    groups = [trace.name for trace in figure.data if trace.showlegend]
    assert len(groups) == len(set(groups)) == len(figure.data) / 2


points = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=12)


@given(values=points, reference=points)
def test_beyond_the_front_is_what_joins_the_front_of_both_sets(
    values: list[tuple[int, int]], reference: list[tuple[int, int]]
) -> None:
    for value, found in zip(values, beyond_front(PROBLEM, values, reference), strict=True):
        joined = PROBLEM.front(np.asarray([*reference, value], dtype=float))
        assert found == (bool(joined[-1]) and value not in reference)
