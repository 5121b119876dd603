"""The embedded sample: architectures with surrogate accuracy, tabulated latency, exact MACs and parameters."""

from autobuild_pipelines.sampling.architectures import make_sample, sample_architectures

__all__ = ["make_sample", "sample_architectures"]
