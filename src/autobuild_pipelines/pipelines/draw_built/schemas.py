"""Schema of the table that `draw_built` makes."""

from __future__ import annotations

import pandera.pandas as pa

FEATURE_IMPORTANCE = pa.DataFrameSchema(
    {
        "target": pa.Column(str),
        "category": pa.Column(str),
        "value": pa.Column(str),
        "member": pa.Column("int64", pa.Check.ge(0)),
        "scalar": pa.Column(float, pa.Check.ge(0)),
        "trained": pa.Column(bool),
    },
    unique=["target", "category", "value", "member"],
    strict=True,
    name="feature_importance",
    description="The absolute scalar that each member's FE-MLP gives every value of every feature; it means "
    "nothing where the value is not trained.",
)
