"""ONNX files of an experiment: what in them is taken, where their data lie, and what is wrong with them."""

import os
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from orchestrator.inside import path_inside
from orchestrator.spec.document import Document, Location, place_of
from orchestrator.spec.experiment import Experiment
from orchestrator.spec.onnx_choice import OnnxChoice
from orchestrator.spec.onnx_header import NotOnnx, OnnxHeader, Side, TensorForm, onnx_header
from orchestrator.spec.plain_words import count
from orchestrator.spec.problems import Problem, listed, suggestion

TRANSMISSION, REFLECTION = "transmission", "reflection"
_OWN_OUTPUTS = re.compile(rf"{TRANSMISSION}(_\d+)?|{REFLECTION}")
"""Names that outputs have in the project's own networks: such are all taken."""

_IMAGE = "image"
_OLDEST = 11
"""Operator set of which inference knows the operations."""

Mistake = tuple[str, str, str | None]
"""Field of the entrant, words, hint."""

_KINDS = ("float32", "float16")
_EXPORT = (
    "export it with free height and width, such as dynamic_axes={'INPUT': {2: 'height', 3: 'width'}} of "
    "torch.onnx.export; or, where its layers take any size and the file only names that of an example, write "
    "'free_size: true': it is tried then"
)


@dataclass(frozen=True)
class ResolvedOnnx:
    """A network in an ONNX file that takes part in the comparison.

    Attributes:
        path: Absolute path of the file.
        input: The file's name of its input.
        outputs: The file's name of each output that is taken, by what it is called here.
        data: Absolute path of each file that holds its data, by the location that the network names.
    """

    choice: OnnxChoice
    path: Path
    input: str
    outputs: Mapping[str, str]
    data: Mapping[str, Path]

    @property
    def label(self) -> str:
        """The name under which the comparison shows it."""
        return self.choice.label

    @property
    def title(self) -> str:
        """What the report calls it."""
        return self.choice.title or self.choice.label


def resolved_onnx(choice: OnnxChoice, path: Path) -> ResolvedOnnx:
    """Return a network whose file `onnx_problems` has nothing against.

    Args:
        path: The experiment's file, where relative paths start.
    """
    file = _file(choice, path)
    header = onnx_header(file)
    data = {location: _data_path(file, location) for location in header.locations}
    return ResolvedOnnx(choice, file, choice.input or header.inputs[0].name, _outputs(choice, header), data)


def onnx_problems(experiment: Experiment, path: Path, document: Document | None) -> Iterator[Problem]:
    """Yield ONNX files that are not there, are none, or are not as the experiment says."""
    for number, choice in enumerate(experiment.models):
        if isinstance(choice, OnnxChoice):
            for field, words, hint in onnx_mistakes(choice, _file(choice, path)):
                location: Location = ("models", number, field)
                yield Problem(f"the network {choice.name!r}: {words}", place_of(document, location), hint)


def keeps_contract(header: OnnxHeader) -> bool:
    """Whether names and kinds in a file are those of the project's own networks, with nothing beside the file."""
    taken = [(one.name, one.kind) for one in header.inputs]
    answers = {one.name for one in header.outputs}
    return (
        taken == [(_IMAGE, "float32")] and TRANSMISSION in answers and not header.locations and header.opset >= _OLDEST
    )


def onnx_mistakes(choice: OnnxChoice, file: Path) -> Iterator[Mistake]:
    """Yield what is wrong with a file, or with what is said of it.

    Args:
        file: Absolute path of it.
    """
    try:
        plain = stat.S_ISREG(file.stat().st_mode)
        header = onnx_header(file) if plain else None
    except NotOnnx as error:
        yield "onnx", f"{str(file)!r} {error}", "name an ONNX file; checkpoints are exported to one first"
        return
    except OSError as error:
        hint = "correct the path; a relative path starts at the file that names it"
        yield "onnx", f"{str(file)!r} cannot be read: {error.strerror}", hint
        return
    if header is None:
        yield "onnx", f"{str(file)!r} is no file", "name the ONNX file itself"
        return
    mistakes = [*_input_mistakes(choice, header), *_output_mistakes(choice, header)]
    yield from mistakes or _answer_mistakes(choice, header)
    yield from _data_mistakes(file, header)


def _input_mistakes(choice: OnnxChoice, header: OnnxHeader) -> Iterator[Mistake]:
    names = [one.name for one in header.inputs]
    if choice.input is not None and choice.input not in names:
        close = suggestion(choice.input, names) or f"; there are {listed(names) or 'none'}"
        yield "input", f"it has no input {choice.input!r}{close}", None
    elif len(names) != 1:
        words = f"it has {len(names)} inputs, {', '.join(map(repr, names))}: a picture goes into one alone"
        yield "onnx", words if names else "it has no input", "export it with the picture as its only input"
    else:
        yield from _form_mistakes(choice, header.inputs[0])


