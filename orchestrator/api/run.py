"""Runs of a store: who took part, on what, the scores and the pictures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from unicodedata import normalize

import numpy as np

from orchestrator.api.arguments import as_bool, as_path_or_none, as_text
from orchestrator.api.pixels import as_floats, pixels_of
from orchestrator.api.table import score_table
from orchestrator.errors import SpecError
from orchestrator.execute.rankings import paired_test
from orchestrator.execute.run_list import RunState, RunSummary, listed_runs, run_state
from orchestrator.execute.run_results import RunResults, file_digests, recorded_results
from orchestrator.report import content as told
from orchestrator.report.content import NotMeasured
from orchestrator.report.lookup import metric_format, picture_names, predictions, primary_protocol
from orchestrator.report.machine.score_files import score_rows
from orchestrator.spec.plain_words import count
from orchestrator.spec.problems import suggestion
from orchestrator.spec.protocol import Protocol
from orchestrator.store.layout import store_folder
from orchestrator.store.opened import opened_store
from orchestrator.store.reference import run_reference
from orchestrator.store.run_entries import EntrantEntry
from orchestrator.store.store import Store
from stagekit.measures import CONTROLS, TRUTH

if TYPE_CHECKING:
    from pandas import DataFrame
    from pyarrow import Table

_MOST_NAMED = 12

EntrantKind = Literal["model", "onnx", "program", "authors", "predictions", "control"]


@dataclass(frozen=True)
class Entrant:
    """Whatever stands in the table.

    Attributes:
        name: By which everything else here calls it.
        title: What the report calls it.
        kind: A network that was trained or adopted, an ONNX file, a program, an authors' program as it is, pictures of
            another program, or a control: 'input', the unchanged picture, and 'truth'.
        seed: Of its training; None where nothing was trained here.
        group: The network of which it is one of several seeds; empty where it stands alone.
    """

    name: str
    title: str
    kind: EntrantKind
    seed: int | None = None
    group: str = ""


@dataclass(frozen=True)
class Dataset:
    """A test dataset.

    Attributes:
        role: 'pairs' have a truth and scores, 'photos' neither.
        pictures: Their names, in order; empty where the dataset is not prepared.
    """

    name: str
    title: str
    role: str
    pictures: tuple[str, ...]


@dataclass(frozen=True)
class Difference:
    """How two entrants compare on the pictures that both were measured on.

    Attributes:
        pictures: How many there are.
        won: On how many of them the first is better.
        lost: On how many of them the second is better.
        mean: Mean of the first's score less the second's; None where no picture has two finite scores.
        typical: The typical difference where the two differ: the Hodges-Lehmann estimate.
        low: Lower end of the 95 % interval of the typical difference, which excludes 0 exactly where p < 0.05; of too
            few pictures, the least difference; None where too few pictures differ.
        high: Upper end.
        p: Of Wilcoxon's signed-rank test, two-sided; of this one comparison, where the report corrects for all of its
            own: who makes many of them corrects as well.
        outcome: 'better'; 'alike': they cannot be told apart; 'few': there are too few pictures to tell anything;
            'mixed': p is small, and yet the means do not point where the pictures do, or runs lie among one another.
        better: The one that is better beyond the noise, where the outcome is 'better'; else None.
        needs: How many pictures the test needs at least, where there are too few.
    """

    first: str
    second: str
    dataset: str
    protocol: str
    metric: str
    pictures: int
    won: int
    lost: int
    mean: float | None
    typical: float | None
    low: float | None
    high: float | None
    p: float
    outcome: Literal["better", "alike", "few", "mixed"]
    better: str | None
    needs: int | None


def runs(store: str | Path | None = None) -> list[RunSummary]:
    """Return the runs of a store, the latest first, as `sirr-orch runs list` shows them.

    Args:
        store: Its folder; None: SIRR_STORE, else the nearest `.sirr`, here or in a folder above.

    Raises:
        SpecError: Where there is none; none is made.
    """
    return listed_runs(_opened(store))


def open_run(name: str, store: str | Path | None = None) -> "Run":
    """Return a run as it was recorded, whatever its experiment, datasets and images have become since.

    Args:
        name: NAME, or NAME@2 for an earlier revision.
        store: As in `runs`.

    Raises:
        SpecError: Where the store has no such run or revision.
        StoreError: Where its document cannot be read, or results are damaged.
    """
    opened = _opened(store)
    results = recorded_results(run_reference(as_text(name, "name")), opened)
    return Run(results, run_state(results.document, opened))


class Run:
    """One revision of a run. Made by `open_run`; nothing that is asked of it runs or writes anything.

    Attributes:
        state: 'running', 'complete', 'failed' or 'partial', when it was opened.
    """

    def __init__(self, results: RunResults, state: RunState) -> None:
        self._results = results
        self.state = state

    def __repr__(self) -> str:
        document = self._results.document
        tests = ", ".join(document.test)
        return f"<run {self.name}@{self.revision}, {self.state}: {count(len(document.entrants), 'entrant')} on {tests}>"

    @property
    def name(self) -> str:
        """Its name."""
        return self._results.document.name

    @property
    def revision(self) -> int:
        """Which of its revisions, from 1."""
        return self._results.document.revision

    @cached_property
    def entrants(self) -> tuple[Entrant, ...]:
        """Everything in the table, in the experiment's order, the controls last."""
        found = [
            Entrant(one.label, one.title, _kind(one.kind), _training_seed(one), one.group)
            for one in self._results.document.entrants
        ]
        return (*found, *(Entrant(name, name, "control") for name in CONTROLS))

    @cached_property
    def datasets(self) -> tuple[Dataset, ...]:
        """The test datasets, in the experiment's order."""
        there = {one.name: one for one in self._content.datasets}
        return tuple(
            Dataset(name, there[name].title or name, there[name].role, tuple(item.id for item in there[name].items))
            for name in self._results.document.test
        )

    @property
    def protocols(self) -> tuple[Protocol, ...]:
        """The ways of scoring with their metrics, the one to judge by first."""
        return self._content.protocols

    def scores(
        self, *, dataset: str | None = None, protocol: str | None = None, metric: str | None = None
    ) -> "DataFrame | Table":
        """Return a row for every picture, entrant and metric: what the report's `scores.csv` holds.

        Columns: dataset, network, seed, control, protocol, version, fault, picture, file, metric, score, not_measured.
        A score that was not measured is missing, and the last column says why; PSNR of equal pictures is infinite.

        Args:
            dataset: Only this one; None: all. So for the others.

        Returns:
            A pandas DataFrame where pandas is installed, else a pyarrow Table.

        Raises:
            SpecError: For a name that the run does not have, or where neither library is installed.
            OutputInvalid: Where results are not what their form says.
        """
        metrics = [one.name for each in self.protocols for one in each.metrics]
        wanted = {
            "dataset": _known_or_all(dataset, self._results.document.test, "dataset"),
            "protocol": _known_or_all(protocol, [one.name for one in self.protocols], "protocol"),
            "metric": _known_or_all(metric, metrics, "metric"),
        }
        asked = {name: value for name, value in wanted.items() if value is not None}
        rows = score_rows(self._content)
        return score_table([row for row in rows if all(getattr(row, name) == asked[name] for name in asked)])

    def compare(
        self,
        first: str,
        second: str,
        *,
        dataset: str | None = None,
        protocol: str | None = None,
        metric: str | None = None,
    ) -> Difference:
        """Return how two entrants compare, by the report's paired test over pictures.

        Args:
            first: An entrant's name, a control's, or that of a network of several seeds, whose runs count together.
            second: As `first`.
            dataset: One with a truth; None where the run has one alone.
            protocol: None: the one to judge by.
            metric: None: the protocol's first.

        Raises:
            SpecError: For a name that the run does not have, one that is needed, scores that were not measured, and
                those of a faulty protocol or of random features.
            OutputInvalid: Where results are not what their form says.
        """
        for name in (first, second):
            self._check_entrant(name, groups=True)
        if first == second:
            raise SpecError(f"{first!r} is compared with itself", hint="name two entrants")
        found = self._scored_dataset(dataset)
        judged = self._protocol(protocol)
        measured = [one.name for one in judged.metrics]
        asked = _known_or_all(metric, measured, "metric", owner=f"protocol {judged.name!r}") or measured[0]
        if not metric_format(self._content, asked, ranked=True).ranked:
            raise SpecError(f"scores in {asked!r} are not compared: they are of random features", hint="name another")
        test = paired_test(self._content, found, judged, asked, first, second)
        if test is None:
            raise SpecError(
                f"{first!r} and {second!r} have no picture of {found.name!r} on which both were measured in {asked!r}",
                hint="see the column not_measured of scores(), and what failed: sirr-orch report",
            )
        return Difference(
            first,
            second,
            found.name,
            judged.name,
            asked,
            test.n,
            test.won,
            test.lost,
            test.difference,
            test.typical,
            test.low,
            test.high,
            test.p,
            test.outcome,
            test.better,
            test.needs,
        )

    def picture(self, entrant: str, dataset: str, picture: str, *, reflection: bool = False) -> np.ndarray:
        """Return a picture: what an entrant answered, or with 'input' or 'truth' for the entrant, that of the dataset.

        Args:
            picture: Its name in the dataset, or as the report shows it.
            reflection: The reflection instead of the scene behind it, where there is one; with 'truth' the dataset's.

        Returns:
            float32, (H, W, 3), RGB, 0 to 1, sRGB as in the file: not linear.

        Raises:
            SpecError: For a name that the run does not have, or a picture that is not there, with why.
            OutputInvalid: Where its file is not the one that was made.
        """
        path = self._path(entrant, dataset, picture, reflection=as_bool(reflection, "reflection"))
        return as_floats(pixels_of(path, self._digests.get(path.absolute())))

    @cached_property
    def _content(self) -> told.ReportContent:
        from orchestrator.execute.report_content import measured_content  # noqa: PLC0415 - slow to import

        return measured_content(self._results)

    @cached_property
    def _digests(self) -> Mapping[Path, str]:
        return file_digests(self._results)

    def _path(self, entrant: str, dataset: str, picture: str, *, reflection: bool) -> Path:
        self._check_entrant(entrant)
        _known(dataset, self._results.document.test, "dataset")
        prepared = next(one for one in self._content.datasets if one.name == dataset)
        items = {item.id: item for item in prepared.items}
        own_names = {normalize("NFC", name): identifier for identifier, name in picture_names(prepared).items()}
        identifier = own_names.get(normalize("NFC", as_text(picture, "picture")), picture)
        picture = _known(identifier, list(items), "picture", owner=f"dataset {dataset!r}")
        what = f"the {'reflection' if reflection else 'picture'} {picture!r} of {entrant!r} on {dataset!r}"
        if entrant in CONTROLS:
            layer = "reflection" if reflection else CONTROLS[entrant].layer
            path = None if reflection and entrant != TRUTH else getattr(items[picture], layer)
            return _there(path, what, "the dataset has none")
        answered = predictions(self._content, entrant, dataset)
        if isinstance(answered, NotMeasured):
            raise SpecError(f"{what} is not there: {answered.why}", hint="run the experiment to its end")
        answer = next((one for one in answered.items if one.id == picture), None)
        if answer is None:
            return _there(None, what, (answered.failed or {}).get(picture, "there is no answer"))
        return _there(answer.reflection if reflection else answer.transmission, what, "the entrant gives none")

    def _check_entrant(self, name: str, *, groups: bool = False) -> None:
        known = [one.name for one in self.entrants]
        if groups:
            known += [one.group for one in self.entrants if one.group]
        _known(name, list(dict.fromkeys(known)), "entrant")

    def _scored_dataset(self, name: str | None) -> told.Dataset:
        document = self._results.document
        scored = [one for one in document.test if document.dataset(one).role == "pairs"]
        if name is None and len(scored) != 1:
            raise SpecError(
                f"the run has {len(scored)} datasets with scores: {', '.join(scored) or 'none'}",
                hint="name one of them by dataset=" if scored else "choose a run with a dataset of pairs",
            )
        wanted = _known_or_all(name, scored, "dataset with scores") or scored[0]
        return next(one for one in self._content.datasets if one.name == wanted)

    def _protocol(self, name: str | None) -> Protocol:
        known = {one.name: one for one in self.protocols}
        if name is None:
            return primary_protocol(self._content)
        _known(name, list(known), "protocol")
        found = {str(key): one for key, one in known.items()}[name]
        if not found.ranked:
            raise SpecError(f"scores of {name!r} are not compared: {found.fault}", hint="name another protocol")
        return found


