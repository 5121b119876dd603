"""Sections of what was asked and of the data: space, targets, problems, settings, rows, labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

import pandas as pd

from autobuild_pipelines.reporting import wording
from autobuild_pipelines.reporting.report.content import Block, Section, Table, Text
from autobuild_pipelines.reporting.report.results import Results
from autobuild_pipelines.spaces import label_columns, unit_table

SETTINGS = ("ingest", "predictors", "scoring", "building", "search", "evaluation")
"""Sections of the parameters that are listed in full."""


def asked(results: Results) -> Section:
    """The space, what was to be learned, and what was to be found."""
    space = results.space
    units = unit_table(space)
    shown = units.assign(
        unit=units["unit"].astype("string").fillna("not searched"), modules=units["modules"].map("{:,}".format)
    )
    shown.columns = pd.Index(["Unit", "Number", "Layers", "Modules"])
    description = space.declaration.description or space.declaration.title or space.name
    size = (
        f"{wording.size(space.size)} architectures, {space.module_count:,} modules in {len(space.ranking_units)} units."
    )
    blocks: list[Block] = [Text(f"{description}: {size}")]
    targets = results.section("targets")
    rows = tuple((name, str(text)) for name, text in targets.items())
    blocks.append(Table("Targets: what modules are ranked by, higher is better", ("Target", "Equation"), rows))
    if problems := tuple(_problems(results.section("problems"))):
        columns = ("Problem", "Objective", "Wanted", "Reference", "Targets of its reduced space")
        blocks.append(Table("Search problems: objectives and the hypervolume's reference point", columns, problems))
    sources = tuple((wording.quantity(name), _source(entry)) for name, entry in results.section("evaluators").items())
    if sources:
        blocks.append(Table("Where the metrics of an architecture come from", ("Metric", "Source"), sources))
    blocks.append(Table.of("Units of the space", shown, folded=True))
    settings = [("seed", str(results.settings.get("seed", "")))]
    settings += [row for name in SETTINGS for row in _flat(name, results.settings.get(name))]
    blocks.append(Table("Settings of all steps", ("Setting", "Value"), tuple(settings), folded=True))
    return Section("asked", "What was asked", tuple(blocks))


def data(results: Results) -> Section:
    """How many architectures there are, what was refused, what the labels are like."""
    blocks: list[Block] = [label_note(results)]
    architectures = results.table("architectures")
    if architectures is None:
        return Section(
            "data", "Data and its quality", (*blocks, Text("There is no table of architectures.", "warning"))
        )
    rejected = results.get("rejected_architectures")
    refused = 0 if rejected is None else len(rejected)
    raw = results.get("raw_samples")
    source = f" from {_place(raw.path)}" if raw is not None else ""
    blocks.append(Text(f"{len(architectures):,} architectures{source} are used, {refused:,} rows were rejected."))
    if rejected is not None and refused:
        reasons = rejected["reason"].value_counts()
        rows = tuple((str(reason), f"{count:,}") for reason, count in reasons.head(12).items())
        blocks.append(Table("Why rows were rejected", ("Reason", "Rows"), rows))
    if raw is not None and raw.sha256:
        blocks.append(Text(f"SHA-256 of the file: {raw.sha256}"))
    labels = label_columns(results.space, architectures)
    spread = architectures[labels].quantile([0, 0.25, 0.5, 0.75, 1]).T
    quantiles = tuple(
        (wording.quantity(str(n)), *(wording.number(v) for v in r))
        for n, r in zip(labels, spread.to_numpy(), strict=True)
    )
    columns = ("Label", "Least", "Lower quartile", "Median", "Upper quartile", "Most")
    blocks.append(Table(f"Labels: {wording.labels(results.label_kind)}", columns, quantiles))
    blocks += _statistics(results)
    return Section("data", "Data and its quality", tuple(blocks))


def source(results: Results) -> str:
    """The file of the data with its SHA-256."""
    raw = results.get("raw_samples")
    if raw is None:
        return "unknown"
    return f"{_place(raw.path)}, SHA-256 {raw.sha256}" if raw.sha256 else _place(raw.path)


def label_note(results: Results) -> Text:
    """What the labels are, as a warning where they are surrogates."""
    kind = wording.labels(results.label_kind)
    if results.label_kind == "surrogate":
        words = (
            f"All accuracies of this chapter rest on {kind}: made by a formula, to show how the pipelines work. What "
            "follows tells nothing of real networks."
        )
        return Text(words, "warning")
    return Text(f"Labels: {kind}.")


def _statistics(results: Results) -> list[Block]:
    found = results.table("label_statistics")
    if found is None:
        return []
    shown = found.assign(**{c: found[c].map(wording.number) for c in ("mean", "std")})
    shown["count"] = found["count"].map("{:,}".format)
    shown.columns = pd.Index(["Target", "Unit", "Layers", "Mean", "Deviation", "Architectures"])
    table = Table.of("Labels by unit and number of layers (the paper's Table 2)", shown)
    least = found.nsmallest(1, "count").iloc[0]
    needed = results.section("scoring").get("min_count")
    says = (
        f"Mean label by unit and number of layers. The thinnest cell, unit {least['unit']} with {least['layers']} "
        f"layers, has {least['count']:,} architectures"
    )
    says += f"; Eq. 5 needs {needed}." if needed is not None else "."
    return results.figure("label_statistics_figure", says, table)


def _place(path: str) -> str:
    """An address as it is, a path without the folders of a machine."""
    return path if "://" in path else PurePosixPath(path).name


def _problems(problems: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for name, problem in problems.items():
        for objective, entry in problem["objectives"].items():
            wanted = "more" if entry["direction"] == "max" else "less"
            equation = entry.get("equation")
            words = wording.quantity(objective) + (f" = {equation}" if equation and equation != objective else "")
            yield name, words, wanted, f"{entry['reference']:g}", ", ".join(problem.get("targets") or ())


def _source(entry: Any) -> str:
    kind = str(entry.get("type", entry)) if isinstance(entry, Mapping) else str(entry)
    return wording.words(kind)


def _flat(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from _flat(f"{name}.{key}", item)
    elif value is not None and value != {} and value != []:
        yield name, str(value)
