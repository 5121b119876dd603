"""Schemas of the tables that ingest makes; the `{space}.architectures` entries of the catalog check them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pandera.pandas as pa


def _numbers_are_finite(table: pd.DataFrame) -> bool:
    numbers = table.select_dtypes("number").to_numpy(dtype=np.float64)
    return bool(np.isfinite(numbers).all())


def _complete(table: pd.DataFrame) -> bool:
    return not bool(table.isna().to_numpy().any())


def _checks() -> list[Any]:
    return [
        pa.Check(_complete, name="complete", error="a cell is missing"),
        pa.Check(_numbers_are_finite, name="finite", error="a number is not finite"),
    ]


ARCHITECTURES = pa.DataFrameSchema(
    {
        "architecture_id": pa.Column(str, pa.Check.str_matches(r"^[0-9a-f]{16}$"), unique=True),
        "units": pa.Column(str, pa.Check.str_startswith("[[")),
    },
    checks=_checks(),
    strict=False,
    name="architectures",
    description="One row an architecture: id, graph features, units (canonical JSON), then float labels.",
)
"""Open: graph features and any float label columns may follow; nothing is missing and every number is finite."""

REJECTED_ARCHITECTURES = pa.DataFrameSchema(
    {
        "row": pa.Column("int64", pa.Check.ge(1), unique=True),
        "reason": pa.Column(str),
        "content": pa.Column(str),
    },
    checks=_checks(),
    strict=True,
    name="rejected_architectures",
    description="Records of the source that are not used: 1-based record number, why, and how the record starts.",
)
