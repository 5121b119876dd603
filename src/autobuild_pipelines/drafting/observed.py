"""What a table of architectures holds, before anything says what they may be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from autobuild_pipelines.ingestion import RawRecords
from autobuild_pipelines.ingestion.records import RecordError, is_column, units_of

RawLayer = str | Mapping[str, Any]
RawUnits = list[list[RawLayer]]


class DraftError(ValueError):
    """Nothing can be drafted from a table; the message names the file, the row and what would be right."""


@dataclass(frozen=True)
class Observed:
    """The records of a table, taken apart.

    Attributes:
        source: The file.
        units: Of every record, its units: lists of layer names, or of layer objects.
        columns: Every other column: its name, and its value in every record (None where it is empty).
    """

    source: str
    units: list[RawUnits]
    columns: dict[str, list[Any]]

    def layers(self, unit: int | None = None) -> Iterator[RawLayer]:
        """Every layer, or those of one unit (0-based)."""
        for units in self.units:
            for number, layers in enumerate(units):
                if unit is None or number == unit:
                    yield from layers

    @property
    def named(self) -> bool:
        """Whether layers are names; else they are objects of features."""
        return isinstance(next(self.layers()), str)


def observe(records: RawRecords) -> Observed:
    """Take the records of a table apart.

    Raises:
        DraftError: A record has no units, another number of them than the first, an empty one, or layers of another
            form than the first record's.
    """
    units: list[RawUnits] = []
    columns: dict[str, list[Any]] = {}
    for row, raw in enumerate(records.records, start=1):
        where = f"{records.path} row {row}"
        if not isinstance(raw, Mapping):
            raise DraftError(f"{where}: expected a mapping with the key 'units', got {type(raw).__name__}")
        units.append(_units(raw, where, len(units[0]) if units else None))
        labels = raw["labels"] if isinstance(raw.get("labels"), Mapping) else {}
        graph = raw["graph"] if isinstance(raw.get("graph"), Mapping) else {}
        for name, value in {**raw, **graph, **labels}.items():
            if is_column(name):
                columns.setdefault(name, [None] * (row - 1)).append(value)
        for values in columns.values():
            values.extend([None] * (row - len(values)))
    found = Observed(records.path, units, columns)
    _check_form(found)
    return found


def _units(raw: Mapping[Any, Any], where: str, expected: int | None) -> RawUnits:
    try:
        key, units = units_of(raw)
    except RecordError as error:
        raise DraftError(f"{where}: {error}") from None
    if key == "original config":
        raise DraftError(f"{where}: 'original config' is of the published caches, whose spaces are included")
    if not isinstance(units, list | tuple) or not units or not all(isinstance(u, list | tuple) and u for u in units):
        raise DraftError(f"{where}: units: expected a list of lists of layers, none of them empty")
    if expected is not None and len(units) != expected:
        raise DraftError(f"{where}: has {len(units)} units, the first row {expected}; a space has as many in every row")
    return [list(unit) for unit in units]


def _check_form(found: Observed) -> None:
    named = found.named
    for row, units in enumerate(found.units, start=1):
        for number, layers in enumerate(units, start=1):
            for position, layer in enumerate(layers, start=1):
                if isinstance(layer, str) != named or not isinstance(layer, str | Mapping):
                    raise DraftError(
                        f"{found.source} row {row} unit {number} layer {position}: expected "
                        f"{'a name' if named else 'an object of features'} as in the first row, got {layer!r:.60}"
                    )
