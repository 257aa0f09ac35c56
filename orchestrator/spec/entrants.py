"""Who takes part in a comparison: models, ONNX files, programs, and what another program has written."""

from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Discriminator, Field, Tag, field_validator, model_validator
from pydantic_core import PydanticCustomError

from orchestrator.spec.base import Forms, Name, StrictModel
from orchestrator.spec.numbers import Number, Seed
from orchestrator.spec.onnx_choice import OnnxChoice
from orchestrator.spec.problems import listed, suggestion
from orchestrator.spec.validation import ENTRANT_ERROR
from stagekit.inside import unsafe_name


class AdoptedWeights(StrictModel):
    """Weights that somebody trained already."""

    checkpoint: Path
    """The authors' checkpoint or one of this program: a file or a folder; a relative path starts at this file.
    Any file of a checkpoint of several names it."""
    entry: str | None = Field(default=None, min_length=1)
    """Which weights to take where a checkpoint holds several sets, such as 'params_ema', or '80' for 80_net_G_T.pth; a
    message lists them. None takes the only set that fits."""


class ModelChoice(StrictModel):
    """A model of the comparison, with what differs from the paper's recipe."""

    model: Name
    """Name of a model spec."""
    name: Name | None = None
    """What this comparison calls it; needed where one model appears twice. Default: the model's name."""
    recipe: dict[str, Any] = Field(default_factory=dict)
    """Fields of the recipe that differ from the paper; each is listed in the report."""
    weights: AdoptedWeights | None = None
    """Adopt a checkpoint instead of training."""
    seed: Seed | None = None
    """Seed of this model's training; None takes the experiment's."""
    seeds: tuple[Seed, ...] = ()
    """Seeds of several trainings of this model, such as [1, 2, 3]: each is a run of its own, called NAME-seed1 and so
    on, and the tables show them as one network with its spread. Empty trains once, with `seed`."""

    @model_validator(mode="after")
    def _one_way_of_seeding(self) -> "ModelChoice":
        if self.seeds and (self.seed is not None or self.weights is not None):
            raise ValueError("'seeds' stands alone: leave out 'seed' and 'weights'")
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError("a seed is listed twice under 'seeds': both runs would be the same")
        return self

    @property
    def label(self) -> str:
        """The name under which the comparison shows this model."""
        return self.name or self.model

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of its runs: its own, or one for every seed."""
        return tuple(f"{self.label}-seed{seed}" for seed in self.seeds) or (self.label,)


class WrittenPictures(StrictModel):
    """Pictures that a program writes under names of its own, compared as a model's answers are."""

    name: Name
    """What this comparison calls them."""
    title: str = ""
    """What the report calls them; the name where empty."""
    pictures: str | None = Field(default=None, min_length=1)
    """Pattern of the files, with {id} for the picture's name, such as '{id}/t_output.png'. None: by the usual ways in
    which programs name what they write; `sirr-orch data match` shows what is taken for what."""
    layer: str | None = None
    """Which of several files of a picture is the answer, by the end of its name, such as 't_output' or 'dsrnet_l'; an
    empty text means the file that is called as the picture alone."""

    @field_validator("pictures")
    @classmethod
    def _pattern(cls, pictures: str | None) -> str | None:
        if pictures is not None and pictures.count("{id}") != 1:
            raise ValueError(f"{pictures!r} has {pictures.count('{id}')} times {{id}}: once, for the picture's name")
        mistake = unsafe_name(pictures) if pictures is not None else ""
        if mistake:
            raise ValueError(f"{pictures!r} is no pattern inside the folder of predictions: it {mistake}")
        return pictures

    @model_validator(mode="after")
    def _one_way_of_naming(self) -> Self:
        if self.pictures is not None and self.layer is not None:
            raise ValueError("'pictures' stands alone: it says with its pattern what 'layer' says; leave that out")
        return self

    @property
    def label(self) -> str:
        """The name under which the comparison shows them."""
        return self.name

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of its runs: its own."""
        return (self.name,)


ITSELF = "."
"""The folder of predictions, where the pictures of a dataset lie in it directly."""


class PredictionsChoice(WrittenPictures):
    """Pictures that another program has written, compared as a model's answers are."""

    predictions: Path
    """A folder with a folder of pictures for each test dataset, called as the dataset is, or a zip file of such; with
    one test dataset alone the pictures may lie in it directly. A relative path starts at this file."""
    source: str = ""
    """Where they come from: paper, program, address, licence. Shown in the report."""
    sets: dict[Name, str | None] = Field(default_factory=dict)
    """Test dataset to its folder inside `predictions`, where that is not called as the dataset is; `.`: its pictures
    lie in `predictions` itself; null: there are none of it."""

    @field_validator("sets")
    @classmethod
    def _inside(cls, sets: dict[str, str | None]) -> dict[str, str | None]:
        for folder in sets.values():
            mistake = unsafe_name(folder) if folder not in {None, ITSELF} else ""
            if mistake:
                raise ValueError(f"{folder!r} is no path inside the folder of predictions: it {mistake}")
        return sets


