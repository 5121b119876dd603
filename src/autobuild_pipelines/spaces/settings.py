"""Settings as they stand in YAML: frozen models that refuse unknown keys, and what is said of a key that is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError


class FrozenSettings(BaseModel):
    """A mapping of settings: unknown keys are refused, values do not change."""

    model_config = ConfigDict(frozen=True, extra="forbid")


Settings = TypeVar("Settings", bound=FrozenSettings)


class StrictSettings(FrozenSettings):
    """The same, with values of exactly the declared types: "3" is no number."""

    model_config = ConfigDict(strict=True)


def _as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


FROM_LIST = BeforeValidator(_as_tuple)
"""Lets a tuple of a strict model be written as a list, which is all that YAML has."""


def read_settings(
    kind: type[Settings], content: Any, *, what: str, example: str, source: str, refusal: type[ValueError]
) -> Settings:
    """Check a mapping as read from YAML or parameters.

    Args:
        kind: What it is to become.
        content: The mapping.
        what: What to call it in messages.
        example: A key that it has.
        source: The file it came from, "" if none.
        refusal: The error to raise; it names the key that is wrong and the reason.
    """
    where = what + (f" in {source}" if source else "")
    if not isinstance(content, Mapping):
        raise refusal(f"{where}: expected a mapping of keys such as {example!r}, got {type(content).__name__}")
    try:
        return kind.model_validate(dict(content))
    except ValidationError as error:
        raise refusal(f"{where}: {reasons(error)}") from None


def reasons(error: ValidationError, under: str = "") -> str:
    """What is wrong, on one line: each key (below `under`) and the reason, separated by semicolons."""
    return "; ".join(_reason(entry, under) for entry in error.errors())


def _reason(entry: Any, under: str) -> str:
    # Pydantic adds the member of a union that it tried to the path of the key.
    names = [str(part) for part in entry["loc"] if part not in ("bool", "int", "float", "str")]
    key = ".".join([under, *names] if under else names)
    message = entry["msg"].removeprefix("Value error, ")
    if entry["type"] == "extra_forbidden":
        message = "unknown key"
    return f"{key}: {message}" if key else message
