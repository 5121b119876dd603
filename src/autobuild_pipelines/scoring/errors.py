"""What scoring refuses."""

from __future__ import annotations


class ScoringError(ValueError):
    """Modules cannot be scored; the message names the unit, the number of layers and why."""
