"""Results of other runs, those that there are, as one dataset."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from kedro.io.core import AbstractDataset, AbstractVersionedDataset, DatasetError

from autobuild_pipelines.reporting.report import SavedResult


class SavedResultsDataset(AbstractDataset[NoReturn, dict[str, SavedResult]]):
    """The last versions of datasets that may or may not have been saved.

    ```yaml
    "{space}.further_results":
      type: autobuild_pipelines.datasets.saved_results.SavedResultsDataset
      made_from: {type: autobuild_pipelines.datasets.TableDataset, filepath: ..., versioned: true}
      results:
        feature_effects_figure: {type: kedro_datasets.plotly.JSONDataset, filepath: ..., versioned: true}
    ```

    Args:
        results: Name to the entry of a dataset, as in a catalog.
        made_from: The entry of what they were made from: a result whose version is older is stale and not loaded.
        metadata: Kept for plugins.
    """

    def __init__(
        self,
        *,
        results: Mapping[str, Mapping[str, Any]],
        made_from: Mapping[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        self.metadata = metadata
        self._results = {name: _dataset(name, entry) for name, entry in results.items()}
        self._made_from = None if made_from is None else _dataset("made_from", made_from)

    def load(self) -> dict[str, SavedResult]:
        """Every result that has been saved, with its version.

        Raises:
            DatasetError: A saved result cannot be read.
        """
        since = "" if self._made_from is None else _version(self._made_from)
        found = {}
        for name, dataset in self._results.items():
            if dataset.exists():
                version = _version(dataset)
                stale = bool(version) and version < since
                found[name] = SavedResult(None if stale else dataset.load(), version, stale)
        return found

    def save(self, data: NoReturn) -> NoReturn:
        """Refused: each result is saved by its own dataset.

        Raises:
            DatasetError: Always.
        """
        raise DatasetError("further results are saved by the pipelines that make them")

    def _exists(self) -> bool:
        return True

    def _describe(self) -> dict[str, Any]:
        return {"results": list(self._results)}


def _dataset(name: str, entry: Mapping[str, Any]) -> AbstractDataset[Any, Any]:
    return AbstractDataset.from_config(name, dict(entry))


def _version(dataset: AbstractDataset[Any, Any]) -> str:
    if isinstance(dataset, AbstractVersionedDataset) and dataset._version and dataset.exists():
        return str(dataset.resolve_load_version())
    return ""
