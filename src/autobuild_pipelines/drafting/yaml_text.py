"""YAML as people write it: keys in their order, lists of plain values and short mappings on one line."""

from __future__ import annotations

from typing import Any

import yaml

WIDTH = 60
"""Characters of a mapping that still stands on one line."""


def yaml_text(content: dict[str, Any]) -> str:
    """Plain mappings, lists and values as YAML."""
    return yaml.dump(_laid_out(content, outermost=True), Dumper=_Dumper, sort_keys=False, width=110, allow_unicode=True)


class _OneLine(dict[str, Any]):
    """A mapping that stands on one line."""


class _Dumper(yaml.SafeDumper):
    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """Indent lists under their key."""
        super().increase_indent(flow, False)


def _represent_mapping(dumper: _Dumper, value: dict[str, Any]) -> yaml.Node:
    return dumper.represent_mapping("tag:yaml.org,2002:map", value, flow_style=True)


def _represent_list(dumper: _Dumper, value: list[Any]) -> yaml.Node:
    plain = not any(isinstance(item, dict) for item in value)
    return dumper.represent_sequence("tag:yaml.org,2002:seq", value, flow_style=plain)


_Dumper.add_representer(_OneLine, _represent_mapping)
_Dumper.add_representer(list, _represent_list)


def _laid_out(value: Any, outermost: bool = False) -> Any:
    if isinstance(value, list):
        return [_laid_out(item) for item in value]
    if not isinstance(value, dict):
        return value
    inner = {key: _laid_out(item) for key, item in value.items()}
    plain = not any(isinstance(item, dict) for item in value.values())
    # A mapping of equations reads better down the page.
    wordy = any(isinstance(item, str) and len(item) > 20 and " " in item for item in value.values())
    return _OneLine(inner) if plain and not wordy and not outermost and len(str(value)) <= WIDTH else inner
