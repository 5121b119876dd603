"""Schema of the table that `design_targets` makes."""

from __future__ import annotations

import pandera.pandas as pa

from autobuild_pipelines.design import SHAPES
from autobuild_pipelines.reporting import wording

DESIGNED_TARGETS = pa.DataFrameSchema(
    {
        "problem": pa.Column(str),
        "target": pa.Column(str),
        "equation": pa.Column(str),
        "shape": pa.Column(str, pa.Check.isin([*SHAPES])),
        "best": pa.Column("int64", pa.Check.ge(1)),
        "ideal_score": pa.Column(float),
        "high": pa.Column(str),
        "high_score": pa.Column(float, nullable=True),
        "low": pa.Column(str),
        "low_score": pa.Column(float, nullable=True),
        "margin": pa.Column(float),
        "gap": pa.Column(float, pa.Check.ge(0)),
        "checked": pa.Column(bool),
        "reason": pa.Column(str),
        "label_kind": pa.Column(str, pa.Check.isin([*wording.LABEL_KINDS])),
    },
    unique=["target"],
    strict=False,
    name="designed_targets",
    description="One row a designed equation; coefficient, ideal point and region of every objective follow.",
)
