"""Why these modules: contextual effects of feature values, importances with their spread, module cards."""

from autobuild_pipelines.pipelines.insight.pipeline import create_pipeline

__all__ = ["create_pipeline"]
