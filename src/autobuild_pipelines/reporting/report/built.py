"""Sections of what was made of the best modules: reduced spaces, built architectures."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from autobuild_pipelines.building import read_reduced_spaces
from autobuild_pipelines.predictors import TrainedPredictors
from autobuild_pipelines.reporting import wording
from autobuild_pipelines.reporting.report.content import Block, Drawing, Section, Table, Text
from autobuild_pipelines.reporting.report.drawing import LayerLook, architecture_svg
from autobuild_pipelines.reporting.report.results import Results
from autobuild_pipelines.spaces import from_table
from autobuild_pipelines.targets import Equation

PREDICTED, EVALUATED = "predicted", "evaluated"
_KEPT = 5
"""Ranks of the table of built architectures."""


def reduced(results: Results) -> Section:
    """How much of the space is left when every unit keeps its best modules alone."""
    table = results.table("reduced_space")
    if table is None:
        return Section("reduced", "Reduced space", (Text("No space was reduced."),))
    whole = results.space.size
    rows = []
    for (problem, method), part in read_reduced_spaces(results.space, table).items():
        kept = ", ".join(str(len(modules)) for modules in part.modules)
        rows.append(
            (
                problem,
                wording.method(method),
                kept,
                wording.size(part.size),
                f"1 : {wording.size(whole // max(1, part.size))}",
            )
        )
    columns = ("Problem", "Method", "Modules by unit", "Architectures", "Part of the space")
    words = f"The whole space has {wording.size(whole)} architectures. A reduced space has its targets' best modules."
    return Section("reduced", "Reduced space", (Text(words), Table("Reduced spaces", columns, tuple(rows))))


def built(results: Results) -> Section:
    """The best architectures by sum of module scores, drawn, with what predictors foretold and evaluators said."""
    table = results.table("built_architectures")
    if table is None:
        return Section("built", "Built architectures", (Text("No architecture was built."),))
    judged = judge(results, table)
    look = LayerLook(results.space)
    kind = wording.labels(results.label_kind)
    blocks: list[Block] = [
        Text(
            "The best architecture of every target and method. Predicted is what the target's predictors say, "
            f"evaluated what the evaluators make of it ({kind}). {look.legend}."
        )
    ]
    names = [unit.name for unit in results.space.units]
    first = judged[judged["rank"] == 1]
    # One method may find what another has found: it is drawn once.
    for (target, _), rows in first.groupby(["target", "units"], sort=False):
        row = rows.iloc[0].to_dict()
        methods = " and ".join(wording.method(str(m)) for m in rows["method"])
        title = f"{methods} for {target}"
        layers = json.loads(str(row["units"]))
        says = ", ".join(f"{name} {len(unit)} layers" for name, unit in zip(names, layers, strict=True))
        facts = {name.capitalize(): wording.number(float(row[name])) for name in (PREDICTED, EVALUATED)}
        facts |= {wording.quantity(m): _amount(m, row[m]) for m in _metrics(results, judged)}
        blocks.append(Drawing(title, architecture_svg(look, layers, names, f"{title}: {says}"), says, facts))
    says = "The best architectures of every method as block diagrams; a list chooses the target."
    blocks += results.figure("architecture_diagrams_figure", says, width=1060)
    blocks.append(_table(results, judged))
    return Section("built", "Built architectures", tuple(blocks))


def judge(results: Results, table: pd.DataFrame) -> pd.DataFrame:
    """The table with columns `predicted` and `evaluated`: the value of each row's own target, NaN where unknown."""
    out = table.assign(**{PREDICTED: np.nan, EVALUATED: np.nan})
    predictors = results.get("predictors")
    if isinstance(predictors, TrainedPredictors):
        values = predictors.predict(from_table(results.space, table))
        for row, target in enumerate(predictors.targets):
            mine = (table["target"] == target).to_numpy()
            out.loc[mine, PREDICTED] = values[row][mine]
    for name, text in results.section("targets").items():
        equation = Equation(name, str(text))
        if set(equation.columns) <= set(table.columns):
            known = (table["target"] == name) & table[list(equation.columns)].notna().all(axis=1)
            if known.any():
                out.loc[known, EVALUATED] = equation.evaluate(table[known])
    return out


def _table(results: Results, judged: pd.DataFrame) -> Table:
    metrics = _metrics(results, judged)
    shown = judged[judged["rank"] <= _KEPT]
    columns = (
        "Target",
        "Method",
        "Rank",
        "Sum of scores",
        "Predicted",
        "Evaluated",
        *(wording.quantity(m) for m in metrics),
    )
    rows = tuple(_row(row, metrics) for row in shown.to_dict("records"))
    return Table(f"The best {_KEPT} of every target and method", columns, rows, folded=True)


def _row(row: Mapping[Any, Any], metrics: list[str]) -> tuple[str, ...]:
    numbers = [wording.number(float(row[name])) for name in ("sum_of_scores", PREDICTED, EVALUATED)]
    named = (str(row["target"]), wording.method(str(row["method"])), str(row["rank"]))
    return (*named, *numbers, *(_amount(m, row[m]) for m in metrics))


def _metrics(results: Results, table: pd.DataFrame) -> list[str]:
    return [name for name in results.section("evaluators") if name in table.columns]


def _amount(name: str, value: Any) -> str:
    """A metric's value with its unit, without its name."""
    number = float(value)
    if number != number:
        return "–"
    return wording.amount(name, number).removeprefix(wording.quantity(name).partition(" [")[0]).strip()
