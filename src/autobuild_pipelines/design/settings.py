"""How target equations are designed, as it stands in parameters."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from autobuild_pipelines.spaces.settings import StrictSettings, read_settings


class DesignError(ValueError):
    """Equations cannot be designed; the message names the problem or key, and what would be right."""


class DesignSettings(StrictSettings):
    """The parameter `design`.

    Attributes:
        count: Target equations of a problem; 0 designs none.
        best: Training architectures that an equation ranks first: they are its region of the front.
        margin: How far an equation must rank its own best above those of the others, in its deviations over the
            training architectures, to pass the check.
        shape: What is done to every objective but the first before it is weighed; "auto" takes the first of
            `weighted_sum.SHAPES` with which all equations pass, else the one that comes nearest to it.
        digits: Significant digits of coefficients.
    """

    count: Annotated[int, Field(ge=0)] = 4
    best: Annotated[int, Field(ge=1)] = 25
    margin: Annotated[float, Field(ge=0)] = 0.1
    shape: Literal["auto", "none", "sqrt", "log", "square", "cube"] = "auto"
    digits: Annotated[int, Field(ge=1, le=12)] = 3

    @classmethod
    def from_mapping(cls, content: Any) -> DesignSettings:
        """Read the parameter.

        Raises:
            DesignError: Names the key that is wrong and the reason.
        """
        return read_settings(cls, content, what="design", example="count", source="", refusal=DesignError)
