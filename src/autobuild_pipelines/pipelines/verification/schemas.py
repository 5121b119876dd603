"""Schemas of the tables that `verification` makes."""

from __future__ import annotations

import pandera.pandas as pa

_METRICS = ["architectures", "failed", "spearman", "mae_ms", "bias_ms", "mean_ape"]

VERIFIED_ARCHITECTURES = pa.DataFrameSchema(
    {
        "target": pa.Column(str),
        "method": pa.Column(str),
        "rank": pa.Column("int64", pa.Check.ge(1)),
        "architecture_id": pa.Column(str),
        "units": pa.Column(str, pa.Check.str_startswith("[[")),
        "metric_sources": pa.Column(str),
        "expected_ms": pa.Column(float),
        "measured_ms": pa.Column(float, pa.Check.gt(0)),
        "measured_spread": pa.Column(float, pa.Check.ge(0)),
    },
    unique=["target", "method", "rank"],
    strict=True,
    name="verified_architectures",
    description="Built architectures: the latency that the search was told, and the median measured on this machine "
    "with its spread (interquartile range / median).",
)

VERIFICATION_METRICS = pa.DataFrameSchema(
    {
        "target": pa.Column(str),
        "metric": pa.Column(str, pa.Check.isin(_METRICS)),
        "value": pa.Column(float, nullable=True),
    },
    unique=["target", "metric"],
    strict=True,
    name="verification_metrics",
    description="Expected against measured latency, per target of the built architectures and over `all` of them.",
)
