"""Time the layers of a space's networks on this machine."""

from autobuild_pipelines.pipelines.measure_layer_latency.pipeline import create_pipeline

__all__ = ["create_pipeline"]
