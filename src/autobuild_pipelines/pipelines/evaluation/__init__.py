"""Compare what search, direct construction and the training set found."""

from autobuild_pipelines.pipelines.evaluation.pipeline import create_pipeline

__all__ = ["create_pipeline"]
