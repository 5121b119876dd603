"""Schemas of the tables that `ir_insight` makes."""

from __future__ import annotations

import pandera.pandas as pa

from autobuild_pipelines.pipelines.draw_built.schemas import importance_schema
from autobuild_pipelines.pipelines.predictors.schemas import metrics_schema

OPERATOR_METRICS = metrics_schema("autobuild", "operator_metrics")

OPERATOR_IMPORTANCE = importance_schema("operator_importance", "category of operator graphs' nodes (Fig. 3, right)")

OPERATOR_SUBGRAPHS = pa.DataFrameSchema(
    {
        "target": pa.Column(str),
        "hop": pa.Column("int64", pa.Check.ge(0)),
        "rank": pa.Column("int64", pa.Check.ge(1)),
        "subgraph": pa.Column(str, pa.Check.str_matches(r"^[0-9a-f]{16}$")),
        "operation": pa.Column(str),
        "in_channels": pa.Column("int64", pa.Check.ge(1)),
        "out_channels": pa.Column("int64", pa.Check.ge(1)),
        "score": pa.Column(float),
        "score_std": pa.Column(float, pa.Check.ge(0)),
        "nodes": pa.Column("int64", pa.Check.ge(1)),
        "architectures": pa.Column("int64", pa.Check.ge(1)),
        "label_difference": pa.Column(float, nullable=True),
        "architecture_id": pa.Column(str),
        "node": pa.Column("int64", pa.Check.ge(0)),
        "part": pa.Column(str),
    },
    unique=["target", "hop", "subgraph"],
    strict=True,
    name="operator_subgraphs",
    description="In-neighbourhoods of operator graphs, one row an isomorphism class, by the standardised embedding "
    "norm of the root; with an example: an architecture and the root's index in its topological order.",
)