def _form_mistakes(choice: OnnxChoice, taken: TensorForm) -> Iterator[Mistake]:
    sides, mistakes = taken.sides, list(channel_mistakes(choice, taken))
    if taken.kind not in _KINDS:
        words = f"{_taken_form(taken)}; it has to take float32 or float16"
        yield "onnx", words, "convert its input, or put a Cast before it"
    elif mistakes:
        yield from (("onnx", words, hint) for words, hint in mistakes)
    elif (sides[2] or sides[3]) and not choice.free_size:
        words = f"it is fixed to pictures of {sides[2] or 'any'} x {sides[3] or 'any'} pixels"
        yield "onnx", words, _EXPORT.replace("INPUT", taken.name)
    elif choice.free_size and not (sides[2] or sides[3]):
        yield "free_size", "its file names no size that could be freed", "leave 'free_size' out"


def _taken_form(taken: TensorForm) -> str:
    return f"it takes {taken.kind or 'no tensor'}, {_sides_in_words(taken.sides)}"


def channel_mistakes(choice: OnnxChoice, taken: TensorForm) -> Iterator[tuple[str, str]]:
    """Yield in words that an input does not take one picture with the channels that are said of it, and what helps."""
    sides, wanted, shown = taken.sides, choice.input_channels, _taken_form(taken)
    form = f"1 x {wanted} x H x W"
    if len(sides) != 4 or sides[0] not in {None, 1}:
        yield f"{shown}; it has to take one picture, {form}", "export it for a batch of one"
    elif sides[1] in {None, wanted} and (sides[1] is not None or sides[3] != wanted):
        return
    elif sides[3] == wanted or sides[1] is None:
        yield f"{shown}, with the channels last; it has to take {form}", "export it with the channels first"
    else:
        said = ["each colour alone"] if choice.channels == "each" else []
        said += [count(len(choice.further_channels), "further channel")] if choice.further_channels else []
        means = f"with {' and '.join(said)} it would take" if said else "it has to take"
        yield f"{shown}, pictures of {count(sides[1], 'channel')}; {means} {form}", _channels_hint(choice, sides[1])


def _channels_hint(choice: OnnxChoice, found: int) -> str:
    """Return what can be said of a network that takes another number of channels than is said of it."""
    each = "write 'channels: each' where red, green and blue are to go through it one after the other"
    numbers = len(choice.further_channels)
    if choice.channels == "each" and found >= 3:
        behind = f", and write 'further_channels' with {count(found - 3, 'number')}" if found > 3 else ""
        behind = ", and 'further_channels'" if numbers and found == 3 else behind
        return f"leave 'channels: each' out{behind}: it takes red, green and blue at once"
    of_picture = 1 if choice.channels == "each" else 3
    if numbers and found == of_picture:
        return "leave 'further_channels' out: it takes the picture alone"
    if (numbers or choice.channels == "each") and found > of_picture:
        given = f", not {numbers}" if numbers else ""
        return f"write 'further_channels' with {count(found - of_picture, 'number')}{given}"
    if found == 1:
        return f"leave 'further_channels' out, and {each}" if numbers else each
    further = (
        "'further_channels: [NUMBER, ...]' with what those behind the picture's hold everywhere, such as a noise "
        "level, or 1 for opaque; what differs from picture to picture, such as a mask, cannot be given"
    )
    return f"{each}, and {further}" if found == 2 else f"write {further}"


def _sides_in_words(sides: tuple[Side, ...]) -> str:
    return " x ".join("?" if side is None else str(side) for side in sides)


def _output_mistakes(choice: OnnxChoice, header: OnnxHeader) -> Iterator[Mistake]:
    names = [one.name for one in header.outputs]
    for field in ("output", "reflection"):
        asked = getattr(choice, field)
        if asked is not None and asked not in names:
            close = suggestion(asked, names) or f"; there are {listed(names) or 'none'}"
            yield field, f"it has no output {asked!r}{close}", None
    if choice.output is None and TRANSMISSION not in names and len(_possible_answers(choice, header)) != 1:
        words = f"it has the outputs {', '.join(map(repr, names))}" if names else "it has no output"
        yield "onnx", words, "write 'output:' with the one that is the picture without its reflection"


