"""The pipelines: every step once per space, the main job that strings them together, and jobs on spaces of their own.

A space is a Kedro namespace, which prefixes its datasets; each step is a namespace in it, which prefixes nodes only:
kedro-viz folds a space into its steps, and `kedro run --namespaces=ofa_pn.search` is one of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from kedro.pipeline import Pipeline

from autobuild_pipelines.config import ConfigError, SpaceOutline
from autobuild_pipelines.context import registered_jobs, registered_spaces
from autobuild_pipelines.pipelines import (
    building,
    compare_methods,
    design_targets,
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
    """Name → pipeline: every step and the main job for the spaces that the configuration lists, and its other jobs.

    Raises:
        ConfigError: A job has the name of another pipeline.
    """
    active, jobs = registered_spaces(), registered_jobs()
    outlines = active | {space: outline for spaces in jobs.values() for space, outline in spaces.items()}
    of_spaces = {space: _in_namespaces(_steps(outline), space) for space, outline in outlines.items()}
    steps = {name: _sum(of_spaces[space][name] for space in active) for name in next(iter(of_spaces.values()))}
    steps["compare_methods"] = steps["search"] + steps["compare_methods"]
    main = _whole_chain(of_spaces, active)
    pipelines = {"__default__": main, "autobuild_nas": main, **steps}
    for job, spaces in jobs.items():
        if job in pipelines:
            raise ConfigError(f"parameters: jobs.{job}: a pipeline has this name; give the job another")
        pipelines[job] = _whole_chain(of_spaces, spaces)
    return pipelines


def _whole_chain(of_spaces: Mapping[str, Mapping[str, Pipeline]], spaces: Mapping[str, SpaceOutline]) -> Pipeline:
    """The main job's steps on these spaces."""
    steps = [_sum(of_spaces[space][name] for space in spaces) for name in MAIN]
    verified = [of_spaces[space]["verification"] for space, o in spaces.items() if VERIFIED in o.evaluator_types]
    return _sum([*steps, *verified])


def _steps(outline: SpaceOutline) -> dict[str, Pipeline]:
    return {
        "ingest": ingest.create_pipeline(outline),
        "graphs": graphs.create_pipeline(),
        "label_statistics": label_statistics.create_pipeline(),
        "design_targets": design_targets.create_pipeline(outline),
        "predictors": predictors.create_pipeline(),
        "scoring": scoring.create_pipeline(),
        "building": building.create_pipeline(outline),
        "search": search.create_pipeline(outline),
        "evaluation": evaluation.create_pipeline(outline),
        "compare_methods": compare_methods.create_pipeline(),
        "evaluate_architectures": evaluate_architectures.create_pipeline(outline),
        "verification": verification.create_pipeline(),
        "measure_latency": measure_latency.create_pipeline(),
        "latency_predictors": latency_predictors.create_pipeline(),
        "make_sample": make_sample.create_pipeline(outline),
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
