"""What a run is, as a dataset: nodes, which see neither clock nor command line, are handed it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NoReturn

from kedro.io.core import AbstractDataset, DatasetError

from autobuild_pipelines.reporting.report import RunRecord


class RunRecordDataset(AbstractDataset[NoReturn, RunRecord]):
    """The record of the run that reads it, as far as hooks have noted it.

    ```yaml
    run_record:
      type: autobuild_pipelines.datasets.run_record.RunRecordDataset
    ```

    Args:
        metadata: Kept for plugins.
    """

    def __init__(self, *, metadata: dict[str, Any] | None = None) -> None:
        self.metadata = metadata
        self._record = RunRecord()
        self._seconds: dict[str, float] = {}

    def note(self, record: RunRecord) -> None:
        """Begin the record of a run."""
        self._record, self._seconds = record, {}

    def note_node(self, name: str, seconds: float) -> None:
        """Add how long a node took."""
        self._seconds[name] = seconds

    def load(self) -> RunRecord:
        """The record so far."""
        return replace(self._record, node_seconds=dict(self._seconds))

    def save(self, data: NoReturn) -> NoReturn:
        """Refused: hooks note what a run is.

        Raises:
            DatasetError: Always.
        """
        raise DatasetError("the record of a run is not saved")

    def _exists(self) -> bool:
        return True

    def _describe(self) -> dict[str, Any]:
        return {}
