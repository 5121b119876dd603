"""What a run found, as the few lines that stand on top of its record: Markdown, and the same numbers as metrics."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from autobuild_pipelines.reporting import wording
from autobuild_pipelines.reporting.held_out import correlation
from autobuild_pipelines.reporting.verification_figure import foretold

TOLD = (
    "architectures",
    "rejected_architectures",
    "comparison",
    "method_comparison",
    "construction_comparison",
    "predictor_metrics",
    "latency_predictor_metrics",
    "verification_metrics",
)
"""The tables that a description is made from; any of them may be missing."""

LONGEST = 7500
"""Characters of a description: MLflow takes 8,000."""

_SETS = ("training_set", "fine_tuned")
_VOLUMES = {"comparison": "hypervolume_mean", "method_comparison": "hypervolume_median"}
_CUT = "\n\n… (the rest is in the run's tables)"


@dataclass(frozen=True)
class SpaceRecord:
    """What a run saved of one space.

    Attributes:
        title: What the space is called.
        label_kind: The kind of its labels, see `wording.LABEL_KINDS`; empty where that is not known.
        tables: The tables that the run saved, by their name without the space's.
        saved: The names of all datasets that the run saved.
    """

    title: str
    label_kind: str = ""
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    saved: Sequence[str] = ()


@dataclass(frozen=True)
class Failure:
    """What ended a run: the node (empty where none did), and the error."""

    node: str
    error: BaseException


def describe_run(spaces: Mapping[str, SpaceRecord], *, failure: Failure | None = None) -> str:
    """Headline numbers of a run as Markdown, at most `LONGEST` characters.

    Args:
        spaces: Space → what the run saved of it.
        failure: What ended the run, if it failed.

    Returns:
        The failure, or a line a space, as MLflow folds all but the first lines; then per space the best search variant
        against the others, how well predictors rank held-out architectures, the best that was built, and what else was
        saved. Surrogate labels are named as such.
    """
    lines = [line for space, record in spaces.items() if (line := _in_a_line(space, record))]
    parts = [*_failed(failure), *(["\n".join(lines)] if lines and failure is None else [])]
    for space, record in spaces.items():
        parts += [_heading(space, record), *_told(record, complete=failure is None)]
    text = "\n\n".join(parts)
    return text if len(text) <= LONGEST else text[: LONGEST - len(_CUT)].rpartition("\n")[0] + _CUT


def headlines(space: str, record: SpaceRecord) -> dict[str, float]:
    """The same few numbers under names that are alike in all runs.

    Returns:
        `<space>/<problem>.best_hypervolume` of the searches (the mean over seeds, or the median where that is what the
        run compared) and `<space>/<problem>.over_training_percent`, what it is more than the training set's;
        `<space>/held_out_spearman` (mean over targets) and `<space>/held_out_spearman_ridge`.
    """
    out: dict[str, float] = {}
    for name, column in _VOLUMES.items():
        for problem, rows in _problems(record.tables.get(name)):
            searched, given = _searched(rows), rows[rows["variant"] == _SETS[0]]
            if searched.empty:
                continue
            best = float(searched[column].max())
            out[f"{space}/{problem}.best_hypervolume"] = best
            if len(given) and (base := float(given[column].iloc[0])) > 0:
                out[f"{space}/{problem}.over_training_percent"] = 100 * (best / base - 1)
    correlations = _correlations(record.tables.get("predictor_metrics"))
    for model, name in (("autobuild", "held_out_spearman"), ("ridge", "held_out_spearman_ridge")):
        if model in correlations and correlations[model].notna().any():
            out[f"{space}/{name}"] = float(correlations[model].mean())
    return out


def _in_a_line(space: str, record: SpaceRecord) -> str:
    """A space's headline numbers as an item of a list; empty where the run made none."""
    found = headlines(space, record)
    told = []
    for name in (key for key in found if key.endswith(".best_hypervolume")):
        problem = name.removeprefix(f"{space}/").removesuffix(".best_hypervolume")
        over = found.get(f"{space}/{problem}.over_training_percent")
        side = "above" if over is not None and over >= 0 else "below"
        beside = f" ({abs(over):.1f} % {side} the training set)" if over is not None else ""
        told.append(f"{problem} hypervolume **{wording.number(found[name])}**{beside}")
    if (ours := found.get(f"{space}/held_out_spearman")) is not None:
        ridge = correlation(found.get(f"{space}/held_out_spearman_ridge"))
        told.append(f"predictors' held-out ρ {ours:.3f} (ridge {ridge})")
    kind = f" ({record.label_kind} labels)" if record.label_kind in ("surrogate", "measured") else ""
    return f"- **{space}**{kind}: {' · '.join(told)}" if told else ""


def _failed(failure: Failure | None) -> list[str]:
    if failure is None:
        return []
    where = f" in node `{failure.node}`" if failure.node else ""
    lines = str(failure.error).strip().splitlines() or ["no message"]
    quoted = "\n".join(f"> {line}" for line in lines[:8])
    return [f"**Failed**{where}: {type(failure.error).__name__}\n\n{quoted[:1500]}\n\nWhat was saved before that:"]


def _heading(space: str, record: SpaceRecord) -> str:
    title = f" · {record.title}" if record.title and record.title != space else ""
    lines = [f"### {space}{title}"]
    if record.label_kind == "surrogate":
        lines.append("**Surrogate labels** stand in for measured ones: the numbers show the method at work.")
    elif record.label_kind:
        lines.append(f"{wording.labels(record.label_kind).capitalize()}.")
    return "\n\n".join(lines)


