"""Read evaluated architectures from files that nobody vouches for, and check them against a search space."""

from autobuild_pipelines.ingestion.errors import IngestError, MissingFileError
from autobuild_pipelines.ingestion.ingest import Ingested, ingest_records
from autobuild_pipelines.ingestion.readers import RawRecords, read_records
from autobuild_pipelines.ingestion.restricted_pickle import DEFAULT_SIZE_LIMIT, load_plain_pickle

__all__ = [
    "DEFAULT_SIZE_LIMIT",
    "IngestError",
    "Ingested",
    "MissingFileError",
    "RawRecords",
    "ingest_records",
    "load_plain_pickle",
    "read_records",
]
