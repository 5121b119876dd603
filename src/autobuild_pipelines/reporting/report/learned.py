"""Sections of what was learned: predictors, features, modules."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pandas as pd

from autobuild_pipelines.reporting import wording
from autobuild_pipelines.reporting.held_out import assessed_hops, better, correlation, held_out
from autobuild_pipelines.reporting.report.content import Block, Drawing, Section, Table, Text
from autobuild_pipelines.reporting.report.drawing import LayerLook, architecture_svg
from autobuild_pipelines.reporting.report.results import Results
from autobuild_pipelines.spaces import SearchSpace

_MEANS = {"contextual": "score in context", "eq5": "score by Eq. 5"}


def predictor_quality(results: Results) -> Section:
    """How well the predictors rank held-out architectures, at the end and at every hop, beside ridge regression."""
    metrics = results.table("predictor_metrics")
    if metrics is None:
        return Section("predictors", "Predictors", (Text("No predictor was assessed.", "warning"),))
    values = held_out(metrics)
    targets = list(dict.fromkeys(metrics["target"].astype(str)))
    hops = assessed_hops(values)
    columns = (
        "Target",
        "AutoBuild ρ",
        "Ridge ρ",
        "Better",
        "AutoBuild MAE",
        "Ridge MAE",
        *(f"ρ at hop {h}" for h in hops),
    )
    rows = []
    for target in targets:
        ours, ridge = (values.get((target, model, "spearman")) for model in ("autobuild", "ridge"))
        mae = [values.get((target, model, "mae")) for model in ("autobuild", "ridge")]
        of_hops = [values.get((target, "autobuild", f"spearman_hop_{hop}")) for hop in hops]
        word = better(ours, ridge)
        rows.append((target, correlation(ours), correlation(ridge), word, *map(_four, mae), *map(correlation, of_hops)))
    caption = f"Held-out architectures, {wording.labels(results.label_kind)}: Spearman's ρ and mean absolute error"
    says = "Spearman correlation with held-out labels by hop. " + " ".join(_sentence(row, hops) for row in rows)
    said = (
        "Predicted against true labels of held-out architectures; the nearer to the diagonal the better. "
        + " ".join(f"{row[0]}: mean absolute error {row[4]}, ridge regression {row[5]}." for row in rows)
    )
    return Section(
        "predictors",
        "Predictors",
        (
            Text(
                "Eq. 4 makes embedding norms rank as the target at every hop; modules are scored by them or in context."
            ),
            Table(caption, columns, tuple(rows)),
            *results.figure("spearman_figure", says),
            *results.figure("predictions_figure", said),
            *results.figure("training_figure", "Losses and held-out correlation by epoch, a line a target."),
        ),
    )


def importance(results: Results) -> Section:
    """Which values of which features the predictors hold for good."""
    ranked = results.table("feature_importance")
    says = "The scalars that FE-MLPs give to the values of every feature."
    if ranked is not None:
        trained = ranked[ranked["trained"]]
        means = trained.groupby(["target", "category", "value"], sort=False)["scalar"].mean().reset_index()
        first = means.loc[means.groupby("target", sort=False)["scalar"].idxmax()]
        says += (
            " Largest: "
            + "; ".join(f"{r['target']}: {r['category']} {r['value']}" for r in first.to_dict("records"))
            + "."
        )
    effects = "How much the predicted target changes, on average, when a layer takes a value of a feature."
    operators = ("ir_insight", "subgraphs of operations")
    subgraphs = "The best ranked subgraphs of operations, coloured by the part of the network they come from."
    return Section(
        "importance",
        "Which features matter",
        (
            *results.figure("importances_figure", says, made_by=("insight", "importances"), width=900),
            *results.figure("feature_importance_figure", says, width=900),
            *results.figure(
                "feature_importance_stability_figure", "How alike members rank a feature's values.", width=900
            ),
            *results.figure("effects_by_place_figure", effects, made_by=("insight", "contextual effects"), width=900),
            *results.figure("operator_subgraphs_figure", subgraphs, made_by=operators, width=900),
            *results.missing(),
        ),
    )


def modules(results: Results) -> Section:
    """The best module of every unit, drawn, and the ranking behind it."""
    leaders = results.table("module_leaders")
    blocks: list[Block] = []
    look = LayerLook(results.space)
    if leaders is not None:
        method = preferred(results, leaders["method"])
        blocks.append(
            Text(f"The best module of every unit by its {_MEANS.get(method, wording.method(method))}. {look.legend}.")
        )
        for target, rows in leaders[leaders["method"] == method].groupby("target", sort=False):
            blocks.append(_drawn(results.space, look, str(target), rows))
        blocks.append(_leaders(leaders, results.space))
    says = "The top modules of every unit by score, with an ensemble's errors; a list chooses target and method."
    blocks += results.figure("module_scores_figure", says, width=900)
    cards = "The best, worst and most surprising modules of every unit, and what changing one of their layers does."
    blocks += results.figure("module_cards_figure", cards, made_by=("insight", "module cards"), width=900)
    blocks += results.figure("module_diagrams_figure", "The best modules of every stage as block diagrams.", width=1060)
    return Section("modules", "Best modules", (*blocks, *results.missing()))


def preferred(results: Results, methods: pd.Series) -> str:
    """Contextual scores where there are any, else the last of the methods."""
    known = list(dict.fromkeys(methods.astype(str)))
    return "contextual" if "contextual" in known else known[-1]


def layers_in_words(space: SearchSpace, layers: list[Mapping[str, Any]]) -> str:
    """A module's layers by their printed names, first layer first."""
    names = dict(zip(space.layers, space.layer_names, strict=True))
    return " → ".join(names.get(tuple(sorted(layer.items())), str(layer)) for layer in layers)


def _drawn(space: SearchSpace, look: LayerLook, target: str, rows: pd.DataFrame) -> Drawing:
    ordered = rows.sort_values("unit")
    units = [json.loads(module) for module in ordered["module"]]
    names = [space.ranking_units[unit - 1].name for unit in ordered["unit"]]
    title = f"Best modules for {target}"
    depths = ", ".join(f"{name} {len(layers)} layers" for name, layers in zip(names, units, strict=True))
    tied = ordered["tied"].max()
    facts = {"At most this many others of a unit are as good, as far as the predictors can tell": f"{tied:,}"}
    known = ordered["standard_error"].notna().any()
    return Drawing(title, architecture_svg(look, units, names, f"{title}: {depths}"), depths, facts if known else {})


def _leaders(leaders: pd.DataFrame, space: SearchSpace) -> Table:
    columns = ("Target", "Method", "Unit", "Module", "Score", "Error", "As good", "Modules")
    rows = tuple(
        (
            str(r["target"]),
            wording.method(str(r["method"])),
            space.ranking_units[r["unit"] - 1].name,
            layers_in_words(space, json.loads(r["module"])),
            wording.number(r["score"]),
            wording.number(r["standard_error"], digits=2),
            f"{r['tied']:,}",
            f"{r['modules']:,}",
        )
        for r in leaders.to_dict("records")
    )
    return Table("Best module of every unit, by target and method", columns, rows, folded=True)


def _sentence(row: tuple[str, ...], hops: list[int]) -> str:
    return f"{row[0]}: {row[1]}" + (f" (hop {hops[0]} {row[6]}, hop {hops[-1]} {row[-1]})." if hops else ".")


def _four(value: float | None) -> str:
    return "–" if value is None else wording.number(value)
