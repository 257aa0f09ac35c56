"""What takes photographs to their results: a network of a run or of a file, or a program."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from orchestrator.errors import InputInvalid, SirrError, SomeFailed, SpecError
from orchestrator.execute.events import Listener
from orchestrator.execute.onnx_file import helpful_options, usable_network
from orchestrator.execute.removal import Removal
from orchestrator.execute.run_results import recorded_results, refuse_without_network
from orchestrator.plan.answers import finish_stage, predict_stage
from orchestrator.plan.plan import infer_stage, prepare_stage
from orchestrator.plan.stage import Digest, Source, Stage
from orchestrator.spec.dataset import PhotosDataset
from orchestrator.spec.entrants import ProgramChoice
from orchestrator.spec.experiment import Inference
from orchestrator.spec.library import Library
from orchestrator.spec.names import Device
from orchestrator.spec.problems import listed
from orchestrator.spec.program_choice import ResolvedProgram, resolved_program
from orchestrator.store.reference import RunReference, model_reference
from orchestrator.store.run_document import RunDocument
from orchestrator.store.run_entries import PROGRAM
from orchestrator.store.runs import recorded_runs, run_document
from orchestrator.store.store import Store

_MEMORY_BYTES = 8 * 2**30
_NETWORK_KINDS = {"export", "wrap"}
_MOST_NAMED = 4


@dataclass(frozen=True)
class Common:
    """What an experiment says of how its pictures go through its networks."""

    inference: Inference = field(default_factory=Inference)
    memory: int | None = None
    device: Device = "cpu"


@dataclass(frozen=True)
class NetworkMethod:
    """Photographs through a network: all of them at once, as each is told when it is done.

    Attributes:
        removal: What was asked for.
        network: Its file, or the folder of its export.
        run: Below whose name the logs lie.
        content: Digest of the network.
    """

    removal: Removal
    network: Path
    run: str
    common: Common
    content: str = ""
    group_bytes = None
    group_pictures = None

    @property
    def device(self) -> Device:
        """What it computes on."""
        return self.common.device

    def prepared(self, store: Store, listener: Listener, say: Callable[[str], None]) -> "NetworkMethod":
        """Return it with a network as inference takes it.

        Raises what `prepared_network` raises.
        """
        network = prepared_network(self.network, self.removal, listener, say)
        return replace(self, network=network, content=store.digest(network))

    def chain(self, folder: Path, dataset: str, digest: Digest) -> list[Stage]:
        """Return the stages that photographs go through; the last one leaves the results.

        Args:
            folder: With the photographs.
            dataset: What they are called together.
        """
        removal, common = self.removal, self.common
        infer = infer_stage(
            removal.model.partition("/")[2] if removal.model else "network",
            dataset,
            _inference(removal, common),
            device=common.device,
            memory_bytes=common.memory,
            arrays=removal.arrays,
            as_photos=not removal.of_arrays,
            each_alone=True,
        )
        sources = {"network": Source(self.network, self.content)}
        if removal.of_arrays:
            return [replace(infer, inputs={}, sources={**sources, "dataset": Source(folder, digest(folder))})]
        photos = PhotosDataset(kind="photos", folder=folder, pictures="*")
        prepare = prepare_stage(dataset, photos, digest, memory_bytes=common.memory, each_alone=True)
        inputs = {name: source for name, source in infer.inputs.items() if name != "network"}
        return [prepare, replace(infer, inputs=inputs, sources=sources)]


@dataclass(frozen=True)
class ProgramMethod:
    """Photographs through a program: few at a time, for it leaves no result before its last picture is done.

    Attributes:
        memory_bytes: That each of its stages gets.
    """

    program: ResolvedProgram
    memory_bytes: int
    device: Device = "cpu"
    group_bytes = 8 * 2**20
    group_pictures = 16

    @property
    def run(self) -> str:
        """Below which name the logs lie."""
        return self.program.label

    def prepared(self, _store: Store, _listener: Listener, _say: Callable[[str], None]) -> "ProgramMethod":
        """Return it as it is."""
        return self

    def chain(self, folder: Path, dataset: str, digest: Digest) -> list[Stage]:
        """Return the stages that photographs go through, as those of a network."""
        photos = PhotosDataset(kind="photos", folder=folder, pictures="*")
        return [
            prepare_stage(dataset, photos, digest, each_alone=True, memory_bytes=self.memory_bytes),
            predict_stage(self.program, dataset, memory_bytes=self.memory_bytes),
            finish_stage(self.program, dataset, memory_bytes=self.memory_bytes),
        ]


Method = NetworkMethod | ProgramMethod
"""A way from photographs to results."""


def chosen_method(removal: Removal, store: Store, say: Callable[[str], None]) -> Method:
    """Return what photographs are taken through; where nothing was named, say which program it is, and what is better.

    Raises:
        SpecError: Where there is no such network or program, or it does not do what is asked for.
    """
    if removal.onnx is not None:
        return NetworkMethod(removal, *found_network(removal, store))
    if removal.model is None:
        spec = removal.library.default_program
        about = f", which {spec.about}" if spec.about else ""
        say(f"no --model is named: taken is {spec.name} ({spec.title}){about}")
        say(_better(store))
        return _program_method(
            resolved_program(ProgramChoice(program=spec.name), removal.library), removal, removal.memory_bytes
        )
    if "/" not in removal.model:
        if removal.model not in removal.library.program_names:
            known = ", ".join(_networks(store)) or "none of a network yet"
            raise SpecError(
                f"{removal.model!r} is neither RUN/MODEL nor a program",
                where=f"store {store.root}",
                hint=f"name a network of this store ({known}), or the program {listed(removal.library.program_names)}",
            )
        named = resolved_program(ProgramChoice(program=removal.model), removal.library)
        return _program_method(named, removal, removal.memory_bytes)
    recorded = _recorded_program(removal.model, removal.library, store)
    if recorded is None:
        return NetworkMethod(removal, *found_network(removal, store))
    program, memory = recorded
    return _program_method(program, removal, removal.memory_bytes or memory)


def _better(store: Store) -> str:
    """Return which networks there are, or how to come by one."""
    networks = list(_networks(store))
    if not networks:
        return (
            "a trained network can do better: train some (sirr-orch run SPEC), or adopt a checkpoint that was released "
            "(sirr-orch adopt NETWORK FILE), and name one by --model RUN/MODEL"
        )
    more = f" and {len(networks) - _MOST_NAMED} more" if len(networks) > _MOST_NAMED else ""
    named = ", ".join(networks[:_MOST_NAMED])
    return f"networks of this store, which can do better where they saw enough pictures: --model {named}{more}"


def _networks(store: Store) -> Iterator[str]:
    """Yield the exported networks of a store's runs as RUN/MODEL; of runs that cannot be read none."""
    for name in recorded_runs(store):
        with contextlib.suppress(SirrError):
            document = run_document(store, RunReference(name))
            for stage in document.stages:
                if stage.kind in _NETWORK_KINDS and stage.key is not None and store.artifact(stage.key) is not None:
                    label = stage.name.partition("/")[2]
                    if "@" not in label:  # weights of an earlier epoch
                        yield f"{name}/{label}"


