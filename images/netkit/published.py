"""Files of weights that others publish are known by what is in them: another file of the same name is refused."""

import hashlib

from netkit.file_kind import refuse_irregular
from stagekit import BadInput


def check_published(path: str, digits: str, name: str) -> str:
    """Return a file's SHA-256, 64 hexadecimal digits, after making sure that it is the published one's.

    Args:
        digits: How the published file's SHA-256 begins.
        name: What the file is called where it is published.

    Raises:
        BadInput: Where it is another file, is missing or cannot be read.
    """
    digest = file_digest(path)
    if not digest.startswith(digits):
        raise BadInput(
            "the file %s has the SHA-256 %s..., the published one %s..." % (name, digest[:8], digits),
            "fetch %s again: 'sirr-orch weights list' says from where" % name,
        )
    return digest


def file_digest(path: str) -> str:
    """Return a file's SHA-256, 64 hexadecimal digits.

    Raises:
        BadInput: Where it cannot be read.
    """
    refuse_irregular(path)
    digest = hashlib.sha256()
    try:
        with open(path, "rb") as stream:
            for block in iter(lambda: stream.read(1 << 20), b""):
                digest.update(block)
    except OSError as error:
        raise BadInput("%s cannot be read: %s" % (path, error.strerror)) from error
    return digest.hexdigest()
