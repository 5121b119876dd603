"""The architectures that benchmarks run on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from autobuild_pipelines.ingestion import ingest_records, read_records
from autobuild_pipelines.spaces import ArchitectureArray, SearchSpace, from_table, label_columns

ROOT = Path(__file__).resolve().parents[1]


def read_space(name: str) -> SearchSpace:
    """A space of the project."""
    return SearchSpace.from_yaml(ROOT / f"conf/base/spaces/{name}.yml")


def made_up(space: SearchSpace, count: int, seed: int = 0) -> tuple[ArchitectureArray, NDArray[np.float64]]:
    """Random architectures, and a label for each: a random effect of every layer in every unit, and noise.

    For speeds, which do not depend on what labels mean.
    """
    rng = np.random.default_rng(seed)
    array = space.sample(count, rng)
    effects = rng.normal(size=(space.slots, len(space.vocabulary)))
    present = array.layers >= 0
    total = np.where(present, effects[np.arange(space.slots), array.layers], 0.0).sum(axis=1)
    return array, total + rng.normal(scale=0.2 * total.std(), size=count)


def read(name: str, cache: str | None) -> tuple[SearchSpace, ArchitectureArray, dict[str, NDArray[np.float64]]]:
    """A space, its architectures and their labels, from a file of any ingest format or from the committed sample."""
    space = read_space(name)
    records = read_records(cache or str(next((ROOT / "data/01_raw/sample").glob(f"{name}.*"))))
    table = ingest_records(space, records).architectures
    return space, from_table(space, table), {c: table[c].to_numpy() for c in label_columns(space, table)}
