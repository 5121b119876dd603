"""Architectures as tensors: sequence graphs and the node features that predictors read."""

from autobuild_pipelines.graphs.features import Category, FeatureSchema
from autobuild_pipelines.graphs.sequence import SequenceGraphs, Vocabulary, sequence_graphs

__all__ = ["Category", "FeatureSchema", "SequenceGraphs", "Vocabulary", "sequence_graphs"]
