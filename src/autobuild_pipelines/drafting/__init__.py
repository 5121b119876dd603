"""Draft what the configuration says of a space of one's own from a table of its architectures."""

from autobuild_pipelines.drafting.draft import Draft, draft_space
from autobuild_pipelines.drafting.observed import DraftError

__all__ = ["Draft", "DraftError", "draft_space"]
