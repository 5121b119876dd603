"""The error of the ingestion package: one message that names the file and what is wrong with it."""

from __future__ import annotations


class IngestError(ValueError):
    """A file of architectures cannot be used; the message names the file, the place and what would be right."""


class MissingFileError(IngestError):
    """There is no such file."""


def one_line(error: BaseException, limit: int = 300) -> str:
    """What a foreign error says, on one line."""
    return " ".join(str(error).split())[:limit] or type(error).__name__
