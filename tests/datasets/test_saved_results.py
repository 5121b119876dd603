"""Results of other runs, as far as there are any."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from kedro.io import DataCatalog, DatasetError

from autobuild_pipelines.datasets.saved_results import SavedResultsDataset

OLD, NEW = "2024-01-01T00.00.00.000Z", "2024-01-02T00.00.00.000Z"


def entry(folder: Path, name: str) -> dict[str, Any]:
    kind = "autobuild_pipelines.datasets.TableDataset"
    return {"type": kind, "filepath": str(folder / f"{name}.parquet"), "versioned": True}


def save(folder: Path, name: str, version: str) -> None:
    catalog = DataCatalog.from_config({name: entry(folder, name)}, save_version=version)
    catalog.save(name, pd.DataFrame({"at": [version]}))


def dataset(folder: Path) -> SavedResultsDataset:
    names = ("effects", "cards")
    return SavedResultsDataset(results={n: entry(folder, n) for n in names}, made_from=entry(folder, "scores"))


def test_what_has_not_been_saved_is_left_out(tmp_path: Path) -> None:
    save(tmp_path, "scores", OLD)
    save(tmp_path, "effects", NEW)
    assert set(dataset(tmp_path).load()) == {"effects"}


def test_the_last_version_comes_with_its_name(tmp_path: Path) -> None:
    for version in (OLD, NEW):
        save(tmp_path, "effects", version)
    found = dataset(tmp_path).load()["effects"]
    assert (found.version, found.content["at"].item(), found.stale) == (NEW, NEW, False)


def test_what_is_older_than_what_it_was_made_from_is_stale_and_not_loaded(tmp_path: Path) -> None:
    save(tmp_path, "effects", OLD)
    save(tmp_path, "scores", NEW)
    found = dataset(tmp_path).load()["effects"]
    assert (found.version, found.content, found.stale) == (OLD, None, True)


def test_it_saves_nothing(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="saved by the pipelines that make them"):
        dataset(tmp_path).save("anything")  # type: ignore[arg-type]
