"""Pipeline `graphs`: architectures to sequence graphs."""

from __future__ import annotations

from kedro.pipeline import Pipeline, node

from autobuild_pipelines.pipelines.graphs.nodes import encode_graphs


def create_pipeline() -> Pipeline:
    """Architectures → graphs."""
    return Pipeline([node(encode_graphs, ["search_space", "architectures"], "graphs", name="encode_graphs")])
