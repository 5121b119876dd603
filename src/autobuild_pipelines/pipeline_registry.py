"""The pipelines: every step once per space, as a Kedro namespace, and the main job that strings them together."""

from __future__ import annotations

from collections.abc import Iterable

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
    make_sample,
    measure_layer_latency,
    predictors,
    scoring,
    search,
)

MAIN = ("ingest", "graphs", "label_statistics", "predictors", "scoring", "building", "search", "evaluation")
"""The steps of `autobuild_nas`, in order."""

SHARED = {"released_predictors"}
"""Datasets that all spaces share; all others belong to one space."""


def register_pipelines() -> dict[str, Pipeline]:
    """Name → pipeline, for the spaces that the configuration lists."""
    of_spaces = {space: _steps(outline) for space, outline in registered_spaces().items()}
    steps = {
        name: _sum(_in_namespace(of_space[name], space) for space, of_space in of_spaces.items())
        for name in next(iter(of_spaces.values()))
    }
    main = _sum(steps[name] for name in MAIN)
    return {"__default__": main, "autobuild_nas": main, **steps}


def _steps(outline: SpaceOutline) -> dict[str, Pipeline]:
    return {
        "ingest": ingest.create_pipeline(),
        "graphs": graphs.create_pipeline(),
        "label_statistics": label_statistics.create_pipeline(),
        "predictors": predictors.create_pipeline(),
        "scoring": scoring.create_pipeline(),
        "building": building.create_pipeline(outline),
        "search": search.create_pipeline(outline),
        "evaluation": evaluation.create_pipeline(outline),
        "evaluate_architectures": evaluate_architectures.create_pipeline(outline),
        "make_sample": make_sample.create_pipeline(),
        "measure_layer_latency": measure_layer_latency.create_pipeline(),
    }


def _in_namespace(pipeline: Pipeline, space: str) -> Pipeline:
    return Pipeline(pipeline, namespace=space, inputs=SHARED & pipeline.inputs())


def _sum(pipelines: Iterable[Pipeline]) -> Pipeline:
    return sum(pipelines, Pipeline([]))