def _recorded_program(model: str, library: Library, store: Store) -> tuple[ResolvedProgram, int | None] | None:
    """Return the program that RUN/MODEL names, with that run's numbers and memory; None where it names none."""
    reference = model_reference(model)
    document = run_document(store, reference.run)
    for entrant in document.entrants:
        if entrant.label == reference.model and entrant.kind == PROGRAM:
            named = {"program": entrant.spec, "name": entrant.label, "parameters": entrant.recipe}
            _refuse_without_plugin(entrant.spec, document, library)
            return resolved_program(ProgramChoice.model_validate(named), library), document.memory_bytes
    return None


def _refuse_without_plugin(program: str, document: RunDocument, library: Library) -> None:
    """Raise SpecError where a program came with a plug-in that is not at hand: its image is built of that folder."""
    brought = next((one for one in document.plugins if f"program {program}" in one.brings), None)
    if brought is not None and program not in library.program_names:
        raise SpecError(
            f"the program {program!r} of the run {document.name!r} is of the plug-in {brought.name!r}, which is not "
            "at hand",
            hint="name its folder with --plugins, or in SIRR_PLUGINS",
        )


def _program_method(program: ResolvedProgram, removal: Removal, memory: int | None) -> Method:
    asked = {"--tile": removal.tile is not None, "--whole": removal.whole, "--arrays": removal.arrays}
    refused = [option for option, wanted in asked.items() if wanted]
    if refused:
        raise SpecError(
            f"{refused[0]} does not go with {program.label!r}: a program answers whole pictures by pictures",
            hint=f"leave {refused[0]} out, or name a network by --model RUN/MODEL",
        )
    if removal.of_arrays:
        raise SpecError(f"{program.label!r} is a program, and takes no arrays", hint="give pictures, or name a network")
    return ProgramMethod(program, memory or _MEMORY_BYTES)


