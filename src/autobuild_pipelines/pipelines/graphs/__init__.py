"""Turn architectures into the arrays that predictors read."""

from autobuild_pipelines.pipelines.graphs.pipeline import create_pipeline

__all__ = ["create_pipeline"]
