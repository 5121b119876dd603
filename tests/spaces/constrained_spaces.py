"""Small random spaces whose units share variables, for property tests, and all their architectures by brute force."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
from hypothesis import strategies as st

from autobuild_pipelines.spaces import Codes, SearchSpace

OPERATIONS = ("conv", "pool", "skip")


@st.composite
def constrained_declarations(draw: st.DrawFn) -> dict[str, Any]:
    """Two to four units, with patterns or any layers, tied by up to two variables; one may not be searched."""
    variables = {
        name: draw(st.lists(st.integers(1, 4), min_size=1, max_size=3, unique=True))
        for name in ("base", "factor")[: draw(st.integers(1, 2))]
    }
    choices = sorted({a * b for a in [1, *variables["base"]] for b in [1, *variables.get("factor", [])]})
    readable = [names for names in (["base"], ["factor"], ["base", "factor"]) if set(names) <= set(variables)]
    patterns = st.lists(
        st.lists(st.sampled_from(OPERATIONS), min_size=1, max_size=3).map(tuple), min_size=1, max_size=3, unique=True
    ).map(lambda found: [list(pattern) for pattern in found])
    units: list[dict[str, Any]] = []
    for number in range(draw(st.integers(2, 3))):
        unit: dict[str, Any] = {"name": f"u{number}"}
        if draw(st.booleans()):
            unit["patterns"] = {"operation": draw(patterns)}
        else:
            unit["layers"] = sorted(draw(st.sets(st.integers(1, 2), min_size=1)))
        if draw(st.integers(0, 3)):
            unit["products"] = {"width": draw(st.sampled_from(readable))}
        units.append(unit)
    # Every variable is read, so that the declaration is valid, and by two units, so that something is shared.
    for unit in (units[0], units[-1]):
        unit["products"] = {"width": list(variables)}
    if draw(st.booleans()):
        pattern = draw(st.lists(st.sampled_from(OPERATIONS), min_size=1, max_size=2))
        fixed = {"name": "fixed", "searched": False, "patterns": {"operation": [pattern]}}
        units.insert(draw(st.integers(0, len(units))), {**fixed, "products": {"width": list(variables)}})
    return {
        "layer_features": {"operation": {"choices": list(OPERATIONS)}, "width": {"choices": choices}},
        "constraints": {"shared_variables": variables},
        "units": units,
    }


constrained_spaces = constrained_declarations().map(lambda content: SearchSpace.from_mapping("small", content))


def brute_force(space: SearchSpace) -> set[tuple[int, ...]]:
    """Every architecture's codes, from the product of all units' modules and the meaning of the declaration."""
    declaration = space.declaration
    widths = space.declaration.layer_features["width"].choices
    column = space.features.index("width")

    def width(module: Codes) -> int:
        return int(widths[space.vocabulary[module[0], column]])

    modules = [np.concatenate([unit.module_array(d) for d in unit.depths]) for unit in space.units]
    found = set()
    for values in declaration.constraints.assignments():
        fitting = []
        for unit, listed in zip(declaration.units, modules, strict=True):
            names = unit.products.get("width")
            wanted = None if names is None else int(np.prod([values[name] for name in names]))
            fitting.append([m.tolist() for m in listed if wanted is None or width(m) == wanted])
        found |= {tuple(code for module in chosen for code in module) for chosen in product(*fitting)}
    return found
