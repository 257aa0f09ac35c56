"""What a failing disk does: other bits in a file that nobody has touched, so that neither size nor any time tells."""

import json
import os
from pathlib import Path

from orchestrator.store.examine import examine
from orchestrator.store.layout import Layout


def flip_silently(layout: Layout, key: str, name: str, byte: int, bit: int = 0) -> None:
    """Flip a bit of a file of an artifact; its times are those that the store has noted as those of the right content.

    Nobody can set a file's time of status change, so the store's note of it is brought up to date instead; files must
    count as settled at once, by the fixture `settled`.

    name: the file's path in the artifact's folder
    byte: counted from the begin, over again where the file ends
    """
    examine(layout, key)
    path = layout.artifact(key) / name
    status, mode = path.stat(), path.stat().st_mode
    content = bytearray(path.read_bytes())
    content[byte % len(content)] ^= 1 << bit
    path.chmod(0o644)
    path.write_bytes(content)
    path.chmod(mode)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    _note_stamp(layout.verification(key), name, path.stat())


def _note_stamp(memory: Path, name: str, status: os.stat_result) -> None:
    if not memory.is_file():
        return
    noted = json.loads(memory.read_text())
    if name in noted["files"]:
        noted["files"][name] = [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]
        memory.write_text(json.dumps(noted))
