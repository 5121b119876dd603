"""From raw records to a table of architectures of one search space, and a table of what was refused and why."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from autobuild_pipelines.ingestion.errors import IngestError
from autobuild_pipelines.ingestion.readers import RawRecords
from autobuild_pipelines.ingestion.records import RecordError, RecordForm, number, shown
from autobuild_pipelines.spaces import Architecture, SearchSpace, to_table

logger = logging.getLogger(__name__)

MAX_LABELS = 1000
_NAMED = 5
_REASON_LENGTH = 500


@dataclass(frozen=True, slots=True)
class Ingested:
    """What came out of one file.

    Attributes:
        architectures: One row a distinct architecture: `architecture_id`, graph features, `units`, labels (float64).
        rejected: `row` (1-based record number), `reason`, `content` (how the record starts).
        rows: Records read.
        collapsed: Records that repeat an earlier one exactly.
        defaulted: For every graph feature, how many accepted records did not give it.
        dropped_labels: Labels not kept because not every accepted record has them, with the reason.
        source: The file.
        sha256: SHA-256 of the file.
    """

    architectures: pd.DataFrame
    rejected: pd.DataFrame
    rows: int
    collapsed: int
    defaulted: dict[str, int]
    dropped_labels: dict[str, str]
    source: str
    sha256: str

    def __str__(self) -> str:
        parts = [
            f"{self.source}: {self.rows} records read, {len(self.architectures)} architectures kept, "
            f"{self.collapsed} exact duplicates collapsed, {len(self.rejected)} rejected"
        ]
        parts += [f"{count} without {name} take the space's default" for name, count in self.defaulted.items()]
        return "; ".join(parts)


def ingest_records(
    space: SearchSpace,
    records: RawRecords,
    *,
    labels: Sequence[str] | Mapping[str, str] | None = None,
    max_rejected: float = 0.01,
    graph: Mapping[str, Any] | None = None,
    source: str | None = None,
) -> Ingested:
    """Check records against a space and make the table of architectures.

    A record is rejected when it is not an architecture of the space, when a required label is missing, no number or
    not finite, or when an earlier record has the same architecture with a different value of some label. Records that
    say the same as an earlier one collapse into it. Of the labels that are not required, those are kept that every
    accepted record has as a finite number; the others are dropped and named in the log.

    Args:
        space: The search space.
        records: What `read_records` gives.
        labels: The required labels: those that targets, objectives and evaluators read. None requires every label
            that is a number in any record; an empty list requires none (a list of architectures to be evaluated). A
            mapping also says what reads each label, for the error when no record has it.
        max_rejected: Largest share of records that may be rejected.
        graph: Graph-level values that every architecture takes in place of its record's own: for labels that do not
            depend on them, as segmentation does not on the resolution of classification.
        source: What to call the file in messages; its path by default.

    Returns:
        The tables; both have their columns even without rows.

    Raises:
        IngestError: `graph` names what the space does not have, no record has a required label, nothing is accepted,
            or more than `max_rejected` is rejected: then the first five rejected records are named with file, row and
            reason.
    """
    source = source if source is not None else records.path
    if not 0 <= max_rejected <= 1:
        raise IngestError(f"{source}: max_rejected must lie in [0, 1], got {max_rejected}")
    if not len(records):
        raise IngestError(f"{source}: holds no records")
    readers = dict(labels) if isinstance(labels, Mapping) else {}
    work = _Ingest(space, None if labels is None else list(labels), readers, _graph_values(space, graph or {}))
    work.run(records)
    rejected = pd.DataFrame(
        {
            "row": pd.Series([row for row, _, _ in work.rejected], dtype="int64"),
            "reason": pd.Series([reason for _, reason, _ in work.rejected], dtype="str"),
            "content": pd.Series([content for _, _, content in work.rejected], dtype="str"),
        }
    )
    _check_count(work, len(records), max_rejected, source)
    kept, dropped = work.label_columns()
    table = to_table(space, space.encode(work.architectures), kept)
    ingested = Ingested(
        table, rejected, len(records), work.collapsed, dict(work.defaulted), dropped, source, records.sha256
    )
    _log(ingested, work)
    return ingested


@dataclass
class _Ingest:
    space: SearchSpace
    required: Sequence[str] | None
    readers: Mapping[str, str]
    graph: Mapping[str, Any]
    architectures: list[Architecture] = field(default_factory=list)
    labels: list[dict[str, Any]] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    rejected: list[tuple[int, str, str]] = field(default_factory=list)
    collapsed: int = 0
    defaulted: Counter[str] = field(default_factory=Counter)
    replaced: Counter[str] = field(default_factory=Counter)
    ignored: Counter[str] = field(default_factory=Counter)

    def run(self, records: RawRecords) -> None:
        form = RecordForm(self.space)
        parsed: list[tuple[int, Any, Any]] = []
        for row, raw in enumerate(records.records, start=1):
            try:
                parsed.append((row, raw, form.read(raw)))
            except RecordError as error:
                self._reject(row, str(error), raw)
        names = Counter(name for _, _, record in parsed for name in record.labels)
        if len(names) > MAX_LABELS:
            raise IngestError(f"{records.path}: has {len(names)} different labels, more than {MAX_LABELS}")
        if parsed:
            self._require(names, [record.labels for _, _, record in parsed], records.path)
        first: dict[Architecture, int] = {}
        for row, raw, record in parsed:
            try:
                self._accept(row, record, first)
            except (ValueError, TypeError) as error:  # RecordError and ArchitectureError, or values that do not compare
                self._reject(row, str(error), raw)
        self.rejected.sort(key=lambda item: item[0])

    def _require(self, names: Counter[str], labels: list[dict[str, Any]], path: str) -> None:
        if self.required is None:
            numeric = {name for row in labels for name, value in row.items() if _is_number(value)}
            self.required = [name for name in names if name in numeric]
        if absent := [name for name in self.required if name not in names]:
            reader = f", which {self.readers[absent[0]]} reads" if absent[0] in self.readers else ""
            known = ", ".join(list(names)[:20]) or "none"
            raise IngestError(f"{path}: no record has the label {absent[0]!r}{reader}; its labels are {known}")

    def _accept(self, row: int, record: Any, first: dict[Architecture, int]) -> None:
        architecture = self.space.architecture(record.units, {**record.graph, **self.graph})
        values = dict(record.labels)
        for name in self.required or ():
            values[name] = number(values.get(name), name)
        earlier = first.setdefault(architecture, len(self.architectures))
        if earlier < len(self.architectures):
            self._compare(values, self.labels[earlier], self.rows[earlier])
            self.collapsed += 1
            return
        self.architectures.append(architecture)
        self.labels.append(values)
        self.rows.append(row)
        self.defaulted.update(name for name in record.defaulted if name not in self.graph)
        self.replaced.update(name for name, value in self.graph.items() if record.graph.get(name, value) != value)
        self.ignored.update(record.ignored)

    def _compare(self, values: dict[str, Any], earlier: dict[str, Any], row: int) -> None:
        for name, value in values.items():
            other = earlier.get(name)
            if _is_number(value) and _is_number(other) and number(value, name) != number(other, name):
                raise RecordError(
                    f"is the architecture of row {row} with a different label: {name}={value} instead of {other}"
                )

    def _reject(self, row: int, reason: str, raw: Any) -> None:
        self.rejected.append((row, reason[:_REASON_LENGTH], shown(raw)))

    def label_columns(self) -> tuple[dict[str, list[float]], dict[str, str]]:
        """Complete columns (required first), and why the others are dropped."""
        kept: dict[str, list[float]] = {}
        dropped: dict[str, str] = {}
        names = dict.fromkeys((*(self.required or ()), *(name for row in self.labels for name in row)))
        for name in names:
            column: list[float] = []
            for row, values in zip(self.rows, self.labels, strict=True):
                try:
                    column.append(number(values.get(name), name))
                except RecordError as error:
                    dropped[name] = f"row {row}: {error}"
                    break
            else:
                kept[name] = column
        return kept, dropped


def _graph_values(space: SearchSpace, graph: Mapping[str, Any]) -> dict[str, Any]:
    for name, value in graph.items():
        if name not in space.graph_features:
            known = list(space.graph_features) or "none"
            raise IngestError(f"ingest.graph: {name!r} is no graph feature of space {space.name!r}; it has {known}")
        if value not in (choices := space.declaration.graph_features[name].choices):
            raise IngestError(f"ingest.graph.{name}: {value!r} is not one of {list(choices)}")
    return dict(graph)


def _is_number(value: Any) -> bool:
    try:
        number(value, "")
    except RecordError:
        return False
    return True


def _check_count(work: _Ingest, rows: int, max_rejected: float, source: str) -> None:
    if work.architectures and len(work.rejected) <= max_rejected * rows:
        return
    named = "; ".join(f"{source} row {row}: {reason}" for row, reason, _ in work.rejected[:_NAMED])
    more = f"; and {len(work.rejected) - _NAMED} more" if len(work.rejected) > _NAMED else ""
    limit = "none is left" if not work.architectures else f"at most {max_rejected:.2%} may be (max_rejected)"
    raise IngestError(f"{source}: {len(work.rejected)} of {rows} records are rejected, {limit}: {named}{more}")


def _log(ingested: Ingested, work: _Ingest) -> None:
    logger.info("%s", ingested)
    for row, reason, _ in work.rejected[:_NAMED]:
        logger.warning("%s row %d rejected: %s", ingested.source, row, reason)
    for name, count in work.replaced.items():
        logger.info("%s: %d records take %s=%s in place of their own", ingested.source, count, name, work.graph[name])
    for name, reason in ingested.dropped_labels.items():
        logger.warning("%s: label %r is not kept: %s", ingested.source, name, reason)
    if work.ignored:
        logger.warning("%s: keys that are no plain values are ignored: %s", ingested.source, dict(work.ignored))
