"""The error of the building package."""

from __future__ import annotations


class BuildingError(ValueError):
    """Modules or scores do not suffice to build with; the message names unit, target and method."""
