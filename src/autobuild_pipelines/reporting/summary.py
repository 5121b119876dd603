"""The table printed at the end of a run: what was found per space, how good the predictors are, where to look."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

import pandas as pd
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from autobuild_pipelines.reporting import wording
from autobuild_pipelines.reporting.held_out import assessed_hops, better, correlation, held_out
from autobuild_pipelines.reporting.verification_figure import foretold

WIDTH = 100
"""Columns of a log that is no terminal."""
_FEW = 6
_SETS = ("training_set", "fine_tuned")


@dataclass(frozen=True)
class Counts:
    """What a run read and scored in one space.

    Args:
        read: Architectures kept by ingest.
        rejected: Rows refused by ingest.
        modules: Modules scored (each once, whatever the number of targets).
        space: Architectures in the space.
        reduced: Architectures in the reduced space of each problem.
    """

    read: int
    rejected: int
    modules: int
    space: int
    reduced: Mapping[str, int] = field(default_factory=dict)


def print_summary(
    comparisons: Mapping[str, pd.DataFrame],
    locations: Mapping[str, str],
    *,
    predictor_metrics: Mapping[str, pd.DataFrame] | None = None,
    counts: Mapping[str, Counts] | None = None,
    verifications: Mapping[str, pd.DataFrame] | None = None,
    leaders: Mapping[str, pd.DataFrame] | None = None,
    console: Console | None = None,
) -> None:
    """Print the summary of a run.

    Args:
        comparisons: Per space, the table `comparison`.
        locations: What lies where: the file or folder of each saved dataset, by its name (``ofa_pn.comparison``);
            more than a few are gathered by their folder.
        predictor_metrics: Per space, the table `predictor_metrics`.
        counts: Per space, what was read and scored.
        verifications: Per space, the table `verification_metrics`.
        leaders: Per space, the table `module_leaders`; said of ensembles alone.
        console: Where to print; by default standard output, 100 columns wide unless it is a terminal.
    """
    console = console or summary_console()
    for place, (space, comparison) in enumerate(comparisons.items()):
        if place:
            console.print()
        console.print(heading(space, comparison))
        if counts and space in counts:
            console.print(_counted(counts[space]))
        if leaders and space in leaders and leaders[space]["standard_error"].notna().any():
            console.print(_led(leaders[space]))
        if comparison.empty:
            console.print(Text("Nothing was compared: the table of the comparison is empty.", style="yellow"))
        else:
            console.print(_comparison(comparison, console.width))
        metrics = (predictor_metrics or {}).get(space)
        if metrics is not None and not metrics.empty:
            console.print()
            console.print(_predictors(metrics, label_kind(comparison)))
        if verifications and space in verifications:
            console.print(f"\nMeasured latency of what was built: {foretold(verifications[space])}")
    if comparisons:
        console.print()
    print_locations(console, locations)


def label_kind(comparison: pd.DataFrame) -> str:
    """The kind of a comparison's labels; "surrogate" when any row's are."""
    kinds = [str(kind) for kind in comparison["label_kind"].unique()] if "label_kind" in comparison else []
    return "surrogate" if "surrogate" in kinds else (kinds[0] if kinds else "")


def summary_console() -> Console:
    """Standard output, `WIDTH` columns wide unless it is a terminal."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=WIDTH)


def heading(space: str, comparison: pd.DataFrame) -> Text:
    """The space's name and the kind of its labels."""
    kind = label_kind(comparison)
    text = Text(space, style="bold")
    if kind:
        text.append(" · ").append(wording.labels(kind), style="bold yellow" if kind == "surrogate" else "not bold")
    return text


def _counted(counts: Counts) -> Text:
    reduced = sorted(set(counts.reduced.values()))
    shown = wording.size(reduced[0]) if reduced else ""
    if len(reduced) > 1:
        shown = f"{shown} to {wording.size(reduced[-1])}"
    space = f"space {wording.size(counts.space)}" + (f" -> reduced {shown}" if reduced else "")
    return Text(
        f"{counts.read:,} architectures, {counts.rejected:,} rejected · {counts.modules:,} modules scored · {space}",
        style="dim",
    )


def _led(leaders: pd.DataFrame) -> Text:
    """How many modules of a unit may be its best, as far as the ensemble can tell."""
    groups = []
    for method, rows in leaders.groupby("method", sort=False):
        may_be_best = rows["tied"] + 1
        groups.append(f"{wording.words(str(method))} {may_be_best.median():,.0f} (up to {may_be_best.max():,})")
    return Text(f"modules that may be their unit's best: {' · '.join(groups)}", style="dim")


def _comparison(comparison: pd.DataFrame, width: int) -> Table:
    """A row per search variant, one for the best built set, then the sets of given labels; columns per problem."""
    problems = [str(problem) for problem in comparison["problem"].unique()]
    objectives = {problem: _objectives(comparison[comparison["problem"] == problem]) for problem in problems}
    rows = [(name, _pick(comparison, name)) for name in _row_names(comparison)]
    first = max(len(name) for name, _ in rows) + 2
    if first + 8 + sum(15 + 9 * len(names) for names in objectives.values()) > width:
        objectives = {problem: names[:1] for problem, names in objectives.items()}
    table = Table(
        box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1), show_edge=False, collapse_padding=True, header_style="bold"
    )
    table.add_column("\nvariant", no_wrap=True)
    table.add_column("\nevals", justify="right", no_wrap=True)
    for problem in problems:
        table.add_column(f"{problem}\nhypervolume", justify="right", no_wrap=True)
        for objective in objectives[problem]:
            table.add_column(f"best\n{_short(objective)}", justify="right")
    leaders = {problem: _leader(comparison, problem) for problem in problems}
    for name, picked in rows:
        cells: list[Text | str] = [name, _evaluations(picked)]
        for problem in problems:
            row = picked.get(problem)
            leads = row is not None and row["variant"] == leaders[problem]
            cells.append(Text(_volume(row), style="bold green" if leads else ""))
            cells += [wording.number(float(row[f"best_{o}"])) if row is not None else "–" for o in objectives[problem]]
        table.add_row(*cells)
    return table


