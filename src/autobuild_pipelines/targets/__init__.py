"""Target equations over label columns: checked, then evaluated by numexpr (method: "Target equations")."""

from autobuild_pipelines.targets.equation import Equation, EquationError

__all__ = ["Equation", "EquationError"]
