"""Takes the reflection out of the user's own pictures with a model of a finished run."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from orchestrator.delivery import Delivery
from orchestrator.errors import Cancelled, InputInvalid, OutOfMemory, OutputInvalid, SirrError, SpecError, StageFailed
from orchestrator.execute.comparison import stage_images, stage_programs
from orchestrator.execute.events import Listener, fan_out
from orchestrator.execute.past_results import PastResults
from orchestrator.execute.photo_delivery import PhotoDelivery
from orchestrator.execute.photo_methods import Method, chosen_method, hinting_at_options
from orchestrator.execute.photographs import ARRAY_SUFFIX, Photograph, array_size, copy_photographs, settled
from orchestrator.execute.removal import Removal
from orchestrator.execute.run_stages import attempted_stages, planned_stages
from orchestrator.execute.sources import source_digest
from orchestrator.spec.plain_words import count as counted
from orchestrator.spec.stage_names import stage_dataset
from orchestrator.store.store import Store
from stagekit.results.dataset import DatasetFile, DatasetItem

_DATASET = "photos"
_PERHAPS_ONE_PICTURES_FAULT = (StageFailed, InputInvalid, OutOfMemory, OutputInvalid)


def remove_reflections(
    removal: Removal,
    listener: Listener,
    say: Callable[[str], None],
    hand: Callable[[Path], None] = lambda _path: None,
) -> list[Path]:
    """Write a result for each photo, of its size and named after it, and return their paths as they came.

    Results of TIFF photos are TIFF files, all others PNG; depth, colour profile and transparency are the photo's. What
    each is called is settled before anything runs, and nothing that the user gave is ever replaced.

    Each is written when it is done; what is killed keeps those that are, and the same call does the rest.

    Also raises what the stages raise.

    Args:
        hand: Called with each path as soon as it is written.

    Raises:
        SomeFailed: Where photos have no result, and others have; it names them with the reasons.
        InputInvalid: Where all are unusable.
        SpecError: For a photo or a model that is not there, or a folder that results cannot be written to.
        ResultExists: Where a result would fall on what was given, or on another file that differs.
        NoSpace: Where the disk for results is full.
        ImageNotBuilt: Where an image is not built.
    """
    check_photos(removal.photos)
    store = Store(removal.store, make=False)
    method = chosen_method(removal, store, say)
    store.make()
    photographs = settled(removal.photos, removal.layers)
    delivery = _prepared_delivery(removal, photographs, store, say)
    batch = PhotoDelivery(store, photographs, delivery, removal.layers, removal.arrays, say, hand)
    method = method.prepared(store, listener, say)
    with store.scratch("photos") as folder:
        passage = _Passage(removal, method, store, batch, folder)
        for photograph, error in copy_photographs(photographs, passage.copies, store.root):
            batch.fail(photograph, error)
        stages = method.chain(passage.copies, _DATASET, lambda _path, _described=None: "")
        programs = stage_programs(stage_images(stages, removal.library), method.device)
        past = PastResults(store, stages, programs)
        batch.hand_over_past(past, passage.copies)
        failed: SirrError | None = None
        try:
            past.tidy(passage.taken(fan_out(listener, batch.listen), say) if batch.pending else ())
        except SirrError as failure:
            failed = failure
        if removal.reflection_named and batch.lacking:
            say(_without_reflection(removal, len(batch.lacking)))
        with hinting_at_options(removal, listener, say):
            return batch.finish(failed)


@dataclass(frozen=True)
class _Passage:
    """A batch of photographs on its way through a method.

    Attributes:
        folder: For their copies, and for those of each group that goes through the stages at once.
    """

    removal: Removal
    method: Method
    store: Store
    batch: PhotoDelivery
    folder: Path

    @property
    def copies(self) -> Path:
        """Where the copies lie."""
        place = self.folder / "copies"
        place.mkdir(exist_ok=True)
        return place

    def taken(self, listener: Listener, say: Callable[[str], None]) -> list[str]:
        """Take the pending photographs through; return the keys of results that nothing reads any more.

        A group that failed is tried again, each of its photographs alone, where one of them may be at fault.

        Raises:
            SirrError: Where all of them failed as one, and what ends the whole.
        """
        names = (_DATASET if number == 1 else f"{_DATASET}-{number}" for number in count(1))
        groups = dict(zip(names, self._grouped(self.batch.pending), strict=False))
        finished, failures = self._run(groups, listener, say)
        again = [
            one
            for name, error in failures.items()
            if isinstance(error, _PERHAPS_ONE_PICTURES_FAULT) and self.method.group_bytes and len(groups[name]) > 1
            for one in self._pending(groups[name])
        ]
        if again:
            alone = dict(zip(names, ([one] for one in again), strict=False))
            more, others = self._run(alone, listener, say)
            finished += more
            groups |= alone
            failures = {name: error for name, error in failures.items() if not set(groups[name]) & set(again)} | others
        for name, error in failures.items():
            if len(groups) == 1:
                raise error
            for one in self._pending(groups[name]):
                words = f"'{one.path}' was not done, as {error.message}"
                self.batch.fail(one, type(error)(words, where=error.where, hint=error.hint))
        return finished

    def _run(
        self, groups: Mapping[str, Sequence[Photograph]], listener: Listener, say: Callable[[str], None]
    ) -> tuple[list[str], dict[str, SirrError]]:
        """Return the keys of what is not read any more, and by group why it has no results."""
        stages = []
        for name, members in groups.items():
            place = self.folder / "groups" / name
            place.mkdir(parents=True)
            for one in members:
                (self.copies / one.copy).rename(place / one.copy)
            if self.removal.of_arrays:
                describe_arrays(place)
            stages += self.method.chain(place, name, source_digest(self.store))
        self.batch.expect(groups)
        logs = self.store.layout.logs(self.method.run) / "remove"
        planned = planned_stages(stages, self.store, "remove", logs, self.method.device, self.removal.library)
        result = attempted_stages(planned, self.store, self.removal.execution(listener, say))
        for error in result.failures.values():
            if isinstance(error, Cancelled):
                raise error
        failures = {stage_dataset(name) or name: error for name, error in result.failures.items()}
        for name in failures:
            for one in self._pending(groups[name]):
                (self.folder / "groups" / name / one.copy).rename(self.copies / one.copy)
        read = {name for stage in stages for name in stage.inputs.values() if stage_dataset(name) not in failures}
        return [result.results[name].key for name in read if name in result.results], failures

    def _pending(self, members: Iterable[Photograph]) -> list[Photograph]:
        pending = self.batch.pending
        return [one for one in members if one in pending]

    def _grouped(self, photographs: Iterable[Photograph]) -> Iterator[list[Photograph]]:
        """Yield photographs in groups that go through the stages at once, in their order."""
        group: list[Photograph] = []
        size = 0
        for one in photographs:
            own = (self.copies / one.copy).stat().st_size
            most, pictures = self.method.group_bytes, self.method.group_pictures
            if group and ((most and size + own > most) or (pictures and len(group) >= pictures)):
                yield group
                group, size = [], 0
            group.append(one)
            size += own
        if group:
            yield group


def check_photos(photos: tuple[Path, ...]) -> None:
    """Refuse names of nothing, and pictures among arrays.

    Raises:
        SpecError: For those.
    """
    missing = [str(photo) for photo in photos if not os.path.lexists(photo)]
    if len({photo.suffix == ARRAY_SUFFIX for photo in photos}) > 1:
        raise SpecError("there are pictures and arrays among them", hint="give one kind at a time")
    if missing:
        raise SpecError(f"no such picture: {', '.join(missing)}", hint="check the paths")


def _without_reflection(removal: Removal, number: int) -> str:
    """Return that no reflection was written of pictures, and why."""
    asked = removal.model or removal.library.default_program.name
    return f"no reflection of {counted(number, 'picture')}: {asked} answers with the picture without it alone"


def _prepared_delivery(
    removal: Removal, photographs: list[Photograph], store: Store, say: Callable[[str], None]
) -> Delivery:
    """Return where results go, after everything about it that can be known before they are computed was checked."""
    given = [*removal.photos, *([removal.onnx] if removal.onnx else [])]
    delivery = Delivery(removal.out, tuple(given), removal.overwrite, store.layout.kept)
    names = [photograph.result(words) for photograph in photographs for words in removal.layers]
    for name in names:
        delivery.check(name)
    delivery.prepare(sum(photo.stat().st_size for photo in removal.photos if photo.is_file()) // 2)
    for photograph in photographs:
        if photograph.stem != photograph.path.stem:
            say(f"the result of '{photograph.path}' is called '{photograph.result()}', as names must differ")
    there = sum((removal.out / name).is_file() for name in names)
    if there and not removal.overwrite:
        say(f"{there} of the results are there already: those that differ are left as they are (see --overwrite)")
    return delivery


def describe_arrays(folder: Path) -> None:
    """Make a prepared dataset of the arrays in a folder."""
    items = []
    for path in sorted(folder.iterdir()):
        height, width = array_size(path)
        items.append(DatasetItem(path.stem, height, width, path.name, blended=path.name))
    DatasetFile(_DATASET, "photos", tuple(items), _DATASET).save(folder)
