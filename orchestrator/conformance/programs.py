"""The checks of a plug-in's program: it is run on generated pictures, again, killed, and given a damaged one."""

from collections.abc import Iterator
from pathlib import Path

from orchestrator.conformance.answers import (
    Wrong,
    array_problems,
    fact_problems,
    file_problems,
    picture_problems,
    record_problems,
    said_problems,
)
from orchestrator.conformance.check_line import Check
from orchestrator.conformance.lines import CheckLines
from orchestrator.conformance.trial import Attempt, Kill, ProgramTrial, Trials
from orchestrator.conformance.trial_pictures import DATASET, cut_off, write_trial_pictures
from orchestrator.store.store import Artifact
from stagekit.results.dataset import DatasetFile
from stagekit.results.predictions import PredictionsFile

_ANSWERS = "answers a prepared dataset: odd sizes, a grey picture, one of 16 bits"
_RECORD = "its predictions.json is valid and answers every picture"
_FACTS = "nothing that differs from run to run stands among its results"
_FILES = "it leaves nothing that predictions.json does not name"
_PICTURES = "its pictures can be read and have the sizes of what they answer"
_ARRAYS = "its answers are there as floats where these are asked for"
_SAID = "what it prints is valid, and says how far it is"
_AGAIN = "a second run leaves the same bits"
_THREADS = "a run with one thread leaves the same bits"
_KILLED = "killed and run again it leaves the same bits"
_LIMITS = "it runs with the least and the most values of its parameters"
_DAMAGED = "it refuses a damaged picture in words"

_RANDOM = "seed every generator, iterate over sorted names, and write neither times nor paths into results"


def program_checks(name: str, trials: Trials) -> Iterator[Check]:
    """Yield what holds of a program, each as soon as it is known."""
    pictures, damaged = trials.folder / DATASET, trials.folder / "damaged-pictures"
    pictures.mkdir()
    damaged.mkdir()
    dataset = write_trial_pictures(pictures)
    cut_off(damaged, write_trial_pictures(damaged).items[0])
    yield from _ProgramChecks(ProgramTrial(name, trials), pictures, dataset).all(damaged)


class _ProgramChecks:
    def __init__(self, trial: ProgramTrial, pictures: Path, dataset: DatasetFile) -> None:
        self._trial = trial
        self._pictures = pictures
        self._dataset = dataset
        self._checks = CheckLines(f"program {trial.spec.name}")

    def all(self, damaged: Path) -> Iterator[Check]:
        attempt = self._trial.attempt("first", self._pictures)
        if attempt.artifact is None:
            yield self._checks.missing(_ANSWERS, attempt)
            later = (_RECORD, _FACTS, _FILES, _PICTURES, _ARRAYS, _SAID, _AGAIN, _THREADS, _KILLED, _LIMITS, _DAMAGED)
            yield from self._checks.not_checked(later, "it does not answer its pictures")
            return
        yield self._checks.line(_ANSWERS, "passed")
        yield from self._answers(attempt, attempt.artifact)
        yield self._checks.rule(_SAID, said_problems(attempt))
        yield self._checks.same(_AGAIN, attempt.artifact, self._trial.attempt("second", self._pictures), _RANDOM)
        yield self._one_thread(attempt.artifact)
        yield self._killed(attempt.artifact)
        yield self._limits()
        yield self._refusal(self._trial.attempt("damaged", damaged))

    def _answers(self, attempt: Attempt, artifact: Artifact) -> Iterator[Check]:
        record = self._checks.rule(_RECORD, record_problems(artifact, self._dataset))
        yield record
        rules: dict[str, Iterator[Wrong]] = {
            _FACTS: fact_problems(PredictionsFile, artifact),
            _FILES: file_problems(artifact),
            _PICTURES: picture_problems(artifact, self._dataset),
            _ARRAYS: array_problems(artifact, self._dataset),
        }
        if record.outcome == "failed":
            yield from self._checks.not_checked(rules, "its predictions.json is not valid")
        else:
            yield from (self._checks.rule(title, rule) for title, rule in rules.items())

    def _one_thread(self, artifact: Artifact) -> Check:
        if "predict" in self._trial.image.pinned_threads:
            return self._checks.line(
                _THREADS, "not checked", "'pinned_threads' says that its bits depend on their number"
            )
        remedy = "write pinned_threads: [predict] into image.yaml, or compute so that the number does not matter"
        return self._checks.same(
            _THREADS, artifact, self._trial.attempt("one-thread", self._pictures, threads=1), remedy
        )

    def _killed(self, artifact: Artifact) -> Check:
        moments: tuple[Kill, ...] = ("at its first progress", "at its start")
        for number, moment in enumerate(moments):
            place = f"killed-{number}"
            if self._trial.attempt(place, self._pictures, kill=moment).killed:
                remedy = "write each file beside its name and rename it, and believe nothing that lies in the output"
                check = self._checks.same(_KILLED, artifact, self._trial.attempt(place, self._pictures), remedy)
                return Check(check.subject, check.title, check.outcome, check.words or f"killed {moment}", check.remedy)
        return self._checks.line(_KILLED, "not checked", "each time it had ended before it was killed")

    def _limits(self) -> Check:
        parameters = self._trial.spec.parameters
        if not parameters:
            return self._checks.line(_LIMITS, "not checked", "it takes no parameters")
        for word in ("least", "most"):
            values = {name: getattr(parameter, word) for name, parameter in parameters.items()}
            attempt = self._trial.attempt(word, self._pictures, parameters=values)
            if attempt.artifact is None:
                shown = ", ".join(f"{name}={value:g}" for name, value in values.items())
                check = self._checks.missing(_LIMITS, attempt)
                remedy = check.remedy or f"correct 'least' and 'most' in {self._trial.spec.name}.yaml, or the program"
                return Check(check.subject, check.title, "failed", f"with {shown}: {check.words}", remedy)
        return self._checks.line(_LIMITS, "passed")

    def _refusal(self, attempt: Attempt) -> Check:
        remedy = "read each picture whole, and raise stagekit.BadInput(what, what to do) where that fails"
        return self._checks.refusal(_DAMAGED, attempt, "it answered a picture that ends in the middle", remedy)
