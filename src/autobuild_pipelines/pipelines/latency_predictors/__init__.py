"""Train predictors of latency on measured samples."""

from autobuild_pipelines.pipelines.latency_predictors.pipeline import create_pipeline

__all__ = ["create_pipeline"]
