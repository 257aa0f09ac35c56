"""What kind of file system a folder lies on, as the kernel's table of mounts tells."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

_MOUNTS = Path("/proc/self/mountinfo")
_LOCAL = frozenset(
    {"ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "bcachefs", "f2fs", "jfs", "reiserfs", "nilfs2"}
    | {"tmpfs", "ramfs", "rootfs", "overlay", "aufs", "ecryptfs", "squashfs", "erofs", "iso9660"}
    | {"vfat", "msdos", "exfat", "ntfs", "ntfs3", "hfs", "hfsplus", "udf", "fuseblk", "fuse.fuse-overlayfs"}
)
"""Those of one machine's own disks and memory: its kernel knows every lock on them."""


@dataclass(frozen=True)
class FileSystem:
    """What a folder lies on.

    Attributes:
        kind: As the kernel names it, such as ext4, nfs4 or fuse.sshfs; "unknown" where it does not say.
    """

    kind: str

    @property
    def is_local(self) -> bool:
        """Whether no other machine can have it mounted through its own kernel."""
        return self.kind in _LOCAL


def file_system(folder: Path) -> FileSystem:
    """Return what a folder lies on, or would lie on."""
    try:
        lines = _MOUNTS.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return FileSystem("unknown")
    real, found, kind = os.path.realpath(folder), "", "unknown"
    for line in lines:
        mount, _, rest = line.partition(" - ")
        point = re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), mount.split()[4])
        if len(point) >= len(found) and (real == point or real.startswith(point.rstrip("/") + "/")):
            found, kind = point, rest.split()[0]  # of two at one place the later covers the earlier
    return FileSystem(kind)
