"""The stopwatch in the catalog."""

from __future__ import annotations

import pytest
from kedro.io import DataCatalog
from kedro.io.core import DatasetError


@pytest.fixture
def catalog() -> DataCatalog:
    kind = "autobuild_pipelines.datasets.stopwatch.StopwatchDataset"
    return DataCatalog.from_config({"{space}.stopwatch": {"type": kind, "metadata": {"kedro-viz": {"layer": "raw"}}}})


def test_every_node_that_reads_it_starts_without_times(catalog: DataCatalog) -> None:
    first = catalog.load("a.stopwatch")
    with first.run("gpu", "stage_full", 0):
        pass
    assert len(first.table()) == 1
    assert catalog.load("a.stopwatch").table().empty


def test_it_is_not_saved_itself(catalog: DataCatalog) -> None:
    with pytest.raises(DatasetError, match="save its table"):
        catalog.get("a.stopwatch").save(catalog.load("a.stopwatch"))
