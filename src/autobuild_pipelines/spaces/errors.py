"""Errors of the spaces package: each says what is wrong, where, and what would be right."""

from __future__ import annotations


class SpaceError(ValueError):
    """A search-space declaration is invalid; the message names the key and the reason."""


class ArchitectureError(ValueError):
    """An architecture does not belong to a search space; the message names unit and layer."""