def _answer_mistakes(choice: OnnxChoice, header: OnnxHeader) -> Iterator[Mistake]:
    """Yield what is wrong with the forms of the outputs that are taken, as far as the file tells them."""
    taken = header.inputs[0]
    fields = {choice.output: "output", choice.reflection: "reflection"}
    wanted = set(_outputs(choice, header).values())
    for answer in header.outputs:
        if answer.name not in wanted or _can_be_picture(choice, answer, taken.sides):
            continue
        sides = answer.sides
        form = f"1 x {choice.answer_channels[-1]} x H x W"
        shown = f"its output {answer.name!r} is {answer.kind}, {_sides_in_words(sides)}"
        words, hint = f"{shown}; it has to be {form}, of the picture's size", "export it with an answer of this form"
        if answer.kind not in _KINDS:
            words, hint = f"{shown}; it has to be float32 or float16", "put a Cast behind it"
        elif len(sides) == 4 and _has_channels_last(choice, answer):
            words = f"{shown}, with the channels last; it has to be {form}"
            hint = "export it with the channels first"
        others = [one.name for one in header.outputs if one.name not in wanted]
        if others and choice.output is None:
            hint = f"{hint}, or write 'output:' with another of its outputs"
        yield fields.get(answer.name, "onnx"), words, hint


def _data_mistakes(file: Path, header: OnnxHeader) -> Iterator[Mistake]:
    for location, needed in header.locations.items():
        try:
            path = _data_path(file, location)
        except ValueError as error:
            hint = "put the data themselves beside the network, no link; where it names another place, save it anew"
            yield "onnx", f"it keeps data in another file: {error}", hint
            continue
        if not path.is_file():
            hint = "bring it back beside the network, under this name"
            yield "onnx", f"it keeps data in {location!r}, which does not lie beside it", hint
        elif (found := path.stat().st_size) < needed:
            words = f"it keeps data in {location!r}, which has {found:,} bytes, and {needed:,} are read of it"
            yield "onnx", words, "bring the whole file: copies that were cut off, and pointers of Git LFS, hold less"


def _outputs(choice: OnnxChoice, header: OnnxHeader) -> dict[str, str]:
    """Return the outputs that are taken; of a network with this project's names all that it has of them."""
    names = [one.name for one in header.outputs]
    if choice.output is None and TRANSMISSION in names:
        found = {name: name for name in names if _OWN_OUTPUTS.fullmatch(name)}
    else:
        found = {TRANSMISSION: choice.output or _possible_answers(choice, header)[0]}
    return found if choice.reflection is None else {**found, REFLECTION: choice.reflection}


def _possible_answers(choice: OnnxChoice, header: OnnxHeader) -> list[str]:
    """Return the outputs that can be a picture, as far as the file tells their forms; the only one is one."""
    if len(header.outputs) == 1:
        return [header.outputs[0].name]
    taken = header.inputs[0].sides if len(header.inputs) == 1 else ()
    return [one.name for one in header.outputs if _can_be_picture(choice, one, taken)]


def _can_be_picture(choice: OnnxChoice, answer: TensorForm, taken: tuple[Side, ...]) -> bool:
    """Whether an output can have the form of the picture that goes in, as far as the file tells it."""
    if answer.kind and answer.kind not in _KINDS:
        return False
    if not answer.sides:
        return True
    if len(answer.sides) != 4 or answer.sides[0] not in {None, 1} or _has_channels_last(choice, answer):
        return False
    if answer.sides[1] not in {None, *choice.answer_channels}:
        return False
    fixed = zip(answer.sides[2:], taken[2:], strict=False)
    return all(side is None or wanted is None or side == wanted for side, wanted in fixed)


def _has_channels_last(choice: OnnxChoice, answer: TensorForm) -> bool:
    """Whether an output of four sides has the channels behind height and width; a free side is none of them."""
    return answer.sides[3] in choice.answer_channels and answer.sides[1] not in choice.answer_channels


def taken_in_words(network: ResolvedOnnx) -> str | None:
    """Return which input and outputs of a file are taken, in words; None where it says so by their names."""
    names = dict(network.outputs)
    if network.input == _IMAGE and all(source == name for name, source in names.items()):
        return None
    answers = " and ".join(f"its output {source!r} is the {name}" for name, source in names.items())
    return f"{network.path.name}: the picture goes into its input {network.input!r}, and {answers}"


def _file(choice: OnnxChoice, path: Path) -> Path:
    return Path(os.path.normpath(path.absolute().parent / choice.onnx.expanduser()))


def _data_path(file: Path, location: str) -> Path:
    """Return where a network's data lie.

    Raises:
        ValueError: Where that is outside of the file's folder.
    """
    return path_inside(file.parent, location.removeprefix("./"))
