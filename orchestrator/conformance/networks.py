"""The checks of a plug-in's network: trained, killed, exported, taken through tiles, released, adopted, spoiled."""

from collections.abc import Iterator
from pathlib import Path

from orchestrator.conformance.answers import Wrong, difference, form_problems, said_problems
from orchestrator.conformance.check_line import Check, failed
from orchestrator.conformance.lines import CheckLines
from orchestrator.conformance.network_answers import (
    parity_problems,
    place_problems,
    shape_problems,
    tiled_memory,
    tiles_compared,
)
from orchestrator.conformance.network_trial import NetworkTrial
from orchestrator.conformance.spoiled_checkpoints import write_cut_off, write_not_finite, write_of_another
from orchestrator.conformance.trial import Attempt, Trials
from orchestrator.errors import OutOfMemory, SirrError
from orchestrator.plan.stage import Stage
from orchestrator.store.store import Artifact
from stagekit.results.adopt import AdoptFile
from stagekit.results.curves import CurvesFile
from stagekit.results.export import ExportFile
from stagekit.results.form import Form
from stagekit.results.plan import PlanFile
from stagekit.results.release import ReleaseFile
from stagekit.results.train import TrainFile

_TRAINS = "it trains a few steps"
_SAID = "what its programs print is valid, and the training says how far it is"
_AGAIN = "a second training leaves the same bits"
_KILLED = "killed after a checkpoint and run again it leaves the same bits"
_EXPORTS = "it is exported, and the ONNX network answers as the native one"
_SHAPES = "its ONNX network takes 'image' of any height and width"
_SIZES = "it answers odd sizes, each at its own size"
_TILES = "tiles give what the whole picture gives"
_ADOPTED = "released and adopted it is the same network"
_CUT_OFF = "it refuses a checkpoint that ends in the middle, in words"
_ANOTHER = "it refuses another network's checkpoint, in words"
_NOT_FINITE = "it refuses a checkpoint with NaN, in words"
_RESULTS = "its results are valid, and nothing that differs from run to run stands among them"

_LATER = (_AGAIN, _KILLED, _EXPORTS, _SHAPES, _SIZES, _TILES, _ADOPTED, _CUT_OFF, _ANOTHER, _NOT_FINITE)
_MORE_EPOCHS = (1, 8, 64)
"""By how much a training is prolonged until a kill finds it at work."""

_RANDOM = "seed every generator, draw for each step from a stream of its own (netkit.sampling.stream), sort file names"
_RESUMED = "keep in the checkpoint all that a step changes: networks, optimisers, what draws random numbers"
_REFUSE = "compare names and shapes, and that all is finite, and raise stagekit.BadInput(what, what to do) where not"


def network_checks(name: str, trials: Trials) -> Iterator[Check]:
    """Yield what holds of a network, each as soon as it is known."""
    subject = f"network {name}"
    try:
        trial = NetworkTrial(name, trials)
    except SirrError as error:
        yield failed(subject, "an experiment can be planned with it", error)
        return
    yield from _NetworkChecks(subject, trial, trials).all()


