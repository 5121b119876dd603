"""The comparison of all variants of a search in words, a table a problem: for a figure, and for the end of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from autobuild_pipelines.reporting import style, wording
from autobuild_pipelines.reporting.summary import WIDTH
from autobuild_pipelines.search.anytime import NEAR

NONE = "–"
_ROW, _HEAD = 27, 62
"""Heights in the figure, pixels."""
_LONGEST_WORD = 9
"""Columns as wide as their cells, and at least this, keep long headings from pushing the table off the page."""


def methods_table(problem: str, methods: pd.DataFrame, caps: pd.DataFrame, times: pd.DataFrame) -> pd.DataFrame:
    """What is known of each variant of one problem, in words.

    Args:
        problem: Its name.
        methods: Table `method_comparison`.
        caps: Table `best_under_caps`; what is shown of a problem is the objective that stands first.
        times: Table `search_times`.

    Returns:
        One row per variant, then one for the training set. Columns: variant, hypervolume (median and quartiles over
        seeds), evaluations after which it is near the best, the best of the first objective under each limit (median
        over the seeds that keep it, and how many do where not all), wall time of a run (median).
    """
    found = methods[methods["problem"] == problem].set_index("variant")
    capped = caps[caps["problem"] == problem]
    capped = capped[capped["objective"] == capped["objective"].iloc[0]] if len(capped) else capped
    timed = times[times["problem"] == problem]
    rows = []
    for variant in dict.fromkeys([*found.index, *capped["variant"]]):
        row = {"Variant": wording.variant(str(variant))}
        if variant in found.index:
            method = found.loc[variant]
            row["Hypervolume"] = _spread(*(float(method[f"hypervolume_{q}"]) for q in ("median", "lower", "upper")))
            near = float(method["near_best_after"])
            row[f"{100 * NEAR:g} % after"] = "never" if near != near else f"{near:,.0f}"
        for cap in capped[capped["variant"] == variant].to_dict("records"):
            row[wording.quantity(str(cap["objective"])) + _under(str(cap["limits"]))] = _best(cap)
        wall = timed[timed["variant"] == variant]["wall_s"]
        if len(wall):
            row["Wall time [s]"] = wording.number(float(wall.median()), digits=3)
        rows.append(row)
    return pd.DataFrame(rows).fillna(NONE)


def methods_figure(
    methods: pd.DataFrame, caps: pd.DataFrame, times: pd.DataFrame, *, label_kind: str, space: str = ""
) -> go.Figure:
    """The tables of all problems, one below the other, the best hypervolume of each in bold.

    Args:
        methods: Table `method_comparison`.
        caps: Table `best_under_caps`.
        times: Table `search_times`.
        label_kind: Of the space, a key of `wording.LABEL_KINDS`.
        space: The space's title.
    """
    title = "Comparison of search variants" + (f" in {space}" if space else "")
    if methods.empty:
        return style.empty(title, "The table of the comparison is empty.", label_kind)
    tables = {problem: methods_table(problem, methods, caps, times) for problem in _problems(methods)}
    heights = [_HEAD + _ROW * len(table) for table in tables.values()]
    figure = make_subplots(
        rows=len(tables),
        cols=1,
        specs=[[{"type": "table"}]] * len(tables),
        row_heights=[height / sum(heights) for height in heights],
        subplot_titles=[wording.words(problem) for problem in tables] if len(tables) > 1 else None,
        vertical_spacing=0.1 / len(tables),
    )
    style.small_titles(figure)
    for place, (problem, table) in enumerate(tables.items(), start=1):
        leader = wording.variant(_leader(methods, problem))
        table["Variant"] = [f"<b>{name}</b>" if name == leader else name for name in table["Variant"]]
        head = {"values": [f"<b>{column}</b>" for column in table], "align": "left", "fill": {"color": style.GRID}}
        cells = {"values": [table[c] for c in table], "align": "left", "height": _ROW, "fill": {"color": "white"}}
        widths = [max(table[c].str.len().max(), _LONGEST_WORD) for c in table]
        figure.add_trace(go.Table(header=head, cells=cells, columnwidth=widths), row=place, col=1)
    seeds = int(methods["seeds"].max())
    over = f"median (quartiles) of {seeds} seeds" if seeds > 1 else "one seed"
    detail = f"{over}, best hypervolume bold; after so many evaluations {100 * NEAR:g} % of it"
    return style.finish(figure, title, detail, label_kind, height=180 + sum(heights) + 30 * len(tables))


def print_methods(
    methods: Mapping[str, pd.DataFrame],
    caps: Mapping[str, pd.DataFrame],
    times: Mapping[str, pd.DataFrame],
    *,
    console: Console | None = None,
) -> None:
    """Print the tables of every space.

    Args:
        methods: Per space, the table `method_comparison`.
        caps: Per space, the table `best_under_caps`.
        times: Per space, the table `search_times`.
        console: Where to print; by default standard output, 100 columns wide unless it is a terminal.
    """
    if console is None:
        console = Console(highlight=False)
        if not console.is_terminal:
            console = Console(highlight=False, width=WIDTH)
    for space, of_space in methods.items():
        kind = str(of_space["label_kind"].iloc[0]) if len(of_space) else ""
        console.print(Text(space, style="bold").append(f" · {wording.labels(kind)}", style="not bold"))
        for problem in _problems(of_space):
            words = methods_table(problem, of_space, caps[space], times[space])
            console.print(_printed(problem, words, wording.variant(_leader(of_space, problem))))
            console.print()


def _printed(problem: str, words: pd.DataFrame, leader: str) -> Table:
    table = Table(
        box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1), show_edge=False, collapse_padding=True, header_style="bold"
    )
    for place, column in enumerate(words):
        heading = Text(str(column) if place else problem)  # no markup, which units in brackets would be taken for
        wide = int(words[column].str.len().max())
        table.add_column(heading, justify="right" if place else "left", width=max(wide, _LONGEST_WORD), overflow="fold")
    for cells in words.itertuples(index=False):
        name, *rest = map(str, cells)
        table.add_row(Text(name, style="bold green" if name == leader else ""), *rest)
    return table


def _problems(methods: pd.DataFrame) -> Sequence[str]:
    return [str(problem) for problem in methods["problem"].unique()]


def _leader(methods: pd.DataFrame, problem: str) -> str:
    rows = methods[methods["problem"] == problem]
    return str(rows["variant"].iloc[int(rows["hypervolume_median"].argmax())])


def _spread(middle: float, low: float, high: float) -> str:
    words = [wording.number(value) for value in (middle, low, high)]
    return words[0] if len(set(words)) == 1 else f"{words[0]} ({words[1]} to {words[2]})"


def _best(cap: Mapping[object, object]) -> str:
    best, within, seeds = (float(str(cap[name])) for name in ("best_median", "seeds_within", "seeds"))
    if not within:
        return "none"
    return wording.number(best) + (f" ({within:g}/{seeds:g})" if within < seeds else "")


def _under(limits: str) -> str:
    """The limits of `best_under_caps` in words: "latency_cpu_ms <= 13.1194" is " at CPU latency [ms] ≤ 13.12"."""
    parts = [limit.rsplit(" ", 2) for limit in limits.split(" and ")] if limits else []
    signs = {"<=": "≤", ">=": "≥"}
    words = [f"{wording.quantity(name)} {signs[sign]} {wording.number(float(value))}" for name, sign, value in parts]
    return f" at {' and '.join(words)}" if words else ""
