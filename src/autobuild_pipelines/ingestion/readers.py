"""Read evaluated architectures from a file: four formats, one form of record.

The format follows the suffix and is checked against the content:

| suffix | content |
| - | - |
| `.pkl`, `.pickle` | a pickled list of dicts, such as the published caches; read without running it |
| `.jsonl`, `.ndjson`, `.json` | one JSON object a line, or one array of objects |
| `.parquet` | a table, one architecture a row |
| `.csv` | UTF-8, comma-separated, a header line; numbers as plain decimals, an empty cell is a missing value |

All but Parquet may be gzip-compressed with the suffix `.gz` added. A `.csv` may also hold latency samples of the
block-profiling paper, see `block_profiling.py`, and a `.pkl` a cache of AIO-P, see `aiop.py`.

A record is a mapping; a table has the same keys as columns:

- `units`: a list of units, each a list of layers. A layer is an object of its features (`{"expand": 6, "kernel": 7}`)
  or its name (`"mbconv3_e6_k7"`). In a table this stands as JSON text, or as names with spaces between them and `|`
  between units (`e4_k3 | e6_k5 e4_k3 | e1_k3`).
- `original config`, instead of `units`, as in the published caches: `[resolution, units]`, the first being the value of
  the space's first graph feature.
- `net`, instead of `units`, as in the published caches: units alone.
- A graph feature such as `resolution`, or an alias of it: its value. They may also stand in an object `graph`, or be
  repeated in every layer object. One given nowhere takes the default that the space declares; that is counted and
  logged.
- `labels`: an object of numbers.
- Any other key with a plain value: a label.
- `id`, `architecture_id`, columns without a name and pandas' `__index_level_0__` are ignored.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from autobuild_pipelines.ingestion.aiop import CLASSES, aiop_record, is_aiop
from autobuild_pipelines.ingestion.block_profiling import block_profiling_record, is_block_profiling
from autobuild_pipelines.ingestion.errors import IngestError, one_line
from autobuild_pipelines.ingestion.files import FileContent, fetch
from autobuild_pipelines.ingestion.restricted_pickle import DEFAULT_SIZE_LIMIT, load_plain_pickle

MAX_RECORDS = 5_000_000
MAX_CELLS = 50_000_000

_INTEGER = re.compile(r"[+-]?[0-9]{1,400}")
_DECIMAL = re.compile(r"[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]{1,5})?|nan|inf|infinity)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class RawRecords:
    """The records of one file, not yet checked against a search space.

    Attributes:
        path: Where they come from, as the user wrote it.
        sha256: Hexadecimal SHA-256 of the file, "" for records that come from no file.
        records: Plain values, one a record, in the order of the file; see the module for their form.
    """

    path: str
    sha256: str
    records: list[Any] = field(repr=False)

    def __len__(self) -> int:
        return len(self.records)


def read_records(
    path: str, *, size_limit: int = DEFAULT_SIZE_LIMIT, storage_options: dict[str, Any] | None = None
) -> RawRecords:
    """Read a file of evaluated architectures.

    Args:
        path: Any fsspec path.
        size_limit: Most bytes, stored as well as decompressed.
        storage_options: Keyword arguments of the fsspec file system.

    Raises:
        IngestError: The file cannot be read as what its suffix says; names the file and the place.
    """
    content = fetch(path, size_limit=size_limit, storage_options=storage_options)
    match content.format:
        case "pickle":
            records = _from_pickle(content, size_limit)
        case "json":
            records = _from_json(content)
        case "csv":
            records = _from_csv(content)
        case _:
            records = _from_parquet(content, size_limit)
    if not records:
        raise IngestError(f"{path}: holds no records")
    if len(records) > MAX_RECORDS:
        raise IngestError(f"{path}: holds {len(records)} records, more than {MAX_RECORDS}")
    return RawRecords(path, content.sha256, records)


def _from_pickle(content: FileContent, size_limit: int) -> list[Any]:
    value = load_plain_pickle(content.data, source=content.path, size_limit=size_limit, inert=CLASSES)
    if not isinstance(value, list | tuple):
        raise IngestError(f"{content.path}: holds a {type(value).__name__}, expected a list of dicts")
    return [
        aiop_record(record, f"{content.path} row {row}") if is_aiop(record) else record
        for row, record in enumerate(value, start=1)
    ]


def _from_json(content: FileContent) -> list[Any]:
    text = _text(content)
    if text.lstrip()[:1] == "[":
        value = parse_json(text, content.path)
        return value if isinstance(value, list) else [value]
    return [
        parse_json(line, f"{content.path} line {number}")
        for number, line in enumerate(text.split("\n"), start=1)
        if line.strip()
    ]


def parse_json(text: str, where: str) -> Any:
    """Plain values of a JSON text in which no object names a key twice.

    Raises:
        IngestError: It is no JSON, nests too deep, or repeats a key; `where` starts the message.
    """
    try:
        return json.loads(text, object_pairs_hook=_distinct)
    except RecursionError:
        raise IngestError(f"{where}: is nested too deep") from None
    except ValueError as error:
        raise IngestError(f"{where}: is not JSON (cut off?): {one_line(error)}") from None


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    out = dict(pairs)
    if len(out) != len(pairs):
        seen: set[str] = set()
        repeated = next(k for k, _ in pairs if k in seen or seen.add(k))  # type: ignore[func-returns-value]
        raise ValueError(f"an object has the key {repeated[:60]!r} twice")
    return out


def _from_csv(content: FileContent) -> list[Any]:
    reader = csv.reader(io.StringIO(_text(content), newline=""), strict=True)
    rows = _csv_rows(reader, content.path)
    header = [name.strip() for name in next(rows, [])]
    foreign = is_block_profiling(header)
    if not foreign:
        _check_header(content.path, header)
    records = []
    for cells in rows:
        if len(cells) != len(header):
            raise IngestError(
                f"{content.path} line {reader.line_num}: has {len(cells)} cells, its header {len(header)} (cut off?)"
            )
        if foreign:
            records.append(block_profiling_record(cells, f"{content.path} line {reader.line_num}"))
            continue
        records.append({n: c if n == "units" else _csv_value(c) for n, c in zip(header, cells, strict=True)})
    return records


def _csv_rows(reader: Any, path: str) -> Iterator[list[str]]:
    try:
        yield from (cells for cells in reader if cells)
    except csv.Error as error:
        where = f"{path} line {reader.line_num}"
        raise IngestError(f"{where}: is not CSV (unclosed or broken quotes?): {one_line(error)}") from None


def _csv_value(cell: str) -> Any:
    text = cell.strip()
    if not text:
        return None
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _DECIMAL.fullmatch(text) else text


def _from_parquet(content: FileContent, size_limit: int) -> list[Any]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = content.path
    try:
        schema = pq.read_schema(pa.BufferReader(content.data))
        names = list(schema.names)
        _check_header(path, names)
        if nested := [f.name for f in schema if pa.types.is_nested(f.type)]:
            raise IngestError(f"{path}: the column {nested[0][:60]!r} is nested, expected JSON text, numbers or text")
        # Text is read as a dictionary of distinct values, so that a small file cannot repeat a large text for ever.
        texts = [f.name for f in schema if pa.types.is_string(f.type) or pa.types.is_large_string(f.type)]
        file = pq.ParquetFile(pa.BufferReader(content.data), read_dictionary=texts)
        size = sum(file.metadata.row_group(i).total_byte_size for i in range(file.metadata.num_row_groups))
        if size > size_limit or file.metadata.num_rows * len(names) > MAX_CELLS:
            raise IngestError(f"{path}: is larger than the limit of {size_limit} bytes or {MAX_CELLS} cells when read")
        columns = [_values(column) for column in file.read().columns]
    except IngestError:
        raise
    except (pa.ArrowException, OSError, ValueError, OverflowError, KeyError) as error:
        raise IngestError(f"{path}: is not a readable Parquet file: {one_line(error)}") from None
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def _values(column: Any) -> list[Any]:
    out: list[Any] = []
    for chunk in column.chunks:
        if hasattr(chunk, "dictionary"):
            distinct = chunk.dictionary.to_pylist()
            out.extend(None if i is None else distinct[i] for i in chunk.indices.to_pylist())
        else:
            out.extend(chunk.to_pylist())
    return out


def _check_header(path: str, names: list[str]) -> None:
    if not any(name in names for name in ("units", "original config", "net")):
        shown = ", ".join(name[:40] for name in names[:20])
        raise IngestError(
            f"{path}: has no column 'units' (layer names, `|` between units, or JSON text); it has: {shown}"
        )
    if repeated := sorted({name for name in names if name and names.count(name) > 1}):
        raise IngestError(f"{path}: has the column {repeated[0][:60]!r} twice")


def _text(content: FileContent) -> str:
    try:
        text = content.data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise IngestError(f"{content.path}: is not UTF-8 text: {error.reason} at byte {error.start}") from None
    if "\0" in text:
        raise IngestError(f"{content.path}: is not text, it holds zero bytes")
    return text
