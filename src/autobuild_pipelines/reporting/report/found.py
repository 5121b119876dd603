"""Sections of what was found: Pareto fronts, methods side by side, what it cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from autobuild_pipelines.reporting import wording
from autobuild_pipelines.reporting.methods_table import methods_table
from autobuild_pipelines.reporting.report.content import Block, Section, Table, Text
from autobuild_pipelines.reporting.report.results import Results

_METHODS = ("method_comparison", "best_under_caps", "search_times")


def fronts(results: Results) -> Section:
    """Pareto fronts of everything that was searched and built."""
    blocks: list[Block] = []
    for problem in results.section("problems"):
        says = f"Pareto fronts of problem {problem}. {leader(results, problem)}"
        blocks += results.figure(f"pareto_{problem}_figure", says, width=760)
        says = f"What was built, over the front of the individually fine-tuned architectures; problem {problem}."
        blocks += results.figure(f"fine_tuned_{problem}_figure", says, width=760)
    says = "What was constructed, over the training architectures and their Pareto front. " + _gained(results)
    blocks += results.figure("construction_figure", says, width=900)
    return Section("fronts", "Pareto fronts", tuple(blocks) or (Text("No front was drawn."),))


def methods(results: Results) -> Section:
    """Hypervolume and best values of every method."""
    blocks: list[Block] = []
    comparison = results.table("comparison")
    if comparison is not None:
        problems = dict.fromkeys(comparison["problem"].astype(str))
        for problem in problems:
            blocks.append(_comparison(results, problem, comparison[comparison["problem"] == problem]))
        says = "Hypervolume by evaluations spent. " + " ".join(leader(results, problem) for problem in problems)
        blocks += results.figure("hypervolume_figure", says, width=760)
    blocks += _under_caps(results)
    blocks += _constructions(results)
    says = "Latency measured on this machine against what was foretold."
    blocks += results.figure("verification_figure", says)
    blocks += results.missing()
    return Section("methods", "Methods compared", tuple(blocks) or (Text("No methods were compared."),))


def cost(results: Results) -> Section:
    """How many architectures were evaluated, and how long searches took."""
    evaluations, times = results.table("evaluations"), results.table("search_times")
    blocks: list[Block] = []
    if evaluations is not None:
        runs = evaluations.groupby(["problem", "variant"], sort=False)
        distinct = evaluations["architecture_id"].nunique()
        blocks.append(Text(f"Searches spent {len(evaluations):,} evaluations on {distinct:,} different architectures."))
        rows = []
        for (problem, variant), part in runs:
            wall = ""
            if times is not None:
                mine = times[(times["problem"] == problem) & (times["variant"] == variant)]["wall_s"]
                wall = wording.number(float(mine.median()), digits=3) if len(mine) else "–"
            seeds = part["seed"].nunique()
            rows.append((str(problem), wording.variant(str(variant)), f"{seeds}", f"{len(part) // seeds:,}", wall))
        columns = ("Problem", "Variant", "Seeds", "Evaluations of a run", "Wall time of a run [s], median")
        blocks.append(Table("What searches cost", columns, tuple(rows)))
    built = results.table("built_architectures")
    if built is not None:
        blocks.append(Text(f"Direct construction evaluated {built['architecture_id'].nunique():,} architectures."))
    exhaustive = results.table("exhaustive_architectures")
    if exhaustive is not None:
        size = wording.size(results.space.size)
        blocks.append(Text(f"Exhaustive search asked the predictors for every architecture of the space: {size}."))
    return Section("cost", "Cost", tuple(blocks) or (Text("Nothing was evaluated."),))


def others(results: Results) -> Section:
    """Figures that no other section shows."""
    names = [name for name in results.figures("") if name not in {*results.shown, "methods_figure"}]
    blocks: list[Block] = []
    for name in names:
        blocks += results.figure(name, f"Figure {wording.words(name.removesuffix('_figure'))}.", width=760)
    return Section("others", "Further figures", tuple(blocks))


def leader(results: Results, problem: str) -> str:
    """Who has the largest hypervolume of a problem, as a sentence."""
    comparison = results.table("comparison")
    if comparison is None:
        return ""
    rows = comparison[comparison["problem"] == problem].dropna(subset=["hypervolume_mean"])
    if rows.empty:
        return ""
    best = rows.sort_values("hypervolume_mean", ascending=False, kind="stable").iloc[0]
    words = f"{wording.variant(str(best['variant']))} has the largest hypervolume, {_volume(best)}"
    training = rows[(rows["variant"] == "training_set") & (best["variant"] != "training_set")]
    return words + (f"; the training set has {_volume(training.iloc[0])}." if len(training) else ".")


def _comparison(results: Results, problem: str, rows: pd.DataFrame) -> Table:
    objectives = [n for n in results.section("problems").get(problem, {}).get("objectives", {}) if f"best_{n}" in rows]
    ordered = rows.sort_values("hypervolume_mean", ascending=False, kind="stable")
    cells = tuple(
        (
            wording.variant(str(row["variant"])),
            f"{row['evaluations']:,.0f} × {row['seeds']}",
            _volume(row),
            *(wording.number(float(row[f"best_{n}"])) for n in objectives),
        )
        for _, row in ordered.iterrows()
    )
    columns = ("Method", "Evaluations × seeds", "Hypervolume", *(f"Best {wording.quantity(n)}" for n in objectives))
    caption = (
        f"Problem {problem}, {wording.labels(results.label_kind)}: means over seeds, the largest hypervolume first"
    )
    return Table(caption, columns, cells, frozenset({0}))


def _under_caps(results: Results) -> list[Block]:
    """What pipeline compare_methods tells, where it has run."""
    compared, caps, times = (results.table(name) for name in _METHODS)
    if compared is None or caps is None or times is None:
        searched = results.table("evaluations") is not None
        made_by = ("compare_methods", "medians over seeds, and the best under limits") if searched else None
        return results.figure("anytime_figure", "", made_by=made_by)
    blocks: list[Block] = [*results.origin("method_comparison")]
    for problem in dict.fromkeys(compared["problem"].astype(str)):
        words = methods_table(problem, compared, caps, times)
        caption = (
            f"Problem {problem}: medians (quartiles) over seeds, and the best under limits of the other objectives"
        )
        blocks.append(Table.of(caption, words))
    return [
        *blocks,
        *results.figure("anytime_figure", "Median hypervolume by evaluations spent, a line a variant.", width=760),
    ]


def _constructions(results: Results) -> list[Block]:
    """What compare_built tells of constructed architectures."""
    blocks: list[Block] = []
    comparison = results.table("construction_comparison")
    if comparison is not None:
        worth = tuple(
            (
                str(r["target"]),
                wording.method(str(r["method"])),
                wording.number(float(r["best_value"])),
                wording.number(float(r["mean_value"])),
                "–" if pd.isna(r["best_true_rank"]) else f"{r['best_true_rank']:,}",
                _percent(r["mean_true_percentile"]),
            )
            for r in comparison.to_dict("records")
        )
        columns = ("Target", "Method", "Best value", "Mean value", "Best true rank", "Mean true share as good [%]")
        blocks.append(Table("What each method constructed is worth", columns, worth))
    gains = results.table("pareto_gains")
    if gains is not None:
        rows = tuple(
            (
                str(r["problem"]),
                str(r["target"]),
                wording.method(str(r["method"])),
                wording.number(float(r["hypervolume_training"])),
                wording.number(float(r["hypervolume_joint"])),
                _percent(r["gain_percent"]),
                f"{r['beyond_front']}",
            )
            for r in gains.to_dict("records")
        )
        headings = (
            "Problem",
            "Target",
            "Method",
            "Training set",
            "With what was built",
            "Gain [%]",
            "Beyond the front",
        )
        blocks.append(
            Table("Hypervolume that constructed architectures add to the training set's front", headings, rows)
        )
    return blocks


def _gained(results: Results) -> str:
    gains = results.table("pareto_gains")
    if gains is None:
        return ""
    best: Sequence[str] = [
        f"{problem}: {wording.method(str(rows.nlargest(1, 'gain')['method'].iloc[0]))} adds most"
        for problem, rows in gains.groupby("problem", sort=False)
    ]
    return "; ".join(best) + "."


def _volume(row: pd.Series) -> str:
    mean, deviation = float(row["hypervolume_mean"]), float(row["hypervolume_std"])
    return wording.spread(mean, deviation) if int(row["seeds"]) > 1 else wording.number(mean)


def _percent(value: Any) -> str:
    return wording.number(float("nan") if pd.isna(value) else float(value), digits=3)
