"""The pipelines: every step once per space, and the main job that strings them together.

A space is a Kedro namespace, which prefixes its datasets; each step is a namespace in it, which prefixes nodes only:
kedro-viz folds a space into its steps, and `kedro run --namespaces=ofa_pn.search` is one of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from kedro.pipeline import Pipeline

from autobuild_pipelines.config import SpaceOutline
from autobuild_pipelines.context import registered_spaces
from autobuild_pipelines.pipelines import (
    building,
    evaluate_architectures,
    evaluation,
    graphs,
    ingest,
    label_statistics,
    latency_predictors,
    make_sample,
    measure_latency,
    measure_layer_latency,
    predictors,
    scoring,
    search,
    verification,
)

MAIN = ("ingest", "graphs", "label_statistics", "predictors", "scoring", "building", "search", "evaluation")
"""The steps of `autobuild_nas`, in order."""

VERIFIED = "latency_predictor"
"""The type of evaluator whose word is checked at the end of the main job: pipeline `verification` runs with it."""

SHARED = {"released_predictors", "evaluation_ledger"}
"""Datasets that all spaces share; all others belong to one space."""


def register_pipelines() -> dict[str, Pipeline]:
    """Name → pipeline, for the spaces that the configuration lists."""
    outlines = registered_spaces()
    of_spaces = {space: _in_namespaces(_steps(outline), space) for space, outline in outlines.items()}
    steps = {name: _sum(of_space[name] for of_space in of_spaces.values()) for name in next(iter(of_spaces.values()))}
    verified = [of_spaces[space]["verification"] for space, o in outlines.items() if VERIFIED in o.evaluator_types]
    main = _sum([*(steps[name] for name in MAIN), *verified])
    return {"__default__": main, "autobuild_nas": main, **steps}


def _steps(outline: SpaceOutline) -> dict[str, Pipeline]:
    return {
        "ingest": ingest.create_pipeline(outline),
        "graphs": graphs.create_pipeline(),
        "label_statistics": label_statistics.create_pipeline(),
        "predictors": predictors.create_pipeline(),
        "scoring": scoring.create_pipeline(),
        "building": building.create_pipeline(outline),
        "search": search.create_pipeline(outline),
        "evaluation": evaluation.create_pipeline(outline),
        "evaluate_architectures": evaluate_architectures.create_pipeline(outline),
        "verification": verification.create_pipeline(),
        "measure_latency": measure_latency.create_pipeline(),
        "latency_predictors": latency_predictors.create_pipeline(),
        "make_sample": make_sample.create_pipeline(),
        "measure_layer_latency": measure_layer_latency.create_pipeline(),
    }


def _in_namespaces(steps: Mapping[str, Pipeline], space: str) -> dict[str, Pipeline]:
    """The steps of a space; a node that several steps share is in the namespace of the space alone."""
    times = Counter(node.name for step in steps.values() for node in step.nodes)
    out = {}
    for name, step in steps.items():
        own = [node for node in step.nodes if times[node.name] == 1]
        shared = [node for node in step.nodes if times[node.name] > 1]
        whole = Pipeline([Pipeline(own, namespace=name, prefix_datasets_with_namespace=False), *shared])
        out[name] = Pipeline(whole, namespace=space, inputs=SHARED & whole.inputs())
    return out


def _sum(pipelines: Iterable[Pipeline]) -> Pipeline:
    return sum(pipelines, Pipeline([]))
