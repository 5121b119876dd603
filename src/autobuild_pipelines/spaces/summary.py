"""What a space holds, as a table and as text: units, numbers of layers, modules, architectures."""

from __future__ import annotations

import pandas as pd

from autobuild_pipelines.spaces.ranking_unit import RankingUnit
from autobuild_pipelines.spaces.reading import span
from autobuild_pipelines.spaces.space import SearchSpace
from autobuild_pipelines.spaces.unit import Unit


def unit_table(space: SearchSpace) -> pd.DataFrame:
    """The units along the network, merged ones as one.

    Returns:
        Columns name, unit (number among the ranking units; empty for a unit that is not searched), layers (the numbers
        of layers that its modules have), modules (how many).
    """
    units: list[tuple[Unit | RankingUnit, int | None]] = [(unit, unit.number) for unit in space.ranking_units]
    units += [(unit, None) for unit in space.units if not unit.searched]
    rows = [
        (unit.name, number, span(unit.depths), unit.count())
        for unit, number in sorted(units, key=lambda row: row[0].start)
    ]
    return pd.DataFrame(rows, columns=["name", "unit", "layers", "modules"]).astype({"unit": "Int64"})


def summary(space: SearchSpace) -> str:
    """The same as text, under a line with the numbers of architectures and modules."""
    table = unit_table(space)
    variables = space.declaration.constraints.shared_variables
    shared = f", {len(space.assignments):,} assignments of {', '.join(variables)}" if variables else ""
    first = f"{space.name}: {space.size:,} architectures, {space.module_count:,} modules{shared}"
    shown = table.assign(
        unit=table["unit"].astype("string").fillna("not searched"), modules=table["modules"].map("{:,}".format)
    )
    return f"{first}\n{shown.to_string(index=False)}"
