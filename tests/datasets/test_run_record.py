"""The record of a run, which hooks note and a node reads."""

from __future__ import annotations

import pytest
from kedro.io import DatasetError

from autobuild_pipelines.datasets.run_record import RunRecordDataset
from autobuild_pipelines.reporting.report import RunRecord


def test_without_hooks_it_says_that_nothing_is_known() -> None:
    assert RunRecordDataset().load() == RunRecord()


def test_it_tells_what_was_noted_and_the_nodes_so_far() -> None:
    dataset = RunRecordDataset()
    dataset.note(RunRecord(command="kedro run"))
    dataset.note_node("a.search.find", 2.5)
    first = dataset.load()
    dataset.note_node("a.search.draw", 1.0)
    assert (first.command, first.node_seconds) == ("kedro run", {"a.search.find": 2.5})
    assert len(dataset.load().node_seconds) == 2


def test_a_new_run_begins_a_new_record() -> None:
    dataset = RunRecordDataset()
    dataset.note_node("a", 1.0)
    dataset.note(RunRecord(environment="base"))
    assert dataset.load().node_seconds == {}


def test_it_is_not_saved() -> None:
    with pytest.raises(DatasetError, match="not saved"):
        RunRecordDataset().save("anything")  # type: ignore[arg-type]
