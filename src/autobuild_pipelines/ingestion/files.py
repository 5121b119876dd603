"""Fetch one file from any fsspec path, within a size limit, and check that it is what its suffix says."""

from __future__ import annotations

import gzip
import hashlib
import io
import zlib
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from autobuild_pipelines.ingestion.errors import IngestError, MissingFileError, one_line

FORMATS = {
    ".pkl": "pickle",
    ".pickle": "pickle",
    ".jsonl": "json",
    ".json": "json",
    ".ndjson": "json",
    ".parquet": "parquet",
    ".csv": "csv",
}
"""The format of every suffix; each but Parquet may be followed by `.gz`."""

_GZIP = b"\x1f\x8b"
_SIGNATURES = {
    b"PK\x03\x04": "a zip archive",
    b"PK\x05\x06": "an empty zip archive",
    _GZIP: "gzip-compressed",
    b"PAR1": "a Parquet file",
    b"BZh": "bzip2-compressed",
    b"\xfd7zXZ\x00": "xz-compressed",
    b"\x28\xb5\x2f\xfd": "zstandard-compressed",
    b"\x89HDF": "an HDF5 file",
    b"SQLite format 3": "an SQLite database",
    b"ARROW1": "an Arrow file",
    b"\x93NUMPY": "a numpy file",
    b"%PDF": "a PDF",
    b"\x7fELF": "a program",
    b"version https://git-lfs": "a git-lfs pointer, not the file itself (fetch it with `git lfs pull`)",
    b"<!DOCTYPE": "a web page, not the file itself",
    b"<!doctype": "a web page, not the file itself",
    b"<html": "a web page, not the file itself",
}


@dataclass(frozen=True, slots=True)
class FileContent:
    """A fetched file.

    Attributes:
        path: As the user wrote it.
        format: "pickle", "json", "parquet" or "csv".
        data: Its content, decompressed.
        sha256: Hexadecimal SHA-256 of the file as it is stored (still compressed).
    """

    path: str
    format: str
    data: bytes
    sha256: str


def format_of(path: str) -> tuple[str, bool]:
    """Format and whether gzip-compressed, by the suffix.

    Raises:
        IngestError: No known suffix.
    """
    name = PurePosixPath(path).name.lower()
    compressed = name.endswith(".gz")
    suffix = PurePosixPath(name.removesuffix(".gz")).suffix
    kind = FORMATS.get(suffix)
    if kind is None or (compressed and kind == "parquet"):
        raise IngestError(
            f"{path}: its format is not known by its suffix; expected {', '.join(FORMATS)} (all but .parquet also "
            "with .gz)"
        )
    return kind, compressed


def fetch(path: str, *, size_limit: int, storage_options: dict[str, Any] | None = None) -> FileContent:
    """The content of a file.

    Args:
        path: Any fsspec path: local, `memory://`, `hf://datasets/...`, `s3://...`
        size_limit: Most bytes, stored as well as decompressed.
        storage_options: Keyword arguments of the fsspec file system, credentials included.

    Raises:
        IngestError: The file is missing, unreadable, empty, too large, truncated, or not what its suffix says.
    """
    kind, compressed = format_of(path)
    stored = _read(path, size_limit, storage_options or {})
    if not stored:
        raise IngestError(f"{path}: is empty, expected {_expected(kind)}")
    sha256 = hashlib.sha256(stored).hexdigest()
    data = _decompress(path, stored, size_limit) if compressed else stored
    _check_signature(path, kind, data)
    return FileContent(path, kind, data, sha256)


def _read(path: str, size_limit: int, storage_options: dict[str, Any]) -> bytes:
    from fsspec.core import url_to_fs

    try:
        fs, inner = url_to_fs(path, **storage_options)
        if fs.isdir(inner):
            raise IngestError(f"{path}: is a folder, expected one file")
        with fs.open(inner, "rb") as file:
            stored = bytes(file.read(size_limit + 1))
    except IngestError:
        raise
    except FileNotFoundError:
        raise MissingFileError(f"{path}: no such file") from None
    except Exception as error:  # whatever a remote file system raises: network, permission, a missing package
        raise IngestError(f"{path}: cannot be read: {type(error).__name__}: {one_line(error)}") from error
    if len(stored) > size_limit:
        raise IngestError(f"{path}: is larger than the limit of {size_limit} bytes; raise the limit if you trust it")
    return stored


def _decompress(path: str, stored: bytes, size_limit: int) -> bytes:
    if not stored.startswith(_GZIP):
        raise IngestError(f"{path}: is named .gz but is not gzip-compressed{_looks_like(stored)}")
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(stored)) as file:
            data = file.read(size_limit + 1)
            if len(data) <= size_limit and file.read(1):
                raise EOFError("more data than expected")
    except (EOFError, OSError, zlib.error) as error:
        raise IngestError(f"{path}: its gzip compression is broken or cut off: {one_line(error)}") from None
    if len(data) > size_limit:
        raise IngestError(f"{path}: is larger than the limit of {size_limit} bytes when decompressed")
    if not data:
        raise IngestError(f"{path}: is empty when decompressed")
    return data


def _check_signature(path: str, kind: str, data: bytes) -> None:
    if kind == "parquet":
        if not data.startswith(b"PAR1") or not data.endswith(b"PAR1") or len(data) < 12:
            hint = " (cut off?)" if data.startswith(b"PAR1") else _looks_like(data)
            raise IngestError(f"{path}: is not a complete Parquet file{hint}")
    elif other := _looks_like(data):
        raise IngestError(f"{path}: is not {_expected(kind)}{other}")


def _looks_like(data: bytes) -> str:
    return next((f"; it is {what}" for start, what in _SIGNATURES.items() if data.startswith(start)), "")


def _expected(kind: str) -> str:
    return {"pickle": "a pickle", "json": "JSON lines", "parquet": "a Parquet file", "csv": "a CSV file"}[kind]