def _objectives(rows: pd.DataFrame) -> list[str]:
    best = [str(c) for c in rows.columns if str(c).startswith("best_")]
    return [c.removeprefix("best_") for c in best if rows[c].notna().any()]


def _row_names(comparison: pd.DataFrame) -> list[str]:
    names = list(dict.fromkeys(map(str, comparison["variant"])))
    searched = [n for n in names if not n.startswith("built:") and n not in _SETS]
    built = ["built (best set)"] if any(n.startswith("built:") for n in names) else []
    return [*searched, *built, *(n for n in names if n in _SETS)]


def _pick(comparison: pd.DataFrame, name: str) -> dict[str, pd.Series]:
    """Per problem the row of a variant; of the built sets the one of most hypervolume."""
    built = name.startswith("built")
    mask = comparison["variant"].str.startswith("built:") if built else comparison["variant"] == name
    best = comparison[mask].sort_values("hypervolume_mean", ascending=False, kind="stable")
    return {str(row["problem"]): row for _, row in best.drop_duplicates("problem").iterrows()}


def _leader(comparison: pd.DataFrame, problem: str) -> str:
    rows = comparison[comparison["problem"] == problem].dropna(subset=["hypervolume_mean"])
    return str(rows["variant"].iloc[int(rows["hypervolume_mean"].argmax())]) if len(rows) else ""


def _evaluations(picked: Mapping[str, pd.Series]) -> str:
    each = sorted({int(row["evaluations"]) for row in picked.values() if row["evaluations"] == row["evaluations"]})
    seeds = max((int(row["seeds"]) for row in picked.values()), default=1)
    shown = f"{each[0]:,}" if len(each) == 1 else f"{each[0]:,}-{each[-1]:,}" if each else "–"
    return f"{shown} x {seeds}" if seeds > 1 else shown


def _volume(row: pd.Series | None) -> str:
    if row is None:
        return "–"
    mean, deviation = float(row["hypervolume_mean"]), float(row["hypervolume_std"])
    return wording.spread(mean, deviation) if int(row["seeds"]) > 1 else wording.number(mean)


def _short(objective: str) -> str:
    return objective.replace("_percent", " %").replace("latency_", "").replace("_", " ")


def _predictors(metrics: pd.DataFrame, kind: str) -> Table:
    """Held-out Spearman of the predictor and of ridge, the word for who is better, then Spearman per hop."""
    values = held_out(metrics)
    hops = assessed_hops(values)
    table = Table(
        box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1), show_edge=False, collapse_padding=True, header_style="bold"
    )
    table.add_column("surrogate target" if kind == "surrogate" else "target", overflow="fold")
    for name in ("autobuild", "ridge"):
        table.add_column(f"{name} ρ", justify="right", no_wrap=True)
    table.add_column("better", no_wrap=True)
    for hop in hops:
        table.add_column(f"hop {hop}", justify="right", no_wrap=True)
    for target in dict.fromkeys(target for target, _, _ in values):
        ours, ridge = (values.get((target, model, "spearman")) for model in ("autobuild", "ridge"))
        cells = [values.get((target, "autobuild", f"spearman_hop_{hop}")) for hop in hops]
        word = better(ours, ridge)
        style = "green" if word.startswith("autobuild") else "yellow" if word.startswith("ridge") else ""
        table.add_row(target, correlation(ours), correlation(ridge), Text(word, style=style), *map(correlation, cells))
    return table


def print_locations(console: Console, locations: Mapping[str, str]) -> None:
    """Print what lies where: the report first, the rest by folder where there is much."""
    others = {name: path for name, path in locations.items() if name != "report"}
    gathered = _by_folder(others) if len(others) > _FEW else {path: name for name, path in others.items()}
    lines = {
        **gathered,
        "make viz": "the lineage",
        "make mlflow": "parameters, metrics, figures and models of every run",
    }
    wide = max(len(place) for place in lines)
    console.print(Text("Look next", style="bold"))
    if "report" in locations:
        console.print(Text(f"  {locations['report']}  the report, for a browser", style="bold"), soft_wrap=True)
    for place, content in lines.items():
        text = f"  {place:<{wide}}  {content}"
        # A path is never cut, what lies there may be.
        most = max(console.width, wide + 12)
        console.print(Text(text if len(text) <= most else text[: most - 2] + " …"), soft_wrap=True)


def _by_folder(locations: Mapping[str, str]) -> dict[str, str]:
    """``data/08_reporting`` and the like → what lies there, without the names of spaces, versions and files."""
    folders: dict[str, dict[str, None]] = {}
    for name, path in locations.items():
        parts = PurePosixPath(path).parts
        # <folder>/<layer>/<space>/<file>[/<version>/<file>]: the layer is two above what the space's name marks.
        space = name.rpartition(".")[0]
        depth = parts.index(space) if space in parts else min(2, len(parts) - 1)
        folders.setdefault(str(PurePosixPath(*parts[: max(1, depth)])), {})[name.rpartition(".")[2]] = None
    return {folder: ", ".join(names) for folder, names in sorted(folders.items())}
