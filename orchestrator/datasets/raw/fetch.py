"""Files with a direct address: taken up where they broke off, and kept only where size and checksum agree."""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import requests
from urllib3.exceptions import HTTPError

from orchestrator.errors import InfraFailure, InputInvalid
from orchestrator.spec.published import RemoteFile

Bytes = Callable[[int, int | None], None]
"""Called with how many bytes are there, and of how many (None where nobody says)."""

_CHUNK_BYTES = 2**18
_TRIES = 6
"""Connections without a single new byte before it is given up."""


@dataclass(frozen=True)
class Patience:
    """How long is waited.

    Attributes:
        connect_s: For an answer.
        read_s: For the next bytes.
        pause_s: Before the next try.
    """

    connect_s: float = 15.0
    read_s: float = 60.0
    pause_s: float = 2.0


def fetched(file: RemoteFile, folder: Path, progress: Bytes, patience: Patience = Patience()) -> Path:
    """Return a file, fetched into a folder unless it is there and whole.

    What came in before a connection broke is kept beside it as NAME.part, and the next try asks for the rest. A server
    that does not give parts is read again from the start.

    Raises:
        InfraFailure: Where the address does not answer or breaks off again and again.
        InputInvalid: Where what came is not the published file: it is removed.
    """
    path, part = folder / file.name, folder / f"{file.name}.part"
    folder.mkdir(parents=True, exist_ok=True)
    if path.exists():
        wrong = what_is_wrong(path, file)
        if wrong is None:
            return path
        raise InputInvalid(f"{path} is not the published file: {wrong}", hint="remove it and fetch it again")
    _complete(file, part, progress, patience)
    wrong = what_is_wrong(part, file)
    if wrong is not None:
        part.unlink()
        raise InputInvalid(
            f"what {file.address} gave is not the published file: {wrong}",
            hint="try again later, or fetch it from a mirror and put it at " + str(path),
        )
    part.rename(path)
    return path


def what_is_wrong(path: Path, file: RemoteFile) -> str | None:
    """Return how a file differs from what is published of it; None where it does not."""
    size = path.stat().st_size
    if file.size is not None and size != file.size:
        return f"it has {size} bytes, published are {file.size}"
    for name, wanted in (("md5", file.md5), ("sha256", file.sha256)):
        if wanted is None:
            continue
        with path.open("rb") as stream:
            found = hashlib.file_digest(stream, name).hexdigest()
        if not found.startswith(wanted):
            return f"its {name} is {found}, published is {wanted}"
    return None


def _complete(file: RemoteFile, part: Path, progress: Bytes, patience: Patience) -> None:
    """Fetch until nothing is left, however often the connection breaks, as long as each try brings something."""
    vain, reason = 0, ""
    while vain < _TRIES:
        before = _size(part)
        if file.size is not None and before == file.size:
            return
        try:
            if _read_on(file, part, progress, patience):
                return
            reason = "the connection ended early"
        except (requests.RequestException, HTTPError, OSError) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        vain = 0 if _size(part) > before else vain + 1
        if vain:
            time.sleep(patience.pause_s * vain)
    raise InfraFailure(
        f"{file.address} could not be fetched: {reason}",
        where=f"{_size(part)} bytes are kept in {part}",
        hint="run the command again to go on from there, or fetch the file by other means into the same folder",
    )


def _read_on(file: RemoteFile, part: Path, progress: Bytes, patience: Patience) -> bool:
    """Append what the server still has; return whether that was all.

    Raises:
        RequestException: Where the connection breaks or the server refuses.
        HTTPError: Where the connection breaks or the server refuses.
        OSError: Where the connection breaks or the server refuses.
    """
    have = _size(part)
    # Compressed transfers would make offsets mean something else.
    headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={have}-"} if have else {})}
    timeout = (patience.connect_s, patience.read_s)
    with requests.get(file.address, headers=headers, stream=True, timeout=timeout) as answer:
        if answer.status_code == requests.codes.requested_range_not_satisfiable:
            # All of it was there already, or another file lies there now: the checksum tells.
            return True
        answer.raise_for_status()
        if not _continues(answer, have):
            part.unlink(missing_ok=True)
            have = 0
        length = answer.headers.get("Content-Length")
        total = have + int(length) if length is not None else file.size
        with part.open("ab") as stream:
            # What is there already, not a full chunk: a broken connection loses nothing that came before it broke.
            while chunk := answer.raw.read1(_CHUNK_BYTES, decode_content=False):
                stream.write(chunk)
                have += len(chunk)
                progress(have, total)
                _refuse_too_much(file, have, part)
    return total is None or have >= total


def _continues(answer: requests.Response, have: int) -> bool:
    """Return whether an answer goes on where the file ends, instead of starting anew."""
    if answer.status_code != requests.codes.partial_content:
        return have == 0
    return answer.headers.get("Content-Range", "").startswith(f"bytes {have}-")


def _refuse_too_much(file: RemoteFile, have: int, part: Path) -> None:
    if file.size is not None and have > file.size:
        part.unlink()
        raise InputInvalid(
            f"{file.address} gives more than the {file.size} bytes that are published",
            hint="fetch the file from a mirror",
        )


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
