"""Schema of the table that `label_statistics` makes."""

from __future__ import annotations

import pandera.pandas as pa

LABEL_STATISTICS = pa.DataFrameSchema(
    {
        "target": pa.Column(str),
        "unit": pa.Column("int64", pa.Check.ge(1)),
        "layers": pa.Column("int64", pa.Check.ge(1)),
        "mean": pa.Column(float, nullable=True),
        "std": pa.Column(float, pa.Check.ge(0), nullable=True),
        "count": pa.Column("int64", pa.Check.ge(0)),
    },
    unique=["target", "unit", "layers"],
    strict=True,
    name="label_statistics",
    description="Moments of each target over training architectures whose ranking unit has so many layers.",
)
