"""Hands over each photograph's results as soon as a stage has finished them, and remembers what failed."""

import contextlib
import glob
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from orchestrator.delivery import Delivery
from orchestrator.errors import Cancelled, InputInvalid, OutputInvalid, SirrError, SomeFailed
from orchestrator.execute.events import Event, Progressed, StateChanged
from orchestrator.execute.past_results import PastResults
from orchestrator.execute.photographs import ARRAY_SUFFIX, Photograph
from orchestrator.results import read_result
from orchestrator.spec.stage_names import stage_dataset, stage_kind
from orchestrator.store.store import Store
from stagekit.results.dataset import DatasetFile
from stagekit.results.document import InvalidResult, read_document
from stagekit.results.predictions import PredictionItem, PredictionsFile

_ENDED = ("done", "stored")
_LAST = ("infer", "finish")
"""Kinds of the stages that leave results."""


@dataclass
class PhotoDelivery:
    """Where a batch of photographs stands.

    Attributes:
        store: Where their stages run.
        photographs: All of them, each with its copy.
        layers: What is appended to a photograph's name for each of its pictures that is wanted.
        arrays: Hand over the arrays too.
        say: Called with what was done to a photograph's pixels.
        hand: Called with each file that was handed over.
        written: All those files.
        failures: Why a photograph has no result, by the name of its copy.
    """

    store: Store
    photographs: Sequence[Photograph]
    delivery: Delivery
    layers: Sequence[str]
    arrays: bool
    say: Callable[[str], None]
    hand: Callable[[Path], None]
    written: list[Path] = field(default_factory=list)
    lacking: list[Photograph] = field(default_factory=list)
    """Those whose reflection is wanted, and of which there is none."""
    failures: dict[str, SirrError] = field(default_factory=dict)
    _copies: dict[tuple[str, str], str] = field(default_factory=dict)
    """By group and id."""
    _notes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _past: PastResults | None = None
    _past_keys: dict[str, str] = field(default_factory=dict)
    _done: set[str] = field(default_factory=set)
    _running: dict[str, str] = field(default_factory=dict)
    """By group, the key of the stage that leaves its results."""
    _seen: dict[str, int] = field(default_factory=dict)

    @property
    def pending(self) -> list[Photograph]:
        """The photographs of which nothing is known yet."""
        return [one for one in self.photographs if one.copy not in self._done and one.copy not in self.failures]

    def hand_over_past(self, past: PastResults, folder: Path) -> None:
        """Hand over results that are there, whatever batch they were made in, and take their copies away.

        Args:
            past: Where they are looked for, and remembered.
            folder: With the copies.
        """
        self._past = past
        for photograph in self.pending:
            key = self._past_keys[photograph.copy] = past.key(folder / photograph.copy)
            found = past.find(key, self.say)
            if found is None:
                continue
            self._say_notes(photograph, found.notes)
            self._deliver(photograph, found.item, found.artifact.output)
            (folder / photograph.copy).unlink()
        if self._done:
            self.say(f"{len(self._done)} of {len(self.photographs)} pictures have results of an earlier call")

    def expect(self, groups: Mapping[str, Sequence[Photograph]]) -> None:
        """Take note of which photographs go through the stages at once, by what their dataset is called.

        Ids are those that arrays have; those of pictures are told by the stage that prepares them.
        """
        for group, members in groups.items():
            self._copies |= {(group, Path(one.copy).stem): one.copy for one in members}

    def listen(self, event: Event) -> None:
        """Hear how the stages go."""
        match event:
            case StateChanged(stage, state, facts) if stage_kind(stage) == "prepare" and state in _ENDED:
                self._prepared(_group(stage), facts["key"])
            case StateChanged(stage, "running" | "adopted", facts) if stage_kind(stage) in _LAST:
                self._running[_group(stage)] = facts["key"]
            case StateChanged(stage, state, facts) if stage_kind(stage) in _LAST and state in _ENDED:
                self._finished(_group(stage), facts["key"])
            case Progressed(stage) if stage_kind(stage) in _LAST and _group(stage) in self._running:
                self._finishing(_group(stage))

    def fail(self, photograph: Photograph, error: SirrError) -> None:
        """Remember why a photograph has no result; the first reason counts."""
        self.failures.setdefault(photograph.copy, error)

    def finish(self, failure: SirrError | None) -> list[Path]:
        """Return the files that were handed over.

        Args:
            failure: By which the stages ended, if they failed.

        Raises:
            SomeFailed: Where photographs have no result, and others have; where none has, their own error is raised.
        """
        if isinstance(failure, Cancelled):
            raise failure
        undone = self.pending
        if failure is None and undone:
            failure = OutputInvalid("the stages ended without a result", hint="look into their logs")
        failed = [self.failures[one.copy] for one in self.photographs if one.copy in self.failures]
        count, total = len(failed) + len(undone), len(self.photographs)
        if count == 0:
            return self.written
        if failure is not None and count == total:
            raise failure
        if count == total == 1:
            raise failed[0]
        sentences = [error.message for error in failed]
        sentences += [f"'{one.path}' was not done, as {failure.message}" for one in undone if failure is not None]
        words = "none of the pictures has a result" if count == total else f"{count} of {total} pictures have no result"
        errors = [*failed, *([failure] if failure is not None else [])]
        hints = dict.fromkeys(error.hint for error in errors if error.hint)
        kinds = {type(error) for error in errors}
        kind = kinds.pop() if count == total and len(kinds) == 1 else SomeFailed
        where = None if failure is None else failure.where
        raise kind("\n  ".join([f"{words}:", *sentences]), where=where, hint="; ".join(hints) or None)

    def _prepared(self, group: str, key: str) -> None:
        artifact = self.store.artifact(key)
        if artifact is None:
            return
        dataset = read_result(DatasetFile, artifact.output)
        members = {copy for (other, _id), copy in self._copies.items() if other == group}
        for place in [place for place in self._copies if place[0] == group]:
            del self._copies[place]
        prepared = {item.id: Path(item.origin).name for item in dataset.items}
        self._copies |= {(group, identifier): copy for identifier, copy in prepared.items() if copy in members}
        self._notes |= {Path(item.origin).name: item.notes for item in dataset.items}
        there = [one for one in self.pending if one.copy in members]
        for photograph in there:
            self._say_notes(photograph, self._notes.get(photograph.copy, ()))
        reasons = {Path(left_out.name).name: left_out.reason for left_out in dataset.left_out or ()}
        for copy in {one.copy for one in there} - set(prepared.values()):
            self._refused(copy, reasons.get(copy, "is no picture"))

    def _finishing(self, group: str) -> None:
        """Hand over what the stage has finished while it runs; what it says so far is no result yet."""
        staging = self.store.layout.staging(self._running[group])
        with contextlib.suppress(InvalidResult, OSError):
            path = staging / "work" / PredictionsFile.FILE_NAME
            written = path.stat().st_mtime_ns
            if written == self._seen.get(group):
                return
            self._seen[group] = written
            document = read_document(str(path))
            found = PredictionsFile.decode(document, folder=str(staging / "output"))
            for item in found.items:
                self._hand_over(group, item, staging / "output")

    def _finished(self, group: str, key: str) -> None:
        artifact = self.store.artifact(key)
        if artifact is None:
            return
        found = read_result(PredictionsFile, artifact.output)
        for item in found.items:
            self._hand_over(group, item, artifact.output)
            copy = self._copies.get((group, item.id), "")
            if self._past is not None and copy in self._past_keys:
                self._past.keep(self._past_keys[copy], artifact, item, self._notes.get(copy, ()))
        for failed in found.failed or ():
            self._refused(self._copies.get((group, failed.name), ""), failed.reason)

    def _say_notes(self, photograph: Photograph, notes: Sequence[str]) -> None:
        if notes:
            self.say(f"note: '{photograph.path}': {'; '.join(notes)}")

    def _refused(self, copy: str, reason: str) -> None:
        for photograph in self.photographs:
            if photograph.copy == copy:
                hint = "take such files out, or replace them by whole pictures"
                self.fail(photograph, InputInvalid(f"'{photograph.path}' {reason}", hint=hint))

    def _hand_over(self, group: str, item: PredictionItem, output: Path) -> None:
        copy = self._copies.get((group, item.id))
        photograph = next((one for one in self.photographs if one.copy == copy), None)
        if photograph is not None and photograph.copy not in self._done:
            self._deliver(photograph, item, output)

    def _deliver(self, photograph: Photograph, item: PredictionItem, output: Path) -> None:
        self._done.add(photograph.copy)
        layers = {"": item.transmission, "-reflection": item.reflection}
        if "-reflection" in self.layers and item.reflection is None:
            self.lacking.append(photograph)
        wanted = {f"{words}{Path(layers[words] or '').suffix}": layers[words] for words in self.layers}
        sources = [(output / name, ending) for ending, name in wanted.items() if name]
        if self.arrays:
            arrays = sorted((output / "arrays").glob(f"{glob.escape(item.id)}.*{ARRAY_SUFFIX}"))
            sources += [(path, path.name.removeprefix(item.id)) for path in arrays]
        try:
            for source, ending in sources:
                path = self.delivery.copy(source, f"{photograph.stem}{ending}")
                self.written.append(path)
                self.hand(path)
        except SirrError as error:
            self.fail(photograph, error)


def _group(stage: str) -> str:
    """Return what the dataset of a stage's photographs is called."""
    return stage_dataset(stage) or ""
