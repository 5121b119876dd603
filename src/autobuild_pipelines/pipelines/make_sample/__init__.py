"""Make the embedded sample."""

from autobuild_pipelines.pipelines.make_sample.pipeline import create_pipeline

__all__ = ["create_pipeline"]
