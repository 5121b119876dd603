"""The CSV files of the block-profiling paper's latency samples, `ofa_{mbv3,pn}_{gpu,cpu,npu}_lat_data.csv`.

Mills et al., "Profiling Neural Blocks and Design Spaces for Mobile Neural Architecture Search" (CIKM 2021). The layout
is what the loader of their public code reads: one network a line in the six columns `COLUMNS`, a network being its
stages separated by `|` and their blocks by `->`. A file holds one device in one unit, which stands in every line.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from autobuild_pipelines.ingestion.errors import IngestError

COLUMNS = ("net_id", "net_str", "device", "resolution", "lat unit", "end-to-end lat")
LABEL = "latency_ms"
"""Label of the records: the end-to-end latency, whatever unit the file has it in."""
MILLISECONDS = {"s": 1000.0, "ms": 1.0, "us": 0.001, "µs": 0.001}
"""Milliseconds of each unit that the public code names for these files."""


def is_block_profiling(header: Sequence[str]) -> bool:
    """Whether a CSV file with this header is one of these files."""
    return tuple(header) == COLUMNS


def block_profiling_record(cells: Sequence[str], where: str) -> dict[str, Any]:
    """One line as a record: `units` of layer names, `resolution`, `latency_ms`.

    Args:
        cells: The line's cells, as many as `COLUMNS`.
        where: File and line, for errors.

    Raises:
        IngestError: The unit is unknown, or resolution or latency is no number.
    """
    cell = dict(zip(COLUMNS, (text.strip() for text in cells), strict=True))
    unit = cell["lat unit"]
    if unit.lower() not in MILLISECONDS:
        raise IngestError(f"{where}: 'lat unit' is {unit[:40]!r}, expected one of {list(MILLISECONDS)}")
    return {
        "units": [[block.strip() for block in stage.split("->")] for stage in cell["net_str"].split("|")],
        "resolution": _number(int, cell, "resolution", where),
        LABEL: _number(float, cell, "end-to-end lat", where) * MILLISECONDS[unit.lower()],
    }


def _number(kind: type[int] | type[float], cell: dict[str, str], column: str, where: str) -> Any:
    try:
        return kind(cell[column])
    except ValueError:
        raise IngestError(f"{where}: {column!r} is {cell[column][:40]!r}, expected a number") from None
