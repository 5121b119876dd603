"""Compare what was built with exhaustive search, random architectures and the training set."""

from autobuild_pipelines.pipelines.compare_built.pipeline import create_pipeline

__all__ = ["create_pipeline"]
