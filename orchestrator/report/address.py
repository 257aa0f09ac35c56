"""File names inside the report folder, and the addresses that pages use for them."""

import hashlib
import re
from pathlib import PurePosixPath
from urllib.parse import quote

_UNSAFE = re.compile(r"[^\w.-]+")
_LONGEST = 50
"""Characters; of up to four bytes each, so that a name with its prefix and ending stays within 255 bytes."""


def file_name(text: str) -> str:
    """Return a file name that every file system takes, readable and unique for the text.

    Letters and digits of any script, '.', '_' and '-' stay; a text that had to be changed gets a part of its hash.
    """
    safe = _UNSAFE.sub("_", text).strip("._")[:_LONGEST]
    if safe == text and text == text.lower():
        return safe
    return f"{safe or 'unnamed'}-{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"


def href(path: PurePosixPath) -> str:
    """Return the relative address of a file of the report, percent-encoded."""
    return quote(path.as_posix())


INDEX = PurePosixPath("index.html")
TRAINING = PurePosixPath("training.html")
RESOURCES = PurePosixPath("resources.html")
RECORD = PurePosixPath("report.json")
CRATE = PurePosixPath("ro-crate-metadata.json")
PROVENANCE = PurePosixPath("provenance.html")
PUBLISHED = PurePosixPath("published.html")
EXPLAINED = PurePosixPath("explained.html")
SBOMS = PurePosixPath("sbom")
SCORES = PurePosixPath("scores.csv")


def spec_path(name: str) -> PurePosixPath:
    """Return the place of the experiment's file."""
    written = PurePosixPath(name or "experiment.yaml")
    return PurePosixPath("spec") / f"{file_name(written.stem)}{_UNSAFE.sub('_', written.suffix)}"


def sbom_path(name: str) -> PurePosixPath:
    """Return the place of a list of software."""
    return SBOMS / f"{file_name(name)}.cdx.json"


def dataset_page(name: str) -> PurePosixPath:
    """Return the page of a dataset."""
    return PurePosixPath(f"dataset-{file_name(name)}.html")


def score_table(label: str, dataset: str, protocol: str) -> PurePosixPath:
    """Return the Parquet file of one evaluation; the folder as a whole can be read as one table."""
    return PurePosixPath("scores") / f"{file_name(dataset)}.{file_name(label)}.{protocol}.parquet"


def picture_folder(dataset: str, number: int, item: str) -> PurePosixPath:
    """Return the folder of one picture's files.

    Args:
        number: From 1, keeps the dataset's order in a file manager.
    """
    return PurePosixPath("pictures") / file_name(dataset) / f"{number:03d}-{file_name(item)}"