def _told(record: SpaceRecord, *, complete: bool) -> list[str]:
    tables = record.tables
    parts = [_read(tables)]
    for name, column in _VOLUMES.items():
        parts += [_compared(problem, rows, column) for problem, rows in _problems(tables.get(name))]
    parts += [
        _predicted("Predictors", tables.get("predictor_metrics")),
        _predicted("Latency predictors", tables.get("latency_predictor_metrics")),
        _constructed(tables.get("construction_comparison")),
    ]
    if "verification_metrics" in tables:
        parts.append(f"Measured latency of what was built: {foretold(tables['verification_metrics'])}.")
    if not complete or not any(parts):
        names = [f"`{name}`" for name in record.saved if not name.endswith("_figure")]
        parts.append(f"Saved: {', '.join(names) or 'nothing'}.")
    return [part for part in parts if part]


def _read(tables: Mapping[str, pd.DataFrame]) -> str:
    if "architectures" not in tables:
        return ""
    rejected = f", {len(tables['rejected_architectures']):,} rejected" if "rejected_architectures" in tables else ""
    return f"{len(tables['architectures']):,} architectures read{rejected}."


def _compared(problem: str, rows: pd.DataFrame, column: str) -> str:
    """The best search in a sentence, then all searches, the best built set and the given sets as a table."""
    built = rows[rows["variant"].str.startswith("built:")]
    sets = rows[rows["variant"].isin(_SETS)]
    searched = _searched(rows).sort_values(column, ascending=False, kind="stable")
    shown = pd.concat([searched, built.nlargest(1, column), sets])
    best = {
        str(c): wording.quantity(str(c).removeprefix("best_"))
        for c in rows.columns
        if str(c).startswith("best_") and rows[c].notna().any()
    }
    lines = [_sentence(problem, searched, built, sets, column)] if len(searched) else [f"Problem **{problem}**."]
    cells = [
        [
            wording.variant(str(row["variant"])),
            f"{row['evaluations']:,.0f}" + (f" × {row['seeds']:,.0f}" if row["seeds"] > 1 else ""),
            wording.spread(float(row[column]), float(row.get("hypervolume_std", float("nan")))),
            *(wording.number(float(row[name])) for name in best),
        ]
        for _, row in shown.iterrows()
    ]
    head = ["variant", "evaluations", "hypervolume", *(f"best {_lower(title)}" for title in best.values())]
    return "\n\n".join([*lines, _table(head, cells)])


def _sentence(problem: str, searched: pd.DataFrame, built: pd.DataFrame, sets: pd.DataFrame, column: str) -> str:
    first = searched.iloc[0]
    count = f"{first['evaluations']:,.0f} evaluations"
    if first["seeds"] > 1:
        count += f" × {first['seeds']:,.0f} seeds"
    text = f"Problem **{problem}**: **{wording.variant(str(first['variant']))}** searches best, hypervolume "
    text += f"{wording.number(float(first[column]))} after {count}"
    others = [(wording.variant(str(row["variant"])), float(row[column])) for _, row in searched.iloc[1:2].iterrows()]
    others += [(wording.variant(str(row["variant"])).lower(), float(row[column])) for _, row in sets.iterrows()]
    text += "".join(f"; {name} {wording.number(value)}" for name, value in others) + "."
    if len(built):
        top = built.nlargest(1, column).iloc[0]
        text += f" Best built without search: {wording.variant(str(top['variant'])).removeprefix('Built ')}, "
        text += f"{wording.number(float(top[column]))} from {top['evaluations']:,.0f} architectures."
    return text


def _predicted(what: str, metrics: pd.DataFrame | None) -> str:
    found = _correlations(metrics)
    if found.empty:
        return ""
    models = [str(name) for name in found.columns]
    rows = [
        [str(target), *map(correlation, values)]
        for target, values in zip(found.index, found.astype(float).to_numpy().tolist(), strict=True)
    ]
    return f"{what}, Spearman ρ on held-out architectures:\n\n" + _table(["target", *models], rows)


def _correlations(metrics: pd.DataFrame | None) -> pd.DataFrame:
    """Held-out Spearman correlations: a row a target, a column a model, in the table's order."""
    if metrics is None or metrics.empty:
        return pd.DataFrame()
    rows = metrics[(metrics["split"] == "held_out") & (metrics["metric"] == "spearman")]
    wide = rows.pivot_table(index="target", columns="model", values="value", sort=False)
    return wide[list(dict.fromkeys(rows["model"]))] if len(rows) else pd.DataFrame()


def _constructed(comparison: pd.DataFrame | None) -> str:
    if comparison is None or comparison.empty:
        return ""
    known = comparison["best_true_percentile"].notna().any()
    head = ["target", "method", "built", "best value", *(["best of the space, %"] if known else [])]
    rows = [
        [
            str(row["target"]),
            wording.method(str(row["method"])),
            f"{row['count']:,}",
            wording.number(float(row["best_value"])),
            *([wording.number(float(row["best_true_percentile"]))] if known else []),
        ]
        for _, row in comparison.iterrows()
    ]
    return "What each method built:\n\n" + _table(head, rows)


def _problems(table: pd.DataFrame | None) -> list[tuple[str, pd.DataFrame]]:
    if table is None or table.empty:
        return []
    return [(str(name), rows) for name, rows in table.groupby("problem", sort=False)]


def _searched(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[~rows["variant"].str.startswith("built:") & ~rows["variant"].isin(_SETS)]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in (head, rule, *rows))


def _lower(title: str) -> str:
    return title if title[:2].isupper() else title[:1].lower() + title[1:]
