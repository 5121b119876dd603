"""Schemas of the tables that `building` makes."""

from __future__ import annotations

import pandera.pandas as pa

REDUCED_SPACE = pa.DataFrameSchema(
    {
        "problem": pa.Column(str),
        "method": pa.Column(str),
        "unit": pa.Column("int64", pa.Check.ge(1)),
        "module": pa.Column(str, pa.Check.str_startswith("[")),
        "layers": pa.Column("int64", pa.Check.ge(1)),
        "targets": pa.Column(str),
    },
    unique=["problem", "method", "unit", "module"],
    strict=True,
    name="reduced_space",
    description="The modules that each problem's reduced space allows, with the targets that chose them.",
)

BUILT_ARCHITECTURES = pa.DataFrameSchema(
    {
        "target": pa.Column(str),
        "method": pa.Column(str),
        "rank": pa.Column("int64", pa.Check.ge(1)),
        "architecture_id": pa.Column(str),
        "units": pa.Column(str, pa.Check.str_startswith("[[")),
        "metric_sources": pa.Column(str),
        "sum_of_scores": pa.Column(float),
    },
    unique=["target", "method", "rank"],
    strict=False,
    name="built_architectures",
    description="The best architectures by sum of module scores; graph features and metrics are further columns.",
)
