"""Pipeline `ingest`: raw samples to checked architectures, a second set of them included where a space has one."""

from __future__ import annotations

from kedro.pipeline import Pipeline, node

from autobuild_pipelines.config import SpaceOutline
from autobuild_pipelines.pipelines.evaluator import label_evaluator_node
from autobuild_pipelines.pipelines.ingest.nodes import (
    check_architectures,
    check_fine_tuned_architectures,
    label_architectures,
)

_SETTINGS = ["params:targets", "params:evaluators", "params:problems", "params:labels", "params:ingest"]


def create_pipeline(outline: SpaceOutline) -> Pipeline:
    """Raw samples → architectures, with labels of the file or of evaluators, and the rejected ones beside them."""
    checked = "ingested_architectures" if outline.label_types else "architectures"
    check = node(
        check_architectures,
        ["search_space", "raw_samples", *_SETTINGS],
        [checked, "rejected_architectures"],
        name="check_architectures",
    )
    nodes = [check]
    if outline.fine_tuned:
        nodes.append(
            node(
                check_fine_tuned_architectures,
                ["search_space", "raw_fine_tuned_samples", "params:problems", "params:ingest"],
                ["fine_tuned_architectures", "rejected_fine_tuned_architectures"],
                name="check_fine_tuned_architectures",
            )
        )
    if not outline.label_types:
        return Pipeline(nodes)
    label = node(
        label_architectures,
        ["search_space", checked, "label_evaluator", "params:targets"],
        "architectures",
        name="label_architectures",
    )
    return Pipeline([*nodes, label_evaluator_node(outline), label])
