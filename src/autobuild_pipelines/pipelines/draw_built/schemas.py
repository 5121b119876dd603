"""Schemas of tables of feature importance."""

from __future__ import annotations

import pandera.pandas as pa


def importance_schema(name: str, features: str) -> pa.DataFrameSchema:
    """The scalars of FE-MLPs; `features` says whose."""
    return pa.DataFrameSchema(
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
        name=name,
        description=f"The absolute scalar that each member's FE-MLP gives every value of every {features}; it means "
        "nothing where the value is not trained.",
    )


FEATURE_IMPORTANCE = importance_schema("feature_importance", "feature")
