"""Schemas of the tables that `compare_built` makes."""

from __future__ import annotations

import pandera.pandas as pa

from autobuild_pipelines.reporting import wording

_LABEL_KIND = pa.Column(str, pa.Check.isin([*wording.LABEL_KINDS]))
_PERCENT = [pa.Check.gt(0), pa.Check.le(100)]

CONSTRUCTED_ARCHITECTURES = pa.DataFrameSchema(
    {
        "target": pa.Column(str),
        "method": pa.Column(str),
        "rank": pa.Column("int64", pa.Check.ge(1)),
        "architecture_id": pa.Column(str),
        "units": pa.Column(str, pa.Check.str_startswith("[[")),
        "target_value": pa.Column(float),
        "true_value": pa.Column(float, nullable=True),
        "true_rank": pa.Column("Int64", pa.Check.ge(1), nullable=True),
        "true_percentile": pa.Column(float, _PERCENT, nullable=True),
        "metric_sources": pa.Column(str),
    },
    unique=["target", "method", "rank"],
    strict=False,
    name="constructed_architectures",
    description="What every method has to offer for every target; rank is the method's own, true_rank that among all "
    "architectures of the space by the truth of the parameter `truth`. Graph features and metrics are further columns.",
)

CONSTRUCTION_COMPARISON = pa.DataFrameSchema(
    {
        "target": pa.Column(str),
        "method": pa.Column(str),
        "count": pa.Column("int64", pa.Check.ge(1)),
        "best_value": pa.Column(float),
        "mean_value": pa.Column(float),
        "best_true_value": pa.Column(float, nullable=True),
        "best_true_rank": pa.Column("Int64", pa.Check.ge(1), nullable=True),
        "best_true_percentile": pa.Column(float, _PERCENT, nullable=True),
        "mean_true_percentile": pa.Column(float, _PERCENT, nullable=True),
        "label_kind": _LABEL_KIND,
    },
    unique=["target", "method"],
    strict=True,
    name="construction_comparison",
    description="What the architectures of each method are worth. A percentile is the share of the space, in percent, "
    "that is as good or better.",
)

PARETO_GAINS = pa.DataFrameSchema(
    {
        "problem": pa.Column(str),
        "target": pa.Column(str),
        "method": pa.Column(str),
        "hypervolume_training": pa.Column(float, pa.Check.ge(0)),
        "hypervolume_joint": pa.Column(float, pa.Check.ge(0)),
        "gain": pa.Column(float, pa.Check.ge(0)),
        "gain_percent": pa.Column(float, pa.Check.ge(0), nullable=True),
        "beyond_front": pa.Column("int64", pa.Check.ge(0)),
        "label_kind": _LABEL_KIND,
    },
    unique=["problem", "target", "method"],
    strict=True,
    name="pareto_gains",
    description="The hypervolume of the training set together with what each method constructed, against it alone.",
)
