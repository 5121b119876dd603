"""Predictors are complete where their index exists."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from kedro.io.core import DatasetError, Version

from autobuild_pipelines.datasets import PredictorsDataset

FILES = {"acc.json": b"{}", "acc.safetensors": b"weights", "predictors.json": b'{"targets": ["acc"]}'}


@pytest.fixture(autouse=True)
def plain_cards(monkeypatch: pytest.MonkeyPatch) -> None:
    """Predictors that are the mapping of their files."""
    cards = ModuleType("autobuild_pipelines.predictors.cards")
    cards.to_files = dict  # type: ignore[attr-defined]
    cards.from_files = dict  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, cards.__name__, cards)


@pytest.mark.parametrize("folder", ["{tmp}", "memory://predictors"])
@pytest.mark.parametrize("version", [None, Version(None, "v1")])
def test_what_is_saved_is_loaded(folder: str, version: Version | None, tmp_path: Path) -> None:
    path = f"{folder.format(tmp=tmp_path)}/{version is None}/predictors.json"
    dataset = PredictorsDataset(filepath=path, version=version)
    assert not dataset.exists()
    dataset.save(FILES)
    assert dataset.exists()
    assert dataset.load() == FILES


def test_a_save_that_breaks_off_leaves_no_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = PredictorsDataset(filepath=tmp_path / "predictors.json")
    dataset.save(FILES)
    write = PredictorsDataset._write_bytes

    def breaks(self: PredictorsDataset, location: str, content: bytes) -> None:
        if location.endswith("acc.safetensors"):
            raise OSError("no space left on device")
        write(self, location, content)

    monkeypatch.setattr(PredictorsDataset, "_write_bytes", breaks)
    with pytest.raises(DatasetError, match="no space left"):
        dataset.save({**FILES, "acc.json": b'{"new": 1}'})
    assert not dataset.exists()
    with pytest.raises(DatasetError, match="no predictors there; run the pipeline 'predictors' first"):
        dataset.load()


def test_other_files_and_parts_in_the_folder_are_not_predictors(tmp_path: Path) -> None:
    dataset = PredictorsDataset(filepath=tmp_path / "predictors.json")
    dataset.save(FILES)
    (tmp_path / ".acc.json.abc.part").write_bytes(b"")
    (tmp_path / "README.md").write_bytes(b"")
    assert dataset.load() == FILES


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"acc.json": b"{}"}, "lack predictors.json"),
        ({**FILES, "../acc.json": b"{}"}, "cannot be kept as '../acc.json'"),
        ({**FILES, "acc.pkl": b""}, r"cannot be kept as 'acc\.pkl'"),
    ],
)
def test_files_that_are_not_predictors_are_refused(files: Mapping[str, bytes], reason: str, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=reason):
        PredictorsDataset(filepath=tmp_path / "in" / "predictors.json").save(files)
    assert list(tmp_path.iterdir()) == []


def test_the_index_has_a_fixed_name(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"keeps a file named predictors\.json"):
        PredictorsDataset(filepath=tmp_path / "acc.json")


def test_the_index_is_plain_json(tmp_path: Path) -> None:
    dataset: Any = PredictorsDataset(filepath=tmp_path / "predictors.json")
    dataset.save(FILES)
    assert json.loads((tmp_path / "predictors.json").read_text()) == {"targets": ["acc"]}
