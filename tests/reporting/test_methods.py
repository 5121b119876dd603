"""The comparison of all search variants, as curves and in words."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest
from reporting_tables import VARIANTS, make_evaluations, problem_settings
from rich.console import Console

from autobuild_pipelines.reporting.anytime_figure import anytime_figure
from autobuild_pipelines.reporting.methods_table import methods_figure, methods_table, print_methods
from autobuild_pipelines.search import Problem
from autobuild_pipelines.search.anytime import hypervolume_curves, method_comparison

PROBLEMS = [Problem.from_mapping(device, problem_settings(device)) for device in ("cpu", "gpu")]
Tables = tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame]


@pytest.fixture(scope="module")
def tables() -> Tables:
    """Curves, comparison, best under caps (training set included) and times."""
    curves = hypervolume_curves(PROBLEMS, make_evaluations(seeds=3, budget=30), label_kind="measured")
    caps = pd.DataFrame(
        [
            {
                **{"problem": problem.name, "variant": variant, "objective": objective, "level": level},
                **{"limits": f"{other} <= {level}.12345", "quantile": 0.1, "seeds": 3, "seeds_within": 3 - level},
                **{"best_median": 78.1234, "best_lower": 78.0, "best_upper": 78.2, "label_kind": "measured"},
            }
            for problem in PROBLEMS
            for variant in (*VARIANTS, "training_set")
            for objective, other in zip(problem.objectives, [*problem.objectives][::-1], strict=True)
            for level in (1, 3)
        ]
    )
    names = [(problem.name, variant) for problem in PROBLEMS for variant in VARIANTS]
    times = pd.DataFrame([(*name, seed, 1.0 + seed) for name in names for seed in range(3)])
    times.columns = pd.Index(["problem", "variant", "seed", "wall_s"])
    return curves, method_comparison(PROBLEMS, curves), caps, times


def test_every_problem_has_a_panel_and_every_variant_a_median_within_its_quartiles(tables: Tables) -> None:
    figure = anytime_figure(tables[0], PROBLEMS, label_kind="measured")
    lines = [trace for trace in figure.data if trace.fill is None]
    assert len(lines) == 2 * len(VARIANTS)
    assert [trace.legendgroup for trace in lines if trace.showlegend] == list(VARIANTS)
    assert "median of 3 seeds, band: quartiles" in figure.layout.title.text
    bands = {(t.legendgroup, t.xaxis): np.asarray(t.y) for t in figure.data if t.fill}
    for line in lines:
        band = bands[line.legendgroup, line.xaxis]
        high, low = band[: len(line.y)], band[len(line.y) :][::-1]
        assert ((low <= line.y) & (line.y <= high)).all()


def test_one_seed_has_no_band() -> None:
    curves = hypervolume_curves(PROBLEMS, make_evaluations(seeds=1, budget=5), label_kind="measured")
    figure = anytime_figure(curves, PROBLEMS, label_kind="measured")
    assert all(trace.fill is None for trace in figure.data)
    assert "one seed" in figure.layout.title.text


def test_a_row_in_words_has_volume_speed_best_values_and_time(tables: Tables) -> None:
    _, methods, caps, times = tables
    table = methods_table("cpu", methods, caps, times).set_index("Variant")
    assert list(table.columns) == [
        *("Hypervolume", "95 % after"),
        *("Accuracy [%] at CPU latency [ms] ≤ 1.123", "Accuracy [%] at CPU latency [ms] ≤ 3.123", "Wall time [s]"),
    ]
    row = table.loc["Stage-Full"]
    assert row["Accuracy [%] at CPU latency [ms] ≤ 1.123"] == "78.12 (2/3)"
    assert row["Accuracy [%] at CPU latency [ms] ≤ 3.123"] == "none"
    assert row["Wall time [s]"] == "2.00"
    assert table.loc["Training set", "Hypervolume"] == "–"


def test_the_figure_has_a_table_for_each_problem_with_its_best_in_bold(tables: Tables) -> None:
    figure = methods_figure(*tables[1:], label_kind="measured")
    assert len(figure.data) == 2
    for table in figure.data:
        bold = [name for name in table.cells.values[0] if name.startswith("<b>")]
        assert bold == ["<b>AutoBuild contextual</b>"]


@pytest.mark.parametrize("kind", ["surrogate", "measured"])
def test_titles_say_what_the_labels_are_and_empty_tables_that_they_are(tables: Tables, kind: str) -> None:
    curves, methods, caps, times = tables
    for part in (slice(None), slice(0)):
        for figure in (
            anytime_figure(curves[part], PROBLEMS, label_kind=kind, space="A space"),
            methods_figure(methods[part], caps, times, label_kind=kind, space="A space"),
        ):
            assert f"{kind} labels" in figure.layout.title.text
            assert ("nothing to show" in figure.layout.title.text) == (part == slice(0))


def test_the_printed_tables_fit_a_page_of_100_columns(tables: Tables) -> None:
    out = io.StringIO()
    _, methods, caps, times = tables
    console = Console(file=out, width=100, highlight=False)
    print_methods({"ofa_mbv3": methods}, {"ofa_mbv3": caps}, {"ofa_mbv3": times}, console=console)
    text = out.getvalue()
    assert max(map(len, text.splitlines())) <= 100
    assert "ofa_mbv3 · measured labels" in text
    assert "…" not in text
    assert text.count("[s]") == 2
    for name in ("Layer-Full", "Training set"):
        assert text.count(name) == 2
