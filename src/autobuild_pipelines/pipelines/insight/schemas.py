"""Schemas of the tables that `insight` makes."""

from __future__ import annotations

import pandera.pandas as pa

from autobuild_pipelines.scoring.changed_contexts import SCOPES
from autobuild_pipelines.scoring.importance_comparison import SOURCES, VERDICTS
from autobuild_pipelines.scoring.module_cards import KINDS
from autobuild_pipelines.scoring.value_fits import LEVELS

_PLACE = {
    "scope": pa.Column(str, pa.Check.isin(SCOPES)),
    "unit": pa.Column("Int64", pa.Check.ge(1), nullable=True),
    "position": pa.Column("Int64", pa.Check.ge(0), nullable=True),
    "feature": pa.Column(str),
    "value": pa.Column(str),
}
_ERROR = pa.Column(float, pa.Check.ge(0), nullable=True)
_COUNT = pa.Column("int64", pa.Check.ge(1))
_NUMBER = pa.Column("int64", pa.Check.ge(0))

CONTEXT_EFFECTS = pa.DataFrameSchema(
    {
        "target": pa.Column(str),
        **_PLACE,
        "member": _NUMBER,
        "context": _NUMBER,
        "moved": _NUMBER,
        "effect": pa.Column(float),
    },
    strict=True,
    name="context_effects",
    description="By how much each member's prediction of a context changes with a value, against the values' mean.",
)

FEATURE_EFFECTS = pa.DataFrameSchema(
    {
        "target": pa.Column(str),
        "level": pa.Column(str, pa.Check.isin(LEVELS)),
        **_PLACE,
        "effect": pa.Column(float),
        "member_error": _ERROR,
        "context_error": _ERROR,
        "standard_error": _ERROR,
        "rank": _COUNT,
        "members": _COUNT,
        "contexts": _COUNT,
        "moved": pa.Column(float, pa.Check.ge(0)),
    },
    unique=["target", "level", *_PLACE],
    strict=True,
    name="feature_effects",
    description="Contextual effects by unit and position, by unit and over the space, with their standard errors.",
)

EFFECT_SHARES = pa.DataFrameSchema(
    {
        "target": pa.Column(str),
        "by": pa.Column(str, pa.Check.isin(("feature", "unit", "position"))),
        "key": pa.Column(str),
        "member": _NUMBER,
        "spread": pa.Column(float, pa.Check.ge(0)),
        "share": pa.Column(float, pa.Check.in_range(0, 1 + 1e-9), nullable=True),
    },
    unique=["target", "by", "key", "member"],
    strict=True,
    name="effect_shares",
    description="How much of a prediction's variance effects come to, by feature, by unit and by position of a layer.",
)

IMPORTANCES = pa.DataFrameSchema(
    {
        "target": pa.Column(str),
        "category": pa.Column(str),
        "value": pa.Column(str),
        "source": pa.Column(str, pa.Check.isin(SOURCES)),
        "member": _NUMBER,
        "amount": pa.Column(float),
        "trained": pa.Column(bool),
    },
    strict=True,
    name="importances",
    description="The FE-MLP's scalars beside contextual effects (of values) and spreads (of units and positions).",
)

IMPORTANCE_STABILITY = pa.DataFrameSchema(
    {
        "target": pa.Column(str),
        "category": pa.Column(str),
        "source": pa.Column(str, pa.Check.isin(SOURCES)),
        "values": pa.Column("int64", pa.Check.ge(2)),
        "first": _NUMBER,
        "second": _COUNT,
        "spearman": pa.Column(float, pa.Check.in_range(-1 - 1e-9, 1 + 1e-9), nullable=True),
        "kendall": pa.Column(float, pa.Check.in_range(-1 - 1e-9, 1 + 1e-9), nullable=True),
        "same_order": pa.Column(bool),
    },
    unique=["target", "category", "source", "first", "second"],
    strict=True,
    name="importance_stability",
    description="How far any two members order a category's values alike; empty with one predictor per target.",
)

IMPORTANCE_ORDER = pa.DataFrameSchema(
    {
        "target": pa.Column(str),
        "category": pa.Column(str),
        "source": pa.Column(str, pa.Check.isin(SOURCES[1:])),
        "higher": pa.Column(str),
        "lower": pa.Column(str),
        "difference": pa.Column(float, pa.Check.ge(0)),
        "error": _ERROR,
        "scalar_difference": pa.Column(float),
        "scalar_error": _ERROR,
        "verdict": pa.Column(str, pa.Check.isin(VERDICTS)),
    },
    unique=["target", "category", "source", "higher", "lower"],
    strict=True,
    name="importance_order",
    description="Pairs of values: which is ahead in context, and whether the FE-MLP's scalars say the same.",
)

MODULE_CARDS = pa.DataFrameSchema(
    {
        "target": pa.Column(str),
        "unit": _COUNT,
        "kind": pa.Column(str, pa.Check.isin(KINDS)),
        "place": _COUNT,
        "module": pa.Column(str, pa.Check.str_startswith("[")),
        "layers": _COUNT,
        "score": pa.Column(float),
        "standard_error": _ERROR,
        "rank": _COUNT,
        "expected": pa.Column(float),
        "expected_rank": _COUNT,
        "surprise": pa.Column(float),
        "modules": _COUNT,
        "best_edit": pa.Column(str, nullable=True),
        "best_difference": pa.Column(float, nullable=True),
        "worst_edit": pa.Column(str, nullable=True),
        "worst_difference": pa.Column(float, nullable=True),
        "count": _NUMBER,
        "thin": pa.Column(bool),
    },
    unique=["target", "unit", "kind", "place"],
    strict=True,
    name="module_cards",
    description="The best, worst and most surprising modules of every unit and target.",
)

MODULE_EDITS = pa.DataFrameSchema(
    {
        "target": pa.Column(str),
        "unit": _COUNT,
        "module": pa.Column(str, pa.Check.str_startswith("[")),
        "edit": pa.Column(str),
        "kind": pa.Column(str, pa.Check.isin(("change", "remove", "add"))),
        "position": _NUMBER,
        "neighbour": pa.Column(str, pa.Check.str_startswith("[")),
        "difference": pa.Column(float),
        "neighbour_rank": _COUNT,
    },
    unique=["target", "unit", "module", "neighbour"],
    strict=True,
    name="module_edits",
    description="What changing one layer of a carded module does to its contextual score, exactly.",
)

LAYER_CELLS = pa.DataFrameSchema(
    {"unit": _COUNT, "layers": _COUNT, "count": _NUMBER, "modules": _COUNT, "thin": pa.Column(bool)},
    unique=["unit", "layers"],
    strict=True,
    name="layer_cells",
    description="Labelled architectures per (unit, layers) cell, and which cells have too few to rest on.",
)
