"""From a table of architectures to the two files that declare a space of one's own."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from autobuild_pipelines.drafting.columns import ObservedColumns, observed_columns
from autobuild_pipelines.drafting.goals import MAX_PROBLEMS, goals
from autobuild_pipelines.drafting.layers import ObservedLayers, observed_layers
from autobuild_pipelines.drafting.observed import Observed, observe
from autobuild_pipelines.drafting.yaml_text import yaml_text
from autobuild_pipelines.ingestion import RawRecords, ingest_records
from autobuild_pipelines.spaces import SearchSpace, summary

ENOUGH = 10
"""Architectures that Eq. 5 needs of every unit and number of layers (`scoring.min_count`)."""


@dataclass(frozen=True)
class Draft:
    """What can be told from a table.

    Attributes:
        name: The space's name.
        declaration: Content of `space`: what an architecture is.
        settings: The space's other parameters: where the labels are, and what is good.
        notes: What was decided, a sentence each, for the user to look at.
    """

    name: str
    declaration: dict[str, Any]
    settings: dict[str, Any]
    notes: tuple[str, ...]

    @property
    def space_yaml(self) -> str:
        """The file `spaces/<name>.yml`."""
        content = yaml_text({self.name: {"space": self.declaration}})
        return f"# What an architecture of this space is, as found in {self.settings['source']['filepath']}.\n{content}"

    @property
    def parameters_yaml(self) -> str:
        """The file `parameters/<name>.yml`."""
        notes = "".join(f"# - {note}\n" for note in self.notes)
        head = "# Where labels are, and what is good. What conf/base/parameters/common.yml sets can be set here too.\n"
        return f"{head}{notes}{yaml_text({self.name: self.settings})}"

    @property
    def summary(self) -> str:
        """Sizes of the drafted space, and the notes."""
        space = SearchSpace.from_mapping(self.name, self.declaration)
        return "\n".join([summary(space), *(f"- {note}" for note in self.notes)])


def draft_space(
    records: RawRecords,
    name: str,
    *,
    maximise: Sequence[str] = (),
    minimise: Sequence[str] = (),
    label_kind: str = "measured",
) -> Draft:
    """Draft a space and its parameters from a table of architectures.

    Args:
        records: The table.
        name: What to call the space.
        maximise: Labels that are to be high; with `minimise`, these are the labels and no others.
        minimise: Labels that are to be low.
        label_kind: What tables and figures say the labels are.

    Raises:
        DraftError: The table's rows do not agree on what an architecture is, or there is no label.
        IngestError: None of its rows can be used.
    """
    found = observe(records)
    layers = observed_layers(found)
    columns = observed_columns(found, maximise, minimise)
    declaration = _declaration(found, layers, columns, name)
    thin = _thin(found)
    settings = {"source": {"filepath": records.path}, "label_kind": label_kind, **goals(columns.labels)}
    if thin:
        settings |= {
            "scoring": {"methods": ["contextual"]},
            "building": {"methods": ["contextual"]},
            "search": {"variants": {"autobuild_nas_eq5": None}},
        }
    space = SearchSpace.from_mapping(name, declaration)
    ingested = ingest_records(space, records, labels=[label.name for label in columns.labels], max_rejected=1)
    notes = _notes(layers, columns, thin)
    if rejected := len(ingested.rejected):
        row, reason = ingested.rejected.iloc[0][["row", "reason"]]
        notes.append(f"{rejected} of {len(records)} rows will not be used, the first is row {row}: {reason}")
        settings["ingest"] = {"max_rejected": math.ceil(100 * rejected / len(records)) / 100}
    return Draft(name, declaration, settings, tuple(notes))


def _declaration(found: Observed, layers: ObservedLayers, columns: ObservedColumns, name: str) -> dict[str, Any]:
    out: dict[str, Any] = {"title": name.replace("_", " ")}
    out["layer_features"] = {
        feature: {"choices": list(choices), **({"value": choices[0]} if len(choices) == 1 else {})}
        for feature, choices in layers.choices.items()
    }
    if columns.graph:
        out["graph_features"] = {feature: _graph_feature(choices) for feature, choices in columns.graph.items()}
    if layers.name is not None:
        out["layer_name"] = layers.name
    out["units"] = [_unit(found, layers, number) for number in range(len(found.units[0]))]
    return out


def _graph_feature(choices: list[Any]) -> dict[str, Any]:
    out: dict[str, Any] = {"choices": choices, "default": choices[-1]}
    if all(type(choice) is int for choice in choices):
        out["scale"] = {"offset": choices[0], "divisor": choices[-1] - choices[0]}
    return out


def _unit(found: Observed, layers: ObservedLayers, number: int) -> dict[str, Any]:
    out: dict[str, Any] = {
        "name": f"unit{number + 1}",
        "layers": sorted({len(units[number]) for units in found.units}),
    }
    if narrower := layers.narrower(found.layers(number)):
        out["choices"] = {feature: list(choices) for feature, choices in narrower.items()}
    return out


def _thin(found: Observed) -> str:
    """The (unit, layers) cell of fewest architectures, where they are too few for Eq. 5."""
    cells = Counter((number, len(layers)) for units in found.units for number, layers in enumerate(units, start=1))
    (unit, count), rows = min(cells.items(), key=lambda item: (item[1], item[0]))
    if rows >= ENOUGH:
        return ""
    return f"unit{unit} has {count} layer{'s' if count > 1 else ''} in {rows} row{'s' if rows > 1 else ''} only"


def _notes(layers: ObservedLayers, columns: ObservedColumns, thin: str) -> list[str]:
    high = [label.name for label in columns.labels if label.high]
    low = [label.name for label in columns.labels if not label.high]
    notes = [f"more is better: {', '.join(high) or 'nothing'}; less is better: {', '.join(low) or 'nothing'}"]
    if len(columns.labels) > MAX_PROBLEMS + 1:
        problems = ", ".join(label.name for label in columns.labels)
        notes.append(f"of {problems}, only the first few have a search problem: name those that matter")
    notes += [
        f"{name} holds for the whole network; networks are ranked and built at {choices[-1]} (its default)"
        for name, choices in columns.graph.items()
    ]
    notes += [f"column {name} is left out: {reason}" for name, reason in columns.left_out.items()]
    if layers.unseen:
        notes.append(f"{layers.unseen} combinations of layer features occur nowhere, but are taken as allowed")
    if thin:
        notes.append(f"{thin}, Eq. 5 needs {ENOUGH}: modules are ranked by contextual scores alone")
    return notes
