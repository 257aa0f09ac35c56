"""Where everything lies in a store: its paths, made and taken apart in one place."""

import contextlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

DEFAULT_STORE = Path(".sirr")
STORE_VARIABLE = "SIRR_STORE"

MANIFEST = "manifest.json"
OUTPUT = "output"
FACTS = "facts"
WORK = "work"
READY = "ready"
ARTIFACT_PARTS = (MANIFEST, OUTPUT, FACTS)
"""What lies in an artifact's folder."""

PROCESS_LEASE, REPORT_LEASE = "process-", "report-"
"""Begin the names of locks of processes that run experiments, and of reports that are being rendered."""

_PASSING = (PROCESS_LEASE, REPORT_LEASE)
_KEY = re.compile(r"[0-9a-f]{64}")


def store_folder(folder: str | Path | None) -> Path:
    """Return a store's folder; None for the one that the environment names, else for the nearest one."""
    named = folder if folder is not None else os.environ.get(STORE_VARIABLE)
    return Path(named).expanduser() if named else nearest_store()


def nearest_store() -> Path:
    """Return `.sirr` where the working folder has a store there, else that of the nearest folder above, else `.sirr`.

    A store holds programs that are run: above, only one that belongs to this user is taken, as git does.
    """
    with contextlib.suppress(OSError):  # a working folder that was removed, or may not be looked through
        if Layout(DEFAULT_STORE).is_store:
            return DEFAULT_STORE
        for folder in Path.cwd().parents:
            found = folder / DEFAULT_STORE
            if Layout(found).is_store and found.stat().st_uid == os.geteuid():
                return found
    return DEFAULT_STORE


def is_key(name: str) -> bool:
    """Return whether a name has the form of a stage's key."""
    return _KEY.fullmatch(name) is not None


def log_name(stage: str) -> str:
    """Return the name of the file that a stage's own output is kept in."""
    return stage.replace("/", "_") + ".log"


@dataclass(frozen=True)
class Layout:
    """The paths of the store at `root`; nothing is made by asking for them."""

    root: Path

    @property
    def is_store(self) -> bool:
        """Whether there is a store, and not just a folder."""
        return self.artifacts.is_dir()

    @property
    def version(self) -> Path:
        """The file that names the layout's version."""
        return self.root / "version.json"

    @property
    def kept(self) -> tuple[Path, ...]:
        """Folders that the program alone writes to; beside them, the store's folder may hold what a user likes."""
        return (
            *(self.artifacts, self.stagings, self.runs, self.environments, self.leases, self.comparisons),
            *(self.damaged, self.trash, self.incoming, self.verified, self.cache),
        )

    @property
    def artifacts(self) -> Path:
        """Finished results, by the first two digits of their keys."""
        return self.root / "artifacts"

    @property
    def stagings(self) -> Path:
        """Results in the making, by key, and scratch folders."""
        return self.root / "staging"

    @property
    def runs(self) -> Path:
        """Run records, by name."""
        return self.root / "runs"

    @property
    def environments(self) -> Path:
        """Local environments."""
        return self.root / "environments"

    @property
    def leases(self) -> Path:
        """Files that programs lock to tell each other what they are at."""
        return self.root / "leases"

    @property
    def uses(self) -> Path:
        """What running programs may read, a file for each."""
        return self.leases / "uses"

    @property
    def gate(self) -> Path:
        """Locked by many while they look for artifacts, by one while it takes some away."""
        return self.leases / "gate"

    @property
    def comparisons(self) -> Path:
        """Pages that set runs side by side."""
        return self.root / "comparisons"

    @property
    def damaged(self) -> Path:
        """Damaged results that were set aside."""
        return self.root / "damaged"

    @property
    def trash(self) -> Path:
        """What is being deleted."""
        return self.root / "trash"

    @property
    def incoming(self) -> Path:
        """Packs that are being unpacked and are not verified yet."""
        return self.root / "incoming"

    @property
    def verified(self) -> Path:
        """When the contents of artifacts were last found right; losing it costs time, never correctness."""
        return self.root / "verified"

    @property
    def cache(self) -> Path:
        """What was made of results and can be made of them again, such as thumbnails; any file in it may go."""
        return self.root / "cache"

    @property
    def packs(self) -> Path:
        """Results of many small files, each as one file, for machines that read them from their own disks."""
        return self.cache / "packs"

    @property
    def digests(self) -> Path:
        """Remembered digests of files outside the store."""
        return self.root / "digests.json"

    def artifact(self, key: str) -> Path:
        """Return the folder of a key's artifact."""
        return self.artifacts / key[:2] / key

    def staging(self, key: str) -> Path:
        """Return the folder in which a key's result is made."""
        return self.stagings / key

    def lease(self, name: str) -> Path:
        """Return the file that is locked by who makes a key's result, or uses a scratch folder."""
        return self.leases / name

    def verification(self, key: str) -> Path:
        """Return the file that remembers when an artifact's content was last found right."""
        return self.verified / key[:2] / f"{key}.json"

    def run(self, name: str) -> Path:
        """Return a run's folder."""
        return self.runs / name

    def logs(self, run: str) -> Path:
        """Return the folder of a run's logs."""
        return self.run(run) / "logs"

    def artifact_keys(self) -> list[str]:
        """Return the keys that have a folder among the artifacts, whatever is in it."""
        return sorted(path.name for path in self._artifact_folders() if self._in_place(path))

    def foreign(self) -> list[Path]:
        """Return what lies among the artifacts and is none."""
        shelves = sorted(self.artifacts.iterdir()) if self.artifacts.is_dir() else []
        return [shelf for shelf in shelves if not shelf.is_dir()] + [
            path for path in self._artifact_folders() if not self._in_place(path)
        ]

    def staging_keys(self) -> list[str]:
        """Return the keys that something was begun for."""
        found = self.stagings.iterdir() if self.stagings.is_dir() else []
        return sorted(path.name for path in found if is_key(path.name))

    def lease_keys(self) -> list[str]:
        """Return the keys that somebody locked, or has not cleared away the lock of."""
        found = self.leases.iterdir() if self.leases.is_dir() else []
        return sorted(path.name for path in found if is_key(path.name))

    def passing_leases(self) -> list[str]:
        """Return the locks that go with who holds them: of stages, of processes that run, of reports being rendered."""
        found = self.leases.iterdir() if self.leases.is_dir() else []
        return sorted(path.name for path in found if is_key(path.name) or path.name.startswith(_PASSING))

    def scratch_folders(self) -> list[Path]:
        """Return what lies among the staging folders and belongs to no key."""
        found = self.stagings.iterdir() if self.stagings.is_dir() else []
        return sorted(path for path in found if not is_key(path.name))

    def run_names(self) -> list[str]:
        """Return the names of all runs."""
        found = self.runs.iterdir() if self.runs.is_dir() else []
        return sorted(path.name for path in found if path.is_dir())

    def key_of(self, path: Path) -> str | None:
        """Return the key of the artifact or staging folder that a path lies in, None for a path elsewhere."""
        for folder, place in ((self.artifacts, 1), (self.stagings, 0)):
            if path.is_relative_to(folder):
                parts = path.relative_to(folder).parts
                if len(parts) > place and is_key(parts[place]):
                    return parts[place]
        return None

    def _artifact_folders(self) -> Iterator[Path]:
        if self.artifacts.is_dir():
            for shelf in sorted(self.artifacts.iterdir()):
                if shelf.is_dir():
                    yield from sorted(shelf.iterdir())

    def _in_place(self, path: Path) -> bool:
        return is_key(path.name) and path == self.artifact(path.name) and path.is_dir() and not path.is_symlink()
