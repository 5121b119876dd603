"""A versioned file that exists only when it is complete: the base of the datasets that save."""

from __future__ import annotations

import os
import tempfile
from copy import deepcopy
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar, TypeVar

import fsspec
from kedro.io.core import (
    AbstractVersionedDataset,
    DatasetError,
    Version,
    get_filepath_str,
    get_protocol_and_path,
)

T = TypeVar("T")


class AtomicFileDataset(AbstractVersionedDataset[T, T]):
    """One file on any fsspec file system, optionally versioned, written whole or not at all.

    Subclasses turn their data into bytes and back.

    Args:
        filepath: Path of the file; any fsspec protocol.
        version: Set by the catalog for `versioned: true`.
        credentials: Credentials of the file system.
        fs_args: Further arguments of the file system.
        metadata: Kept for plugins (`mlflow: {artifact_path: ...}`, `kedro-viz: {layer: ...}`).

    Raises:
        DatasetError: The file is not named as files of its kind must be.
    """

    file_name: ClassVar[str | None] = None
    """The only name that a file of this kind may have, if there is one."""

    def __init__(
        self,
        *,
        filepath: str | os.PathLike[str],
        version: Version | None = None,
        credentials: dict[str, Any] | None = None,
        fs_args: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        protocol, path = get_protocol_and_path(filepath, version)
        if self.file_name is not None and PurePosixPath(path).name != self.file_name:
            raise DatasetError(f"{path}: a {type(self).__name__} keeps a file named {self.file_name}")
        self._protocol = protocol
        self._fs = fsspec.filesystem(protocol, **deepcopy(credentials or {}), **deepcopy(fs_args or {}))
        self.metadata = metadata
        super().__init__(
            filepath=PurePosixPath(path),
            version=version,
            exists_function=self._fs.exists,
            glob_function=self._fs.glob,
        )

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._filepath, "protocol": self._protocol, "version": self._version}

    def _load_location(self) -> str:
        return get_filepath_str(PurePosixPath(self._get_load_path()), self._protocol)

    def _save_location(self) -> str:
        return get_filepath_str(PurePosixPath(self._get_save_path()), self._protocol)

    def _read_bytes(self, location: str) -> bytes:
        with self._fs.open(location, "rb") as file:
            return bytes(file.read())

    def _write_bytes(self, location: str, content: bytes) -> None:
        if self._protocol in ("file", "local"):
            write_local(Path(location), content)
        else:
            folder = location.rsplit("/", 1)[0]
            self._fs.makedirs(folder, exist_ok=True)
            with self._fs.transaction, self._fs.open(location, "wb") as file:
                file.write(content)
        self._invalidate_cache()

    def _exists(self) -> bool:
        try:
            location = self._load_location()
        except DatasetError:
            return False
        return bool(self._fs.isfile(location))

    def _release(self) -> None:
        super()._release()
        self._invalidate_cache()

    def _invalidate_cache(self) -> None:
        self._fs.invalidate_cache(get_filepath_str(self._filepath, self._protocol))


def write_local(path: Path, content: bytes) -> None:
    """Write a local file so that it is seen complete or not at all, even when the process is killed.

    Raises:
        DatasetError: `path` is a folder.
    """
    if path.is_dir():
        raise DatasetError(f"{path} is a folder; was the catalog entry versioned before and is not now?")
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, part = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(part, 0o666 & ~mask)  # mkstemp makes private files
        os.replace(part, path)
    except BaseException:
        Path(part).unlink(missing_ok=True)
        raise
