"""How well few labels build U-Nets: AutoBuild against Exhaustive Search and chance, over draws of the labelled set.

    python -m benchmarks.unet_construction --space sd_fid --draws 10 --out build/unet_construction

Every draw is an embedded sample with another seed: as many architectures, drawn alike, labelled by the surrogate with
its noise; all of them are learned from. The surrogate's truth ranks what is found among all architectures of the space.
Each draw's tables are kept in `--out`, so that a benchmark that was stopped goes on.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from autobuild_pipelines.building import built_table
from autobuild_pipelines.config import LayeredConfigLoader
from autobuild_pipelines.evaluators import CombinedEvaluator, EvaluatorSources, make_evaluators
from autobuild_pipelines.predictors import TrainedPredictors, read_predictor, train
from autobuild_pipelines.sampling import make_sample
from autobuild_pipelines.scoring import choose_contexts, exhaustive_search, label_statistics, score_modules
from autobuild_pipelines.search import TrueValues, constructed_table, construction_table, pareto_gains, read_problems
from autobuild_pipelines.settings import CONFIG_LOADER_ARGS
from autobuild_pipelines.spaces import ArchitectureArray, SearchSpace, from_table, to_table
from autobuild_pipelines.targets import Equation
from benchmarks.data import ROOT

FIRST = 100
"""Seed of the first draw; the embedded samples have others."""


def main() -> None:
    """Run the draws that are not there yet, and print what all of them come to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--space", default="sd_fid")
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--out", type=Path, default=ROOT / "build/unet_construction")
    parser.add_argument("--ensemble", type=int, help="members, in place of the pipelines' own number")
    parser.add_argument("--training", default="", help="changes, such as epochs=100,learning_rate=1e-3")
    arguments = parser.parse_args()
    settings = LayeredConfigLoader(ROOT / "conf", **CONFIG_LOADER_ARGS)["parameters"][arguments.space]
    if arguments.ensemble is not None:
        settings["predictors"]["ensemble"] = arguments.ensemble
    for change in filter(None, arguments.training.split(",")):
        key, _, value = change.partition("=")
        settings["predictors"]["training"][key] = float(value) if "." in value or "e" in value else int(value)
    space = SearchSpace.from_mapping(arguments.space, settings["space"])
    truth = TrueValues(space, _evaluator(space, settings, "truth"), settings["targets"])
    arguments.out.mkdir(parents=True, exist_ok=True)
    tables: dict[str, list[pd.DataFrame]] = {"comparison": [], "gains": []}
    for draw in range(arguments.draws):
        files = {kind: arguments.out / f"{arguments.space}_{draw}_{kind}.csv" for kind in tables}
        if not all(file.is_file() for file in files.values()):
            start = time.monotonic()
            found = dict(zip(tables, one_draw(space, settings, truth, FIRST + draw), strict=True))
            for kind, file in files.items():
                found[kind].to_csv(file, index=False)
            print(f"draw {draw}: {time.monotonic() - start:.0f} s", flush=True)
        for kind, file in files.items():
            tables[kind].append(pd.read_csv(file).assign(draw=draw))
    print(ranks(pd.concat(tables["comparison"], ignore_index=True)).to_string(index=False))
    print(volumes(pd.concat(tables["gains"], ignore_index=True)).to_string(index=False))


