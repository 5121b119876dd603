"""Schemas of the tables that `predictors` makes."""

from __future__ import annotations

import pandera.pandas as pa


def metrics_schema(model: str, name: str) -> pa.DataFrameSchema:
    """How good a model's predictors are, beside the ridge baseline."""
    return pa.DataFrameSchema(
        {
            "target": pa.Column(str),
            "model": pa.Column(str, pa.Check.isin([model, "ridge"])),
            "split": pa.Column(str, pa.Check.isin(["train", "held_out"])),
            "metric": pa.Column(str),
            "value": pa.Column(float),
        },
        unique=["target", "model", "split", "metric"],
        strict=True,
        name=name,
    )


def predictions_schema(model: str, name: str, truth: str) -> pa.DataFrameSchema:
    """What a model's predictors and ridge regression say of held-out architectures; `truth` names the label."""
    return pa.DataFrameSchema(
        {
            "target": pa.Column(str),
            "architecture_id": pa.Column(str),
            "true": pa.Column(float),
            model: pa.Column(float),
            "ridge": pa.Column(float),
        },
        unique=["target", "architecture_id"],
        strict=True,
        name=name,
        description=f"Held-out architectures: {truth}, and what the predictor and ridge regression say.",
    )


PREDICTOR_METRICS = metrics_schema("autobuild", "predictor_metrics")
PREDICTIONS = predictions_schema("autobuild", "predictions", "the target's value")

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
