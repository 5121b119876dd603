"""Schemas of the tables that `evaluation` makes."""

from __future__ import annotations

import pandera.pandas as pa

from autobuild_pipelines.reporting import wording

COMPARISON = pa.DataFrameSchema(
    {
        "problem": pa.Column(str),
        "variant": pa.Column(str),
        "seeds": pa.Column("int64", pa.Check.ge(1)),
        "evaluations": pa.Column(float, pa.Check.ge(0)),
        "hypervolume_mean": pa.Column(float, pa.Check.ge(0)),
        "hypervolume_std": pa.Column(float, pa.Check.ge(0), nullable=True),
        "label_kind": pa.Column(str, pa.Check.isin([*wording.LABEL_KINDS])),
    },
    unique=["problem", "variant"],
    strict=False,
    name="comparison",
    description="One row a problem and variant; the best value of every objective is a further column.",
)

BUDGET_PROGRESS = pa.DataFrameSchema(
    {
        "problem": pa.Column(str),
        "variant": pa.Column(str),
        "budget": pa.Column("int64", pa.Check.ge(1)),
        "measure": pa.Column(str),
        "mean": pa.Column(float),
        "std": pa.Column(float, nullable=True),
        "label_kind": pa.Column(str, pa.Check.isin([*wording.LABEL_KINDS])),
    },
    unique=["problem", "variant", "budget", "measure"],
    strict=True,
    name="budget_progress",
    description="Hypervolume and best value of every objective after so many evaluations.",
)
