"""Schemas of the tables that `measure_latency` makes."""

from __future__ import annotations

import pandera.pandas as pa

LATENCY_SAMPLES = pa.DataFrameSchema(
    {
        "architecture_id": pa.Column(str, pa.Check.str_matches(r"^[0-9a-f]{16}$"), unique=True),
        "units": pa.Column(str, pa.Check.str_startswith("[[")),
        "latency_spread": pa.Column(float, pa.Check.ge(0)),
        "latency_outliers": pa.Column(float, pa.Check.ge(0)),
        "measured_on": pa.Column(str),
    },
    strict=False,
    name="latency_samples",
    description="One row a measured architecture, as ingest reads it: id, graph features, units, the latency's median "
    "over the repeats (milliseconds of a batch), its spread (interquartile range / median), outliers among them.",
)
"""Open: the graph features and the latency, whose name is a parameter, stand beside these."""

LATENCY_FAILURES = pa.DataFrameSchema(
    {
        "architecture_id": pa.Column(str, unique=True),
        "units": pa.Column(str),
        "reason": pa.Column(str),
    },
    strict=False,
    name="latency_failures",
    description="Sampled architectures that could not be measured, and why.",
)
