"""The architectures that benchmarks run on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from autobuild_pipelines.ingestion import ingest_records, read_records
from autobuild_pipelines.spaces import ArchitectureArray, SearchSpace, from_table, label_columns

ROOT = Path(__file__).resolve().parents[1]


def read(name: str, cache: str | None) -> tuple[SearchSpace, ArchitectureArray, dict[str, NDArray[np.float64]]]:
    """A space, its architectures and their labels, from a file of any ingest format or from the committed sample."""
    space = SearchSpace.from_yaml(ROOT / f"conf/base/spaces/{name}.yml")
    records = read_records(cache or str(next((ROOT / "data/01_raw/sample").glob(f"{name}.*"))))
    table = ingest_records(space, records).architectures
    return space, from_table(space, table), {c: table[c].to_numpy() for c in label_columns(space, table)}
