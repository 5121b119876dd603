"""Pipeline `compare_built`: what was built beside exhaustive search, random architectures and the training set."""

from __future__ import annotations

from kedro.pipeline import Pipeline, node

from autobuild_pipelines.config import SpaceOutline
from autobuild_pipelines.pipelines.compare_built.nodes import compare_constructed, gather_constructed
from autobuild_pipelines.pipelines.evaluator import evaluator_node, truth_node


def create_pipeline(outline: SpaceOutline) -> Pipeline:
    """Built and exhaustively found architectures → comparison by value, true rank and hypervolume."""
    inputs = {
        "space": "search_space",
        "architectures": "architectures",
        "built_architectures": "built_architectures",
        "exhaustive_architectures": "exhaustive_architectures",
        "evaluator": "evaluator",
        "evaluators": "params:evaluators",
        "targets": "params:targets",
        "building": "params:building",
        "seed": "params:seed",
    }
    known = bool(outline.truth_types)
    return Pipeline(
        [
            evaluator_node(outline),
            *([truth_node(outline)] if known else []),
            node(
                gather_constructed,
                {**inputs, **({"truth": "truth"} if known else {})},
                "constructed_architectures",
                name="gather_constructed",
            ),
            node(
                compare_constructed,
                ["architectures", "constructed_architectures", "params:problems", "params:label_kind"],
                ["construction_comparison", "pareto_gains"],
                name="compare_constructed",
            ),
        ]
    )
