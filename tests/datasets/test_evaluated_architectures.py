"""The dataset where data enters."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import fsspec
import pytest
from kedro.io import DataCatalog
from kedro.io.core import DatasetError

from autobuild_pipelines.datasets import EvaluatedArchitecturesDataset

UNITS = [["mbconv3_e3_k3"] * 2] * 5


def test_it_loads_from_a_catalog_entry_and_any_file_system() -> None:
    path = "memory://datasets/somebody/AutoBuild/ofa_mbv3_custom_cache.pkl"
    fsspec.filesystem("memory").pipe(path, pickle.dumps([{"net": UNITS, "acc": 0.7}]))
    catalog = DataCatalog.from_config(
        {
            "{space}.raw_samples": {
                "type": "autobuild_pipelines.datasets.EvaluatedArchitecturesDataset",
                "filepath": "memory://datasets/somebody/AutoBuild/{space}_custom_cache.pkl",
                "metadata": {"kedro-viz": {"layer": "raw"}},
            }
        }
    )
    records = catalog.load("ofa_mbv3.raw_samples")
    assert records.path == path
    assert len(records) == 1
    assert len(records.sha256) == 64
    assert catalog.exists("ofa_mbv3.raw_samples")
    assert not catalog.exists("ofa_pn.raw_samples")


def test_a_hub_path_needs_no_network_until_it_is_loaded() -> None:
    dataset = EvaluatedArchitecturesDataset(filepath="hf://datasets/kgmills/AutoBuild/ofa_mbv3_custom_cache.pkl")
    assert "hf://datasets/kgmills/AutoBuild" in str(dataset)


def test_a_missing_file_says_what_to_set(tmp_path: Path) -> None:
    dataset = EvaluatedArchitecturesDataset(filepath=tmp_path / "x.pkl", set_by="AUTOBUILD_DATA_DIR")
    assert not dataset.exists()
    with pytest.raises(DatasetError, match=r"x\.pkl: no such file; set it by AUTOBUILD_DATA_DIR"):
        dataset.load()


def test_a_file_over_the_limit_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text(json.dumps({"units": UNITS}) * 20)
    with pytest.raises(DatasetError, match="larger than the limit"):
        EvaluatedArchitecturesDataset(filepath=path, size_limit_mib=0.001).load()


def test_a_path_without_a_suffix_is_refused_with_the_suffixes_there_are(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"not known by its suffix; expected \.pkl"):
        EvaluatedArchitecturesDataset(filepath=tmp_path / "architectures").load()


def test_it_is_read_only(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="read-only"):
        EvaluatedArchitecturesDataset(filepath=tmp_path / "x.pkl").save([])  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []
