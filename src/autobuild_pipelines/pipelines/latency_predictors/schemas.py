"""Schemas of the tables that `latency_predictors` makes; its training history is as that of `predictors`."""

from __future__ import annotations

import pandera.pandas as pa

LATENCY_PREDICTOR_METRICS = pa.DataFrameSchema(
    {
        "target": pa.Column(str),
        "model": pa.Column(str, pa.Check.isin(["k_gnn", "ridge"])),
        "split": pa.Column(str, pa.Check.isin(["train", "held_out"])),
        "metric": pa.Column(str),
        "value": pa.Column(float),
    },
    unique=["target", "model", "split", "metric"],
    strict=True,
    name="latency_predictor_metrics",
)

LATENCY_PREDICTIONS = pa.DataFrameSchema(
    {
        "target": pa.Column(str),
        "architecture_id": pa.Column(str),
        "true": pa.Column(float),
        "k_gnn": pa.Column(float),
        "ridge": pa.Column(float),
    },
    unique=["target", "architecture_id"],
    strict=True,
    name="latency_predictions",
    description="Held-out architectures: the measured latency, and what the predictor and ridge regression say.",
)
