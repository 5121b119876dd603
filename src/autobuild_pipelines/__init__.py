"""AutoBuild (CVPR 2024) as a Kedro project: learn from evaluated architectures which blocks make a network good."""

__version__ = "0.1.0"
