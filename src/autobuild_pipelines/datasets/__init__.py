"""Kedro datasets of the project: where data enters, and how tables, tensors and predictors are kept."""

from autobuild_pipelines.datasets.evaluated_architectures import EvaluatedArchitecturesDataset
from autobuild_pipelines.datasets.evaluation_ledger import EvaluationLedgerDataset
from autobuild_pipelines.datasets.predictors import OperatorPredictorsDataset, PredictorsDataset
from autobuild_pipelines.datasets.released_predictors import ReleasedPredictors, ReleasedPredictorsDataset
from autobuild_pipelines.datasets.search_space import SearchSpaceDataset
from autobuild_pipelines.datasets.table import TableDataset
from autobuild_pipelines.datasets.tensors import TensorsDataset

__all__ = [
    "EvaluatedArchitecturesDataset",
    "EvaluationLedgerDataset",
    "OperatorPredictorsDataset",
    "PredictorsDataset",
    "ReleasedPredictors",
    "ReleasedPredictorsDataset",
    "SearchSpaceDataset",
    "TableDataset",
    "TensorsDataset",
]
