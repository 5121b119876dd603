"""Schemas of the tables that `search` makes."""

from __future__ import annotations

import pandera.pandas as pa

EVALUATIONS = pa.DataFrameSchema(
    {
        "problem": pa.Column(str),
        "variant": pa.Column(str),
        "seed": pa.Column("int64"),
        "evaluation": pa.Column("int64", pa.Check.ge(1)),
        "generation": pa.Column("int64", pa.Check.ge(0)),
        "architecture_id": pa.Column(str),
        "units": pa.Column(str, pa.Check.str_startswith("[[")),
        "metric_sources": pa.Column(str),
    },
    unique=["problem", "variant", "seed", "architecture_id"],
    strict=False,
    name="evaluations",
    description="Every evaluation of every search, in order; graph features, metrics and objectives follow.",
)

PARETO_FRONTS = pa.DataFrameSchema(
    EVALUATIONS.columns,
    unique=["problem", "variant", "seed", "architecture_id"],
    strict=False,
    name="pareto_fronts",
    description="The evaluations that no other of their problem, variant and seed dominates.",
)

SEARCH_TIMES = pa.DataFrameSchema(
    {
        "problem": pa.Column(str),
        "variant": pa.Column(str),
        "seed": pa.Column("int64", pa.Check.ge(0)),
        "wall_s": pa.Column(float, pa.Check.ge(0)),
    },
    unique=["problem", "variant", "seed"],
    strict=True,
    name="search_times",
    description="Wall time of every run of the search: measured, so no two runs of the project agree in it.",
)

RANDOM_MEMBERS = pa.DataFrameSchema(
    {
        "problem": pa.Column(str),
        "variant": pa.Column(str),
        "objective": pa.Column(str),
        "members": pa.Column("int64", pa.Check.ge(1)),
        "mean": pa.Column(float),
        "std": pa.Column(float),
        "space_size": pa.Column(str, pa.Check.str_matches(r"^[0-9]+$")),
    },
    unique=["problem", "variant", "objective"],
    strict=True,
    name="random_members",
    description="Objectives of random members of the space that each variant searches, and that space's exact size.",
)
