"""The best architectures by the predictors' word on every one of a space: the baseline of §7.9."""

from autobuild_pipelines.pipelines.exhaustive_search.pipeline import create_pipeline

__all__ = ["create_pipeline"]