def one_draw(
    space: SearchSpace, settings: dict[str, Any], truth: TrueValues, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Label, train, score, build, search exhaustively, compare: `construction_comparison` and `pareto_gains`."""
    evaluator, targets, building = _evaluator(space, settings, "evaluators"), settings["targets"], settings["building"]
    how = {key: value for key, value in settings["sample"].items() if key not in ("labels", "seed")}
    training = make_sample(space, evaluator, seed=seed, **how)
    array = from_table(space, training)
    labels = {name: Equation(name, text).evaluate(training) for name, text in targets.items()}
    predictor, ensemble = read_predictor(settings["predictors"], len(training)), settings["predictors"]
    trained, _ = train(
        space,
        array,
        labels,
        equations=targets,
        model=predictor.model,
        training=predictor.training,
        ensemble=ensemble["ensemble"],
        members=ensemble["members"],
        seed=seed,
        progress=False,
    )
    scores = score_modules(
        trained,
        methods=settings["scoring"]["methods"],
        label_statistics=label_statistics(space, array, labels),
        contexts=choose_contexts(space, array, settings["scoring"]["contexts"], seed),
        progress=False,
    )
    count = building["count"]
    built = built_table(
        *(space, scores, list(targets), building["methods"], count), top=building["top"], spread=building["spread"]
    )
    random = space.sample(count, np.random.default_rng(seed))
    constructed = constructed_table(
        space,
        targets,
        evaluator.metrics,
        built=_labelled(space, evaluator, from_table(space, built), built[["target", "method", "rank"]]),
        exhaustive=_exhaustive(space, evaluator, trained, count),
        random=_labelled(space, evaluator, random),
        training=training,
        truth=truth,
    )
    together = constructed[constructed["method"].isin(building["methods"])].assign(method="autobuild, all")
    everything = pd.concat([constructed, together], ignore_index=True)
    problems, true = read_problems(settings["problems"]), _evaluator(space, settings, "truth")
    gains = [
        pareto_gains(problems, training, everything, label_kind="surrogate").assign(values="measured"),
        pareto_gains(
            problems, *(_true(space, true, table) for table in (training, everything)), label_kind="surrogate"
        ),
    ]
    gains[1]["values"] = "true"
    return construction_table(constructed, label_kind="surrogate"), pd.concat(gains, ignore_index=True)


def ranks(comparison: pd.DataFrame) -> pd.DataFrame:
    """Per target and method, over the draws: true rank and percentile of the best of what was found."""
    grouped = comparison.groupby(["target", "method"], sort=False)
    return grouped.agg(
        draws=("draw", "nunique"),
        mean_rank=("best_true_rank", "mean"),
        median_rank=("best_true_rank", "median"),
        worst_rank=("best_true_rank", "max"),
        mean_percentile=("best_true_percentile", "mean"),
    ).reset_index()


def volumes(gains: pd.DataFrame) -> pd.DataFrame:
    """Per problem and method, over the draws: in how many the hypervolume grew, and by how much.

    With values as they are measured, noise included, of which the best training labels have the luckiest; and with true
    values.
    """
    grown = gains.assign(grew=gains["gain"] > 0)
    grouped = grown.groupby(["values", "problem", "method"], sort=False)
    table = grouped.agg(draws=("draw", "nunique"), grew=("grew", "sum"), mean_gain_percent=("gain_percent", "mean"))
    return table.assign(least_gain_percent=grouped["gain_percent"].min()).reset_index()


def _evaluator(space: SearchSpace, settings: dict[str, Any], section: str) -> CombinedEvaluator:
    sources = EvaluatorSources(space, network=settings["network"], surrogate=settings["surrogate"])
    return make_evaluators(settings[section], sources)


def _true(space: SearchSpace, truth: CombinedEvaluator, table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(**dict(truth.evaluate(from_table(space, table))))


def _labelled(
    space: SearchSpace, evaluator: CombinedEvaluator, array: ArchitectureArray, more: pd.DataFrame | None = None
) -> pd.DataFrame:
    table = to_table(space, array, dict(evaluator.evaluate(array))).assign(metric_sources="surrogate")
    return table if more is None else pd.concat([more.reset_index(drop=True), table], axis=1)


def _exhaustive(
    space: SearchSpace, evaluator: CombinedEvaluator, trained: TrainedPredictors, count: int
) -> pd.DataFrame:
    parts = []
    for target, best in exhaustive_search(trained, count).items():
        more = pd.DataFrame({"target": target, "rank": np.arange(1, len(best.architectures) + 1)})
        parts.append(_labelled(space, evaluator, best.architectures, more))
    return pd.concat(parts, ignore_index=True)


if __name__ == "__main__":
    main()
