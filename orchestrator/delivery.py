"""Files handed to the user: each appears whole, and none ever takes the place of a file that was not meant."""

import contextlib
import filecmp
import io
import os
import secrets
import shutil
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

from orchestrator.errors import DISK_FULL, NoSpace, ResultExists, SpecError

_SPARE_BYTES = 2**16
"""Written and removed again, to see whether a folder takes files."""


@dataclass(frozen=True)
class Delivery:
    """Where files go that are handed to the user.

    Attributes:
        folder: Theirs.
        inputs: Files that the user gave: none of them is replaced, whatever was asked for.
        overwrite: Replace other files that are there and differ.
        closed: Folders that nothing is handed over into, such as those that the store keeps.
        option: By which the user names what is written to.
    """

    folder: Path
    inputs: tuple[Path, ...] = ()
    overwrite: bool = False
    closed: tuple[Path, ...] = ()
    option: Literal["--out", "--single-file"] = "--out"

    @property
    def _other(self) -> str:
        """What a user can do instead."""
        return f"name another {'folder' if self.option == '--out' else 'file'} with {self.option}"

    def prepare(self, needed_bytes: int = 0) -> None:
        """Make the folder, and see that it takes files; nothing of it stays but the folder.

        Args:
            needed_bytes: The least that is expected to be written.

        Raises:
            SpecError: Where it cannot be made or written to, or is closed.
            NoSpace: Where its disk is full.
        """
        real = Path(os.path.realpath(self.folder))
        if any(real.is_relative_to(os.path.realpath(folder)) for folder in self.closed):
            raise SpecError(f"'{self.folder}' lies in the store, where the program alone writes", hint=self._other)
        with self._explained("is no folder that results can be written to"):
            self.folder.mkdir(parents=True, exist_ok=True)
            trial = self.folder / _fresh_name()
            with _new_file(trial) as stream:
                stream.write(bytes(_SPARE_BYTES))
            trial.unlink()
            free = shutil.disk_usage(self.folder).free
        if free < needed_bytes:
            raise NoSpace(
                f"the disk of '{self.folder}' has {free / 2**20:.1f} MiB left, and results are expected to need "
                f"at least {needed_bytes / 2**20:.1f} MiB",
                hint=f"free some space, or {self._other}, on another disk",
            )

    def check(self, name: str) -> None:
        """Refuse a file's name that can never be taken.

        Raises:
            ResultExists: Where it is that of a file that the user gave, or of a folder or device.
            SpecError: Where the disk has no such names.
        """
        target = self.folder / name
        with self._explained("takes no file of this name"):
            for given in self.inputs:
                if _same(target, given):
                    raise ResultExists(
                        f"the result '{target}' would replace '{given}', which was given to read",
                        hint=self._other,
                    )
            if target.exists() and not target.is_file():
                raise ResultExists(f"'{target}' is there and no file", hint=self._other)

    def copy(self, source: Path, name: str) -> Path:
        """Hand over a copy of a file, and return its path; one that is there with the same content is left as it is.

        Raises:
            ResultExists: Where a file is there that differs, and `overwrite` was not asked for.
            NoSpace: Where the disk is full.
            SpecError: Where the folder cannot be written to.
        """
        self.check(name)
        target = self.folder / name
        if not self.overwrite and os.path.lexists(target):
            with self._explained("cannot be read"):
                self._refuse_other(source, target)
            return target
        with self._explained("cannot be written to"), _plain_file(source) as content:
            return self._hand_over(content, target)

    def write(self, content: bytes, name: str) -> Path:
        """Hand over a file of some content, as `copy` does.

        Raises what `copy` raises.
        """
        self.check(name)
        with self._explained("cannot be written to"):
            return self._hand_over(io.BytesIO(content), self.folder / name)

    def _hand_over(self, content: IO[bytes], target: Path) -> Path:
        """Write a file beside its target, and give it its name; without `overwrite` only where there is none."""
        beside = self.folder / _fresh_name()
        try:
            with _new_file(beside) as stream:
                shutil.copyfileobj(content, stream, 2**20)
            if self.overwrite:
                beside.replace(target)
                return target
            try:
                os.link(beside, target)
            except FileExistsError:
                self._refuse_other(beside, target)
            except OSError as error:
                if error.errno in DISK_FULL:
                    raise
                _copy_exclusively(beside, target)  # a file system without hard links
        finally:
            beside.unlink(missing_ok=True)
        return target

    def _refuse_other(self, source: Path, target: Path) -> None:
        if target.is_file() and filecmp.cmp(source, target, shallow=False):
            return
        raise ResultExists(
            f"'{target}' is there already and differs",
            hint=f"{self._other}, or have it replaced with --overwrite",
        )

    @contextlib.contextmanager
    def _explained(self, words: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno in DISK_FULL:
                raise NoSpace(
                    f"the disk of '{self.folder}' is full: {error.strerror}",
                    hint=f"free some space, or {self._other}, on another disk",
                ) from error
            raise SpecError(f"'{self.folder}' {words}: {error.strerror}", hint=self._other) from error


def comparable(name: str) -> str:
    """Return what two names have in common that are one on some disk: case, and how accents are composed."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _same(target: Path, given: Path) -> bool:
    """Return whether two paths lead to one file, or would on a disk that does not tell capital letters apart."""
    if target.exists() and given.exists() and target.samefile(given):
        return True
    same_folder = os.path.realpath(target.parent) == os.path.realpath(given.parent)
    return same_folder and comparable(target.name) == comparable(given.name)


def _fresh_name() -> str:
    return f".sirr-{secrets.token_hex(8)}.partial"


@contextlib.contextmanager
def _new_file(path: Path) -> Iterator[IO[bytes]]:
    """Yield a file that was not there before; it is on the disk when the block ends, and gone where that fails."""
    with path.open("xb") as stream:
        try:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        except BaseException:
            path.unlink(missing_ok=True)
            raise


def _plain_file(path: Path) -> IO[bytes]:
    """Return a file's content; a link is not followed, for a stage may have put it there."""
    return os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb")


def _copy_exclusively(source: Path, target: Path) -> None:
    with source.open("rb") as content, _new_file(target) as stream:
        shutil.copyfileobj(content, stream, 2**20)
