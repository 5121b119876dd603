"""Where data enters: a file of evaluated architectures."""

from __future__ import annotations

import os
from typing import Any, NoReturn

from kedro.io.core import AbstractDataset, DatasetError

from autobuild_pipelines.ingestion import IngestError, MissingFileError, RawRecords, read_records
from autobuild_pipelines.ingestion.files import format_of

_MIB = 2**20


class EvaluatedArchitecturesDataset(AbstractDataset[NoReturn, RawRecords]):
    """Evaluated architectures in any of the formats of `autobuild_pipelines.ingestion.readers`; read-only.

    ```yaml
    "{space}.raw_samples":
      type: autobuild_pipelines.datasets.EvaluatedArchitecturesDataset
      filepath: hf://datasets/kgmills/AutoBuild/{space}_custom_cache.pkl
      size_limit_mib: 256
    ```

    A pickle is read without running it: anything but containers, numbers, strings and numeric numpy arrays is refused.

    Args:
        filepath: Any fsspec path: local, `hf://datasets/...`, `s3://...`; the suffix tells the format.
        size_limit_mib: Most MiB, stored as well as decompressed.
        set_by: What a user sets to choose the file, for the error when it is missing.
        credentials: Credentials of the file system.
        fs_args: Further arguments of the file system.
        metadata: Kept for plugins.
    """

    def __init__(
        self,
        *,
        filepath: str | os.PathLike[str],
        size_limit_mib: float = 512,
        set_by: str = "the parameter source.filepath of the space, or AUTOBUILD_DATA_DIR for the published caches",
        credentials: dict[str, Any] | None = None,
        fs_args: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        if not size_limit_mib > 0:
            raise DatasetError(f"size_limit_mib must be above 0, got {size_limit_mib}")
        self._filepath = os.fspath(filepath)
        self._size_limit = int(size_limit_mib * _MIB)
        self._set_by = set_by
        self._storage_options = {**(credentials or {}), **(fs_args or {})}
        self.metadata = metadata

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._filepath, "size_limit": self._size_limit}

    def load(self) -> RawRecords:
        """The raw records with the path and the SHA-256 of the file.

        Raises:
            DatasetError: The file is missing or cannot be read as what its suffix says; names file and place.
        """
        try:
            return read_records(self._filepath, size_limit=self._size_limit, storage_options=self._storage_options)
        except MissingFileError as error:
            raise DatasetError(f"{error}; set it by {self._set_by}") from error
        except IngestError as error:
            raise DatasetError(str(error)) from error

    def save(self, data: NoReturn) -> NoReturn:
        """Sources are never written.

        Raises:
            DatasetError: Always.
        """
        raise DatasetError(f"{self._filepath} is a source and read-only")

    def _exists(self) -> bool:
        from fsspec.core import url_to_fs

        format_of(self._filepath)
        fs, path = url_to_fs(self._filepath, **self._storage_options)
        return bool(fs.isfile(path))