class _NetworkChecks:
    def __init__(self, subject: str, trial: NetworkTrial, trials: Trials) -> None:
        self._checks = CheckLines(subject)
        self._trial = trial
        self._trials = trials
        self._lines: list[Attempt] = []
        self._left: list[tuple[type[Form], Artifact]] = []

    def all(self) -> Iterator[Check]:
        trained = self._trials.attempt("first", self._trial.train())
        if trained.artifact is None:
            yield self._checks.missing(_TRAINS, trained)
            yield from self._checks.not_checked((_SAID, *_LATER, _RESULTS), "it does not train")
            return
        by = "by the values under 'trial:'" if self._trial.spec.trial else "by its recipe: it has no 'trial:'"
        yield self._checks.line(_TRAINS, "passed", by)
        self._note(trained, TrainFile, CurvesFile)
        yield from self._resumed(trained)
        yield from self._exported_and_released(trained.artifact)
        yield self._checks.rule(_SAID, self._said(trained))
        yield self._checks.rule(_RESULTS, (wrong for form, left in self._left for wrong in form_problems(form, left)))

    def _resumed(self, trained: Attempt) -> Iterator[Check]:
        """Kill a training after its first checkpoint; one that is over before is made longer and tried again."""
        undisturbed, epochs = trained, self._trial.spec.trial_recipe.epochs
        for factor in _MORE_EPOCHS:
            stage = self._trial.train(epochs * factor)
            place = f"killed-{factor}"
            first = self._trials.attempt(place, stage, kill="at its first checkpoint")
            if first.killed:
                if factor > 1:
                    undisturbed = self._trials.attempt("first", stage)
                yield from self._compared(stage, undisturbed, self._trials.attempt(place, stage))
                return
            if first.artifact is None or not first.saved:
                yield from self._never_killed(trained, first)
                return
        yield self._checks.line(_AGAIN, "passed")
        yield self._checks.line(_KILLED, "not checked", "each time it had ended before it was killed")

    def _compared(self, stage: Stage, undisturbed: Attempt, resumed: Attempt) -> Iterator[Check]:
        """Yield whether two trainings left the same bits; only where a resumed one did not, is another one run."""
        if undisturbed.artifact is None or resumed.artifact is None:
            yield self._checks.line(_AGAIN, "not checked", "a training failed")
            yield self._checks.missing(_KILLED, undisturbed if undisturbed.artifact is None else resumed)
            return
        differing = difference(undisturbed.artifact, resumed.artifact)
        if not differing:
            yield self._checks.line(_AGAIN, "passed")
            yield self._checks.line(_KILLED, "passed")
            return
        again = self._checks.same(_AGAIN, undisturbed.artifact, self._trials.attempt("second", stage), _RANDOM)
        yield again
        if again.outcome == "passed":
            yield self._checks.wrong(_KILLED, f"other bits in {differing}", _RESUMED)
        else:
            yield self._checks.line(_KILLED, "not checked", "undisturbed trainings differ by themselves")

    def _never_killed(self, trained: Attempt, first: Attempt) -> Iterator[Check]:
        assert trained.artifact is not None
        yield self._checks.same(_AGAIN, trained.artifact, first, _RANDOM)
        if first.artifact is None:
            yield self._checks.missing(_KILLED, first)
            return
        remedy = (
            "save checkpoints below context.work() and say so by context.checkpoint: netkit.training.TrainingRun does"
        )
        yield self._checks.wrong(_KILLED, "it never says that it has written a checkpoint", remedy)

    def _exported_and_released(self, weights: Artifact) -> Iterator[Check]:
        name = self._trial.spec.name
        export, release = self._trial.export(weights, name), self._trial.release(weights)
        found = self._trials.attempts("first", [export, release], jobs=2)
        self._note(found[export.name], ExportFile)
        self._note(found[release.name], ReleaseFile)
        network = found[export.name].artifact
        if network is None:
            yield self._checks.missing(_EXPORTS, found[export.name])
            yield from self._checks.not_checked((_SHAPES, _SIZES, _TILES), "it is not exported")
        else:
            yield self._checks.rule(_EXPORTS, parity_problems(network, self._trial.spec.export_tolerance))
            yield from self._answers(network)
        yield from self._adoption(found[release.name], weights, network)

    def _answers(self, network: Artifact) -> Iterator[Check]:
        shapes = self._checks.rule(_SHAPES, shape_problems(network))
        yield shapes
        if shapes.outcome == "failed":
            yield from self._checks.not_checked((_SIZES, _TILES), "its ONNX network has another form")
            return
        explained = self._trials.attempt("first", self._trial.explain(network))
        if explained.artifact is None:
            yield self._checks.missing(_SIZES, explained)
            yield from self._checks.not_checked((_TILES,), "its ONNX network cannot be used")
            return
        plan = PlanFile.load(explained.artifact.output).sizes[0]
        stages = [self._trial.infer(network, "exact", tiled_memory(plan)), self._trial.infer(network, "whole")]
        found = self._trials.attempts("first", stages, jobs=2)
        tiled, whole = (found[stage.name] for stage in stages)
        if isinstance(tiled.error, OutOfMemory):  # so little that no tile fits
            tiled = self._trials.attempt("first", self._trial.infer(network, "exact"))
        if tiled.artifact is None:
            yield self._checks.missing(_SIZES, tiled)
            yield from self._checks.not_checked((_TILES,), "it does not answer pictures")
            return
        yield self._checks.rule(_SIZES, place_problems(tiled.artifact, self._trial.dataset))
        if whole.artifact is None:
            yield self._checks.missing(_TILES, whole)
            return
        outcome, words, remedy = tiles_compared(tiled.artifact, whole.artifact, plan)
        yield self._checks.line(_TILES, outcome, words, remedy)

    def _adoption(self, released: Attempt, weights: Artifact, network: Artifact | None) -> Iterator[Check]:
        later = (_CUT_OFF, _ANOTHER, _NOT_FINITE)
        if released.artifact is None:
            yield self._checks.missing(_ADOPTED, released)
            yield from self._checks.not_checked(later, "it is not released")
            return
        good = self._trials.folder / "released"
        files = ReleaseFile.load(released.artifact.output).files
        self._trial.copy_released(released.artifact, files, good)
        adopt = self._trial.adopt(good, self._trial.spec.name)
        spoiled = self._spoiled(good, weights)
        found = self._trials.attempts("first", [adopt, *spoiled.values()], jobs=2)
        self._note(found[adopt.name], AdoptFile)
        adopted = found[adopt.name].artifact
        if adopted is None:
            yield self._checks.missing(_ADOPTED, found[adopt.name])
            yield from self._checks.not_checked(later, "it adopts no good one")
            return
        yield self._same_network(adopted, weights, network)
        for title in later:
            if title in spoiled:
                yield self._checks.refusal(title, found[spoiled[title].name], "it adopted it", _REFUSE)
            else:
                words = "its checkpoints are neither PyTorch's zip files, nor .npz, nor .safetensors"
                yield self._checks.line(title, "not checked", words)

    def _spoiled(self, good: Path, weights: Artifact) -> dict[str, Stage]:
        """Return stages that adopt what must be refused; or the training's own, where files cannot be changed."""
        folder, name, found = self._trials.folder, self._trial.spec.name, {}
        write_cut_off(good, folder / "cut-off")
        found[_CUT_OFF] = self._trial.adopt(folder / "cut-off", f"{name}-cut-off")
        own = folder / "own"
        own.mkdir()
        for path in weights.output.iterdir():
            if path.is_file() and path.suffix != ".json":
                (own / path.name).write_bytes(path.read_bytes())
        for title, label, write in ((_ANOTHER, "another", write_of_another), (_NOT_FINITE, "nan", write_not_finite)):
            for number, source in enumerate((good, own)):
                target = folder / f"{label}-{number}"
                if write(source, target):
                    found[title] = self._trial.adopt(target, f"{name}-{label}")
                    break
        return found

    def _same_network(self, adopted: Artifact, weights: Artifact, network: Artifact | None) -> Check:
        """Compare the files of weights, and where these differ, as by the order of their tensors, the exports."""
        files = {name: record.sha256 for name, record in adopted.manifest.files.items() if not name.endswith(".json")}
        trained = weights.manifest.files
        if files and all(name in trained and trained[name].sha256 == digest for name, digest in files.items()):
            return self._checks.line(_ADOPTED, "passed")
        if network is None:
            return self._checks.line(_ADOPTED, "not checked", "it is not exported, by which the two are compared")
        stage = self._trial.export(adopted, f"{self._trial.spec.name}-adopted")
        remedy = "release every tensor under its own name and as it is, and adopt it so"
        return self._checks.same(_ADOPTED, network, self._trials.attempt("first", stage), remedy)

    def _note(self, attempt: Attempt, *forms: type[Form]) -> None:
        """Keep what a stage printed and left, which is looked at together."""
        self._lines.append(attempt)
        if attempt.artifact is not None:
            self._left += [(form, attempt.artifact) for form in forms]

    def _said(self, trained: Attempt) -> Iterator[Wrong]:
        lines = tuple(line for attempt in self._lines for line in attempt.lines)
        yield from said_problems(Attempt(trained.artifact, None, trained.progress, lines), "steps")