class AuthorsProgram(StrictModel):
    """An authors' own repository, run as it is in an image whose software fits."""

    image: Name
    """The image that the command runs in: one of this project, or of a plug-in."""
    source: Path
    """Folder of the authors' program, such as a clone; a relative path starts at this file. It is only read: the
    command runs in a copy of it, without what version control keeps."""
    command: str = Field(min_length=1)
    """What runs it on a folder of pictures, as its authors tell: words as a shell splits them, without a shell. In it
    {input} is the folder with the pictures, {output} an empty one for the results, {source} the copy, {weights} the
    weights, and {device} 'cpu' or 'cuda'. Without {output} the new pictures in the copy are the results."""
    weights: Path | None = None
    """A file or folder that the command reads besides, and that is not copied; a relative path starts at this file."""


class AuthorsChoice(WrittenPictures):
    """An authors' program as it is, whose pictures are compared as a model's answers are."""

    program: AuthorsProgram
    """Where it is and how it is run."""
    origin: str = ""
    """Where it comes from: paper, address, licence. Shown in the report."""


class ProgramChoice(StrictModel):
    """A method in an image of its own, which answers pictures by pictures and is not trained."""

    program: Annotated[Name, Forms("the name of a program, or a group of 'field: value' lines")]
    """Name of a program spec."""
    name: Name | None = None
    """What this comparison calls it; needed where one program appears twice. Default: the program's name."""
    parameters: dict[str, Number] = Field(default_factory=dict)
    """Numbers that differ from the paper's; each is listed in the report."""

    @property
    def label(self) -> str:
        """The name under which the comparison shows it."""
        return self.name or self.program

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of its runs: its own."""
        return (self.label,)


_KINDS: dict[str, type[StrictModel]] = {
    "model": ModelChoice,
    "onnx": OnnxChoice,
    "predictions": PredictionsChoice,
    "program": ProgramChoice,
}
"""The kinds of entrants, by the field that says what one is."""


def _of_one_kind(value: object) -> object:
    """Return an entrant as a group of fields, of which exactly one says what it is."""
    fields = {"model": value} if isinstance(value, str) else value
    if not isinstance(fields, dict):
        return value
    named = [field for field in _KINDS if field in fields]
    if len(named) > 1:
        words = f"this entrant has the fields {' and '.join(map(repr, named))}: an entrant is one of them"
        raise _no_entrant(words, named[-1], "keep one; what another names may be an entrant of its own")
    if not named:
        raise _nameless(fields)
    if isinstance(fields.get("model"), str):
        _refuse_file(fields["model"])
    return fields


def _nameless(fields: dict[Any, Any]) -> PydanticCustomError:
    """Return the mistake of an entrant that does not say what it is, or says it with a mistyped field."""
    kinds: list[type[StrictModel]] = [*_KINDS.values(), AuthorsChoice]
    known = {field for kind in kinds for field in kind.model_fields}
    for field in map(str, fields):
        close = suggestion(field, _KINDS) if field not in known else ""
        if close:
            return _no_entrant(f"unknown field {field!r}{close}", field)
    return _no_entrant(f"this entrant does not say what it is: it needs a field {listed(_KINDS)}", "")


def _refuse_file(name: str) -> None:
    """Raise where the name of a model is that of a file which is an entrant of another kind."""
    ends = {".onnx": "onnx", ".zip": "predictions"}
    kind = next((kind for end, kind in ends.items() if name.lower().endswith(end)), None)
    if kind is not None:
        words = f"{name!r} is a file, and no model's name: write {{{kind}: {name}, name: NAME}}"
        raise _no_entrant(words, "model", "NAME is what the comparison calls it")


def _no_entrant(words: str, field: str, hint: str | None = None) -> PydanticCustomError:
    context = {"words": words, "field": field, "hint": hint}
    return PydanticCustomError(ENTRANT_ERROR, "{words}", context)


def _kind(value: object) -> str:
    named = value if isinstance(value, dict) else getattr(value, "__dict__", {})
    if isinstance(named.get("program"), dict | AuthorsProgram):
        return AuthorsChoice.__name__
    return next((kind.__name__ for field, kind in _KINDS.items() if field in named), ModelChoice.__name__)


AnyChoice = ModelChoice | OnnxChoice | PredictionsChoice | ProgramChoice | AuthorsChoice
"""An entrant that was read."""

EntrantChoice = Annotated[
    Annotated[ModelChoice, Tag(ModelChoice.__name__)]
    | Annotated[OnnxChoice, Tag(OnnxChoice.__name__)]
    | Annotated[PredictionsChoice, Tag(PredictionsChoice.__name__)]
    | Annotated[ProgramChoice, Tag(ProgramChoice.__name__)]
    | Annotated[AuthorsChoice, Tag(AuthorsChoice.__name__)],
    Discriminator(_kind),
    Forms("the name of a model, or a group of 'field: value' lines"),
    BeforeValidator(_of_one_kind),
]
"""An entrant as an experiment writes it."""