def _opened(store: str | Path | None) -> Store:
    return opened_store(store_folder(as_path_or_none(store, "store")))


def _known_or_all(name: str | None, known: Sequence[str], what: str, owner: str = "the run") -> str | None:
    """Return a name that is known, or None; raises as `_known`."""
    return None if name is None else _known(name, known, what, owner)


def _known(name: str, known: Sequence[str], what: str, owner: str = "the run") -> str:
    """Return a name that is known.

    Raises:
        SpecError: For one that is not, and for what is no name.
    """
    if as_text(name, what) in known:
        return name
    more = f" and {len(known) - _MOST_NAMED} more" if len(known) > _MOST_NAMED else ""
    there = f"it has: {', '.join(known[:_MOST_NAMED])}{more}" if known else "it has none"
    raise SpecError(
        f"{owner} has no {what} {name!r}{suggestion(name, known)}; {there}",
        hint="choose one of them" if known else "choose another run, or another revision of it",
    )


def _there(path: Path | None, what: str, why: str) -> Path:
    if path is None:
        raise SpecError(f"{what} is not there: {why}", hint="choose another")
    return path


def _training_seed(entrant: EntrantEntry) -> int | None:
    return entrant.seed if entrant.kind == "model" and entrant.checkpoint is None else None


def _kind(kind: str) -> EntrantKind:
    match kind:
        case "onnx" | "program" | "authors" | "predictions":
            return kind
        case _:
            return "model"
