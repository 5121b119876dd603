"""Schema of the table that `scoring` makes."""

from __future__ import annotations

import pandera.pandas as pa

MODULE_SCORES = pa.DataFrameSchema(
    {
        "unit": pa.Column("int64", pa.Check.ge(1)),
        "module": pa.Column(str, pa.Check.str_startswith("[")),
        "layers": pa.Column("int64", pa.Check.ge(1)),
        "target": pa.Column(str),
        "method": pa.Column(str, pa.Check.isin(["eq5", "contextual"])),
        "score": pa.Column(float),
        "rank": pa.Column("int64", pa.Check.ge(1)),
    },
    strict=True,
    name="module_scores",
    description="Every module of every ranking unit; rank 1 is the best of its unit, target and method.",
)
