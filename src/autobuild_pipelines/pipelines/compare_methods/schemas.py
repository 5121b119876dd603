"""Schemas of the tables that `compare_methods` makes."""

from __future__ import annotations

import pandera.pandas as pa

from autobuild_pipelines.reporting import wording

_LABEL_KIND = pa.Column(str, pa.Check.isin([*wording.LABEL_KINDS]))
_VOLUMES = {f"hypervolume_{name}": pa.Column(float, pa.Check.ge(0)) for name in ("median", "lower", "upper")}
_COUNT = pa.Column("int64", pa.Check.ge(1))

HYPERVOLUME_CURVES = pa.DataFrameSchema(
    {
        "problem": pa.Column(str),
        "variant": pa.Column(str),
        "evaluation": _COUNT,
        "seeds": _COUNT,
        **_VOLUMES,
        "label_kind": _LABEL_KIND,
    },
    unique=["problem", "variant", "evaluation"],
    strict=True,
    name="hypervolume_curves",
    description="Median and quartiles over the seeds of a variant's hypervolume after each evaluation.",
)

METHOD_COMPARISON = pa.DataFrameSchema(
    {
        "problem": pa.Column(str),
        "variant": pa.Column(str),
        "seeds": _COUNT,
        "evaluations": _COUNT,
        **_VOLUMES,
        "hypervolume_anytime": pa.Column(float, pa.Check.ge(0)),
        "near_best_after": pa.Column(float, pa.Check.ge(1), nullable=True),
        "label_kind": _LABEL_KIND,
    },
    unique=["problem", "variant"],
    strict=True,
    name="method_comparison",
    description="Where a variant ends and how soon it gets near the best of its problem.",
)

BEST_UNDER_CAPS = pa.DataFrameSchema(
    {
        "problem": pa.Column(str),
        "variant": pa.Column(str),
        "objective": pa.Column(str),
        "level": _COUNT,
        "limits": pa.Column(str),
        "quantile": pa.Column(float, pa.Check.in_range(0, 1), nullable=True),
        "seeds": _COUNT,
        "seeds_within": pa.Column("int64", pa.Check.ge(0)),
        **{f"best_{name}": pa.Column(float, nullable=True) for name in ("median", "lower", "upper")},
        "label_kind": _LABEL_KIND,
    },
    unique=["problem", "variant", "objective", "level"],
    strict=True,
    name="best_under_caps",
    description="The best value of an objective among architectures that keep limits of the others; over the seeds "
    "that have any.",
)