def found_network(removal: Removal, store: Store) -> tuple[Path, str, Common]:
    """Return the exported network, the run that it belongs to, and how that run's pictures go through it.

    Raises:
        SpecError: Where there is none.
    """
    if removal.onnx is not None:
        if not removal.onnx.is_file():
            raise SpecError(f"no such network: {removal.onnx}", hint="check the path")
        return removal.onnx.absolute(), "onnx", Common(memory=removal.memory_bytes or _MEMORY_BYTES)
    reference = model_reference(removal.model or "")
    results = recorded_results(reference.run, store)
    document = results.document
    refuse_without_network(document, reference)
    stages = {stage.name.partition("/")[2]: stage.name for stage in document.stages if stage.kind in _NETWORK_KINDS}
    if reference.model not in stages:
        raise SpecError(
            f"run {str(reference.run)!r} has no model {reference.model!r}; it has: {', '.join(stages)}",
            hint="choose one of them",
        )
    artifact = results.artifacts.get(stages[reference.model])
    if artifact is None:
        raise SpecError(
            f"the model {str(reference)!r} is not exported yet",
            hint=f"run the experiment {document.name!r} to its end first; or: sirr-orch export {reference}",
        )
    memory = removal.memory_bytes or document.memory_bytes
    device: Device = "cuda" if document.device == "cuda" else "cpu"
    common = Common(Inference.model_validate(document.inference), memory, device)
    return artifact.output, document.name, common


def prepared_network(network: Path, removal: Removal, listener: Listener, say: Callable[[str], None]) -> Path:
    """Return a found network as inference takes it: a file from outside may have to be wrapped first.

    Raises what `usable_network` raises.
    """
    if removal.onnx is None:
        return network
    return usable_network(
        network, removal.declared, removal.execution(listener, say), removal.memory_bytes or _MEMORY_BYTES
    )


@contextlib.contextmanager
def hinting_at_options(removal: Removal, listener: Listener, say: Callable[[str], None]) -> Iterator[None]:
    """Give what is done with a network; where it is a file that is refused, the error tells the options that help."""
    try:
        yield
    except (InputInvalid, SomeFailed) as error:
        if removal.onnx is not None and removal.declared is None:
            request, memory = removal.execution(listener, say), removal.memory_bytes or _MEMORY_BYTES
            error.hint = helpful_options(removal.onnx.absolute(), request, memory) or error.hint
        raise


def _inference(removal: Removal, common: Common) -> Inference:
    if removal.tile:
        return Inference(mode="tiles", tile=removal.tile)
    return Inference(mode="whole") if removal.whole else common.inference
