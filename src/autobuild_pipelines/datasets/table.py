"""Typed tables as Parquet."""

from __future__ import annotations

import importlib
import io
import math
import os
from typing import Any, NewType

import pandas as pd
from kedro.io.core import DatasetError, Version

from autobuild_pipelines.datasets.atomic_file import AtomicFileDataset

TablePreview = NewType("TablePreview", dict[str, Any])
"""The name by which kedro-viz knows that a preview is a table."""


_LONGEST_CELL = 48


class TableDataset(AtomicFileDataset[pd.DataFrame]):
    """A pandas table as Parquet, checked against a pandera schema when it is saved and when it is loaded.

    ```yaml
    "{space}.architectures":
      type: autobuild_pipelines.datasets.TableDataset
      filepath: data/02_intermediate/{space}/architectures.parquet
      schema: autobuild_pipelines.ingestion.schemas.ARCHITECTURES
      versioned: true
    ```

    The file appears whole or not at all, and the same table gives the same bytes. The index is not kept.

    Args:
        filepath: Path of the Parquet file; any fsspec protocol.
        schema: Import path of a `pandera.DataFrameSchema`; None checks nothing.
        version: Set by the catalog for `versioned: true`.
        credentials: Credentials of the file system.
        fs_args: Further arguments of the file system.
        metadata: Kept for plugins.
    """

    def __init__(
        self,
        *,
        filepath: str | os.PathLike[str],
        schema: str | None = None,
        version: Version | None = None,
        credentials: dict[str, Any] | None = None,
        fs_args: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(
            filepath=filepath, version=version, credentials=credentials, fs_args=fs_args, metadata=metadata
        )
        self._schema_path = schema

    def _describe(self) -> dict[str, Any]:
        return {**super()._describe(), "schema": self._schema_path}

    def load(self) -> pd.DataFrame:
        """The table.

        Raises:
            DatasetError: There is no such file, it is no Parquet file, or it does not fit the schema.
        """
        return self._load_table()

    def save(self, data: pd.DataFrame) -> None:
        """Check and write the table.

        Raises:
            DatasetError: It does not fit the schema; nothing is written.
        """
        if not isinstance(data, pd.DataFrame):
            raise DatasetError(f"{self._filepath}: expected a pandas table, got {type(data).__name__}")
        self._check(data, "to be saved")
        buffer = io.BytesIO()
        data.to_parquet(buffer, engine="pyarrow", index=False, compression="zstd")
        self._write_bytes(self._save_location(), buffer.getvalue())

    def preview(self, nrows: int = 10) -> TablePreview:
        """The first rows as kedro-viz shows them: long texts (an architecture's units) cut, numbers to six digits."""
        table = self._load_table().head(nrows)
        return TablePreview(table.astype(object).map(_short).to_dict(orient="split"))

    def _load_table(self) -> pd.DataFrame:
        location = self._load_location()
        try:
            table = pd.read_parquet(io.BytesIO(self._read_bytes(location)), engine="pyarrow")
        except FileNotFoundError:
            raise DatasetError(f"{location}: no such table; run the pipeline that makes it first") from None
        except (ValueError, OSError) as error:
            raise DatasetError(f"{location}: is not a readable Parquet file: {error}") from error
        self._check(table, f"in {location}")
        return table

    def _check(self, table: pd.DataFrame, where: str) -> None:
        if self._schema_path is None:
            return
        from pandera.errors import SchemaError, SchemaErrors

        try:
            _schema(self._schema_path).validate(table, lazy=True)
        except (SchemaError, SchemaErrors) as error:
            raise DatasetError(
                f"{self._filepath.name}: the table {where} does not fit {self._schema_path}: {_explain(error)}"
            ) from None


def _short(cell: Any) -> Any:
    if isinstance(cell, str) and len(cell) > _LONGEST_CELL:
        return f"{cell[: _LONGEST_CELL - 2]} …"
    if isinstance(cell, float):
        return float(f"{cell:.6g}") if math.isfinite(cell) else None
    return cell if cell is not pd.NA else None


def _schema(path: str) -> Any:
    module, _, name = path.rpartition(".")
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise DatasetError(f"schema {path!r} cannot be imported: {error}") from error


def _explain(error: Any) -> str:
    cases = getattr(error, "failure_cases", None)
    if not isinstance(cases, pd.DataFrame):
        return str(error)[:500]
    lines = [
        f"{case.get('column') or 'table'}: {case['check']}"
        + ("" if case["failure_case"] in (None, False) else f" (found {case['failure_case']})")
        for case in _rows(cases)
    ]
    more = f" and {len(cases) - len(lines)} more" if len(cases) > len(lines) else ""
    return "; ".join(line[:200] for line in lines) + more


def _rows(cases: pd.DataFrame) -> list[dict[Any, Any]]:
    rows: list[dict[Any, Any]] = cases.head(5).to_dict("records")
    return rows
