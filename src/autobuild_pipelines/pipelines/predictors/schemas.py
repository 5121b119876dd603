"""Schemas of the tables that `predictors` makes."""

from __future__ import annotations

import pandera.pandas as pa

PREDICTOR_METRICS = pa.DataFrameSchema(
    {
        "target": pa.Column(str),
        "model": pa.Column(str, pa.Check.isin(["autobuild", "ridge"])),
        "split": pa.Column(str, pa.Check.isin(["train", "held_out"])),
        "metric": pa.Column(str),
        "value": pa.Column(float),
    },
    unique=["target", "model", "split", "metric"],
    strict=True,
    name="predictor_metrics",
)

TRAINING_HISTORY = pa.DataFrameSchema(
    {
        "target": pa.Column(str),
        "epoch": pa.Column("int64", pa.Check.ge(1)),
        "loss": pa.Column(float),
        "error": pa.Column(float),
        "ranking_loss": pa.Column(float),
        "held_out_spearman": pa.Column(float, nullable=True),
    },
    unique=["target", "epoch"],
    strict=True,
    name="training_history",
    description="Losses per target and epoch; the held-out correlation at the epochs where it was computed.",
)

PREDICTIONS = pa.DataFrameSchema(
    {
        "target": pa.Column(str),
        "architecture_id": pa.Column(str),
        "true": pa.Column(float),
        "autobuild": pa.Column(float),
        "ridge": pa.Column(float),
    },
    unique=["target", "architecture_id"],
    strict=True,
    name="predictions",
    description="Held-out architectures: the target's value, and what the predictor and ridge regression say.",
)

EMBEDDING_STATISTICS = pa.DataFrameSchema(
    {
        "target": pa.Column(str),
        "hop": pa.Column("int64", pa.Check.ge(0)),
        "mean": pa.Column(float, pa.Check.ge(0)),
        "std": pa.Column(float, pa.Check.ge(0)),
    },
    unique=["target", "hop"],
    strict=True,
    name="embedding_statistics",
    description="Moments of node-embedding L1 norms over the training graphs (§7.3, Table 2).",
)
