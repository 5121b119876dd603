"""Train a predictor and a baseline for every target."""

from autobuild_pipelines.pipelines.predictors.pipeline import create_pipeline

__all__ = ["create_pipeline"]
