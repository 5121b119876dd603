"""What a run that builds without searching prints at its end: what was built, and where it ranks."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from autobuild_pipelines.reporting import wording
from autobuild_pipelines.reporting.summary import heading, print_locations, summary_console
from autobuild_pipelines.spaces import SearchSpace, summary


def print_constructions(
    comparisons: Mapping[str, pd.DataFrame],
    gains: Mapping[str, pd.DataFrame],
    spaces: Mapping[str, SearchSpace],
    locations: Mapping[str, str],
    *,
    console: Console | None = None,
) -> None:
    """Print what was constructed in every space.

    Args:
        comparisons: Per space, the table `construction_comparison`.
        gains: Per space, the table `pareto_gains`.
        spaces: The spaces themselves, whose sizes are printed.
        locations: What lies where, by the name of the dataset.
        console: Where to print; by default standard output.
    """
    console = console or summary_console()
    for space, comparison in comparisons.items():
        console.print(heading(space, comparison))
        console.print(Text(summary(spaces[space]), style="dim"))
        console.print()
        console.print(_constructions(comparison, spaces[space].size))
        found = gains.get(space)
        if found is not None and not found.empty:
            console.print()
            console.print(_gains(found))
        console.print()
    print_locations(console, locations)


def _constructions(comparison: pd.DataFrame, size: int) -> Table:
    """A row per target and method: its best architecture's value and true rank."""
    ranked = comparison["best_true_rank"].notna().any()
    table = _table("target", "method")
    columns = ["built", "best value", "mean value"]
    columns += [f"true rank\nof {size:,}", "top %", "mean\ntop %"] if ranked else []
    for name in columns:
        table.add_column(name, justify="right", no_wrap=True)
    for target, rows in comparison.groupby("target", sort=False):
        leader = rows["best_true_rank"].min() if ranked else None
        for place, row in enumerate(rows.to_dict("records")):
            cells = [str(target) if not place else "", wording.method(str(row["method"])), f"{row['count']:,}"]
            cells += [wording.number(float(row["best_value"])), wording.number(float(row["mean_value"]))]
            style = "bold green" if ranked and row["best_true_rank"] == leader else ""
            if ranked:
                cells += [f"{row['best_true_rank']:,}", _percent(row["best_true_percentile"])]
                cells += [_percent(row["mean_true_percentile"])]
            table.add_row(*cells, style=style)
    return table


def _gains(gains: pd.DataFrame) -> Table:
    """A row per method, a column per problem: hypervolume of training set and built over the training set's alone."""
    problems = list(dict.fromkeys(map(str, gains["problem"])))
    table = _table("hypervolume over the training set's")
    for problem in problems:
        table.add_column(wording.words(problem), justify="right", no_wrap=True)
    cells = {(str(r["problem"]), str(r["method"])): r for r in gains.to_dict("records")}
    for method in dict.fromkeys(map(str, gains["method"])):
        row = [cells.get((problem, method)) for problem in problems]
        table.add_row(wording.method(method), *("–" if c is None else f"+{c['gain_percent']:.1f} %" for c in row))
    return table


def _table(*names: str) -> Table:
    table = Table(
        box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1), show_edge=False, collapse_padding=True, header_style="bold"
    )
    for name in names:
        table.add_column(name, no_wrap=True)
    return table


def _percent(value: float) -> str:
    return f"{value:.4f}" if value < 1 else f"{value:.2f}"
