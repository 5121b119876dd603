"""Typed tables: checked both ways, whole or absent, the same bytes for the same table."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pandas as pd
import pytest
from kedro.io import DataCatalog
from kedro.io.core import DatasetError, Version
from pandas.testing import assert_frame_equal

from autobuild_pipelines.datasets import TableDataset

SCHEMA = "autobuild_pipelines.ingestion.schemas.ARCHITECTURES"
TABLE = pd.DataFrame(
    {
        "architecture_id": ["0" * 16, "f" * 16],
        "resolution": [192, 224],
        "units": ['[[{"k":3}]]', '[[{"k":5}]]'],
        "acc": [0.7, 0.8],
    }
)


@pytest.mark.parametrize("folder", ["{tmp}", "memory://tables"])
@pytest.mark.parametrize("version", [None, Version(None, "2026-01-01T00.00.00.000Z")])
def test_what_is_saved_is_loaded(folder: str, version: Version | None, tmp_path: Path) -> None:
    path = f"{folder.format(tmp=tmp_path)}/{version is None}/a.parquet"
    dataset = TableDataset(filepath=path, schema=SCHEMA, version=version)
    assert not dataset.exists()
    dataset.save(TABLE)
    assert dataset.exists()
    latest = version and Version(None, None)
    assert_frame_equal(TableDataset(filepath=path, schema=SCHEMA, version=latest).load(), TABLE)


def test_a_table_without_rows_keeps_its_types(tmp_path: Path) -> None:
    dataset = TableDataset(filepath=tmp_path / "a.parquet", schema=SCHEMA)
    dataset.save(TABLE.iloc[:0])
    assert_frame_equal(dataset.load(), TABLE.iloc[:0])


def test_the_same_table_gives_the_same_bytes(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("a.parquet", "b.parquet")]
    for path in paths:
        TableDataset(filepath=path).save(TABLE.copy())
    assert paths[0].read_bytes() == paths[1].read_bytes()


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        (TABLE.drop(columns="units"), "units"),
        (TABLE.assign(architecture_id=["0" * 16] * 2), "architecture_id"),
        (TABLE.assign(architecture_id="x"), "architecture_id.*str_matches"),
        (TABLE.assign(acc=[0.7, np.nan]), "a cell is missing"),
        (TABLE.assign(acc=[0.7, np.inf]), "a number is not finite"),
        (TABLE.assign(units=[1, 2]), "units"),
    ],
)
def test_a_table_that_does_not_fit_its_schema_is_neither_saved_nor_loaded(
    changed: pd.DataFrame, reason: str, tmp_path: Path
) -> None:
    path = tmp_path / "a.parquet"
    with pytest.raises(DatasetError, match=f"a.parquet: the table to be saved does not fit {SCHEMA}: .*{reason}"):
        TableDataset(filepath=path, schema=SCHEMA).save(changed)
    assert list(tmp_path.iterdir()) == []
    TableDataset(filepath=path).save(changed)
    with pytest.raises(DatasetError, match=reason):
        TableDataset(filepath=path, schema=SCHEMA).load()


def test_a_failed_save_leaves_the_earlier_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = TableDataset(filepath=tmp_path / "a.parquet")
    dataset.save(TABLE)

    def full(*_: Any) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(DatasetError, match="no space left"):
        dataset.save(TABLE.iloc[:1])
    assert [path.name for path in tmp_path.iterdir()] == ["a.parquet"]
    assert_frame_equal(dataset.load(), TABLE)


def test_a_killed_save_leaves_nothing_that_loads(tmp_path: Path) -> None:
    program = f"""
import os, signal, sys, pandas as pd
from kedro.io.core import Version
from autobuild_pipelines.datasets import TableDataset
os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)  # the bytes are written, the name is not
TableDataset(filepath={str(tmp_path / "a.parquet")!r}, version=Version(None, "v1")).save(pd.DataFrame({{"a": [1]}}))
"""
    done = subprocess.run([sys.executable, "-c", program], check=False, env={**os.environ, "PYTHONPATH": "src"})
    assert done.returncode == -signal.SIGKILL
    assert list(tmp_path.rglob("*.part"))
    assert not TableDataset(filepath=tmp_path / "a.parquet", version=Version(None, None)).exists()
    again = TableDataset(filepath=tmp_path / "a.parquet", version=Version(None, "v1"))
    again.save(TABLE)
    assert_frame_equal(again.load(), TABLE)


def test_an_unfinished_remote_save_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = TableDataset(filepath="memory://unfinished/a.parquet")
    memory_file = type(fsspec.filesystem("memory").open("/probe", "wb"))

    def broken(*_: Any) -> int:
        raise OSError("connection lost")

    monkeypatch.setattr(memory_file, "write", broken)
    with pytest.raises(DatasetError, match="connection lost"):
        dataset.save(TABLE)
    assert not dataset.exists()


@pytest.mark.parametrize("content", [b"", b"PAR1", b"not parquet"])
def test_a_broken_file_is_one_error(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(content)
    with pytest.raises(DatasetError, match=r"a\.parquet: is not a readable Parquet file"):
        TableDataset(filepath=tmp_path / "a.parquet").load()


def test_a_missing_table_says_to_run_its_pipeline(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="run the pipeline that makes it first"):
        TableDataset(filepath=tmp_path / "a.parquet").load()


def test_an_unknown_schema_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"schema 'somewhere.ELSE' cannot be imported"):
        TableDataset(filepath=tmp_path / "a.parquet", schema="somewhere.ELSE").save(TABLE)


def test_a_preview_shows_the_first_rows_as_kedro_viz_reads_them(tmp_path: Path) -> None:
    dataset = TableDataset(filepath=tmp_path / "a.parquet")
    dataset.save(TABLE)
    preview: Any = dataset.preview(nrows=1)
    assert preview["columns"] == list(TABLE)
    assert preview["data"] == [["0" * 16, 192, '[[{"k":3}]]', 0.7]]


def test_a_preview_cuts_what_would_not_fit_its_panel(tmp_path: Path) -> None:
    dataset = TableDataset(filepath=tmp_path / "a.parquet")
    dataset.save(pd.DataFrame({"units": ["[" * 100], "score": [1 / 3], "error": [float("nan")]}))
    preview: Any = dataset.preview()
    assert preview["data"] == [["[" * 46 + " …", 0.333333, None]]


def test_a_catalog_factory_versions_it(tmp_path: Path) -> None:
    entry = {
        "type": "autobuild_pipelines.datasets.TableDataset",
        "filepath": f"{tmp_path}/{{space}}/a.parquet",
        "schema": SCHEMA,
        "versioned": True,
        "metadata": {"mlflow": {"artifact_path": "tables"}},
    }
    catalog = DataCatalog.from_config({"{space}.architectures": entry}, save_version="v1")
    catalog.save("ofa_mbv3.architectures", TABLE)
    assert (tmp_path / "ofa_mbv3" / "a.parquet" / "v1" / "a.parquet").is_file()
    assert_frame_equal(catalog.load("ofa_mbv3.architectures"), TABLE)
