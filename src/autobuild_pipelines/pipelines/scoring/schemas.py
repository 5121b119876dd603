"""Schemas of the tables that `scoring` makes."""

from __future__ import annotations

import pandera.pandas as pa

from autobuild_pipelines.scoring import METHODS

_METHOD = pa.Column(str, pa.Check.isin(METHODS))

MODULE_SCORES = pa.DataFrameSchema(
    {
        "unit": pa.Column("int64", pa.Check.ge(1)),
        "module": pa.Column(str, pa.Check.str_startswith("[")),
        "layers": pa.Column("int64", pa.Check.ge(1)),
        "target": pa.Column(str),
        "method": _METHOD,
        "score": pa.Column(float),
        "standard_error": pa.Column(float, pa.Check.ge(0), nullable=True),
        "rank": pa.Column("int64", pa.Check.ge(1)),
        "rank_low": pa.Column("int64", pa.Check.ge(1)),
        "rank_high": pa.Column("int64", pa.Check.ge(1)),
        "distinguishable": pa.Column(bool),
    },
    checks=[
        pa.Check(lambda t: t["rank_low"] <= t["rank"], error="rank_low is above rank"),
        pa.Check(lambda t: t["rank"] <= t["rank_high"], error="rank_high is below rank"),
    ],
    strict=True,
    name="module_scores",
    description="Every module of every ranking unit; rank 1 is the best of its unit, target and method. With one "
    "predictor per target there is no standard error, rank intervals bound nothing, and no module is distinguishable.",
)

MODULE_LEADERS = pa.DataFrameSchema(
    {
        "unit": pa.Column("int64", pa.Check.ge(1)),
        "target": pa.Column(str),
        "method": _METHOD,
        "modules": pa.Column("int64", pa.Check.ge(1)),
        "module": pa.Column(str, pa.Check.str_startswith("[")),
        "layers": pa.Column("int64", pa.Check.ge(1)),
        "score": pa.Column(float),
        "standard_error": pa.Column(float, pa.Check.ge(0), nullable=True),
        "tied": pa.Column("int64", pa.Check.ge(0)),
        "cut": pa.Column("int64", pa.Check.ge(1)),
        "cut_low": pa.Column("int64", pa.Check.ge(1)),
        "cut_high": pa.Column("int64", pa.Check.ge(1)),
    },
    unique=["unit", "target", "method"],
    strict=True,
    name="module_leaders",
    description="The best module of every unit, target and method, how many others are not distinguishable from it, "
    "and the rank interval of the last module that a reduced space takes.",
)
