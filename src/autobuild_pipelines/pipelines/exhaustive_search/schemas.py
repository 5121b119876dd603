"""Schema of the table that `exhaustive_search` makes."""

from __future__ import annotations

import pandera.pandas as pa

EXHAUSTIVE_ARCHITECTURES = pa.DataFrameSchema(
    {
        "target": pa.Column(str),
        "rank": pa.Column("int64", pa.Check.ge(1)),
        "architecture_id": pa.Column(str),
        "units": pa.Column(str, pa.Check.str_startswith("[[")),
        "prediction": pa.Column(float),
        "metric_sources": pa.Column(str),
    },
    unique=["target", "rank"],
    strict=False,
    name="exhaustive_architectures",
    description="The architectures of the whole space with the largest predictions of each target; graph features and "
    "metrics are further columns.",
)
