"""Learn from operator graphs of real networks, and rank their subgraphs (§7.6, Fig. 8)."""

from autobuild_pipelines.pipelines.ir_insight.pipeline import create_pipeline

__all__ = ["create_pipeline"]
