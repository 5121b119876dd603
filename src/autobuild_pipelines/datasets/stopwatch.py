"""A stopwatch as a dataset: nodes, which have no clock, are handed one."""

from __future__ import annotations

from typing import Any, NoReturn

from kedro.io.core import AbstractDataset, DatasetError

from autobuild_pipelines.search.stopwatch import Stopwatch


class StopwatchDataset(AbstractDataset[NoReturn, Stopwatch]):
    """A stopwatch, new for every node that reads it.

    ```yaml
    "{space}.stopwatch":
      type: autobuild_pipelines.datasets.stopwatch.StopwatchDataset
    ```

    Args:
        metadata: Kept for plugins.
    """

    def __init__(self, *, metadata: dict[str, Any] | None = None) -> None:
        self.metadata = metadata

    def load(self) -> Stopwatch:
        """A stopwatch without times."""
        return Stopwatch()

    def save(self, data: NoReturn) -> NoReturn:
        """Refused: times are saved as the table that a stopwatch gives.

        Raises:
            DatasetError: Always.
        """
        raise DatasetError("a stopwatch is not saved; save its table()")

    def _exists(self) -> bool:
        return True

    def _describe(self) -> dict[str, Any]:
        return {}
