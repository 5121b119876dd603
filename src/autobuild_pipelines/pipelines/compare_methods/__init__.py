"""Compare all variants of the search: hypervolume after so many evaluations, best under limits, wall time."""

from autobuild_pipelines.pipelines.compare_methods.pipeline import create_pipeline

__all__ = ["create_pipeline"]
