"""Schemas of the tables that `evaluate_architectures` makes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pandera.pandas as pa

from autobuild_pipelines.evaluators.protocol import ERROR


def _evaluated_are_complete(table: pd.DataFrame) -> bool:
    evaluated = table[table[ERROR].isna()].drop(columns=ERROR) if ERROR in table else table
    numbers = evaluated.select_dtypes("number").to_numpy(dtype=np.float64)
    return not bool(evaluated.isna().to_numpy().any()) and bool(np.isfinite(numbers).all())


EVALUATED_ARCHITECTURES = pa.DataFrameSchema(
    {
        "architecture_id": pa.Column(str, pa.Check.str_matches(r"^[0-9a-f]{16}$"), unique=True),
        "units": pa.Column(str, pa.Check.str_startswith("[[")),
    },
    checks=[
        pa.Check(
            _evaluated_are_complete,
            name="complete",
            error=f"a cell is missing or not finite, and {ERROR} does not say why",
        )
    ],
    strict=False,
    name="evaluated_architectures",
    description="One row an architecture, with its metrics; where an evaluation failed, the error in their place.",
)
