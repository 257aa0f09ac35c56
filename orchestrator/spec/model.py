"""What a model is: a network, its image, its recipe, and the schema that says what recipes it takes."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, PrivateAttr, StringConstraints, model_validator

from orchestrator.spec.base import Name, StrictModel
from orchestrator.spec.numbers import Positive, Truth
from orchestrator.spec.recipe import Recipe, RecipeSchema

_File = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]*$")]

_Pattern = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_*?][A-Za-z0-9._*?-]*$")]

EpochRule = Literal["pictures", "couples"]
"""What an epoch goes through: every transmission and real pair, or transmissions blended two by two and real pairs."""

_SETTINGS = ("model", "tolerance", "features", "snapshot", "entry")
"""What else stands in the settings of stages that get the values that shape a network."""


class Paper(StrictModel):
    """Where a network was published."""

    title: str
    """Title of the paper."""
    authors: str
    """Its authors."""
    venue: str
    """Conference and year."""
    program: str
    """Address of the authors' program, and its licence."""


class ModelSpec(StrictModel):
    """One file of model_specs/: a network in its own software stack."""

    name: Name
    """How experiments name the model; equals the file's name."""
    title: str
    """What the report calls it."""
    paper: Paper
    """Where it was published."""
    image: Name
    """The image that trains and exports it."""
    features: tuple[_File, ...] = ()
    """File names of the pretrained feature weights that its training needs, all of them. The first is the input
    `features` of its stages, the second `features-2`, and so on."""
    sees_features: Truth = True
    """Whether the network itself sees with them, so that its export needs them too; where not, only its training's
    losses do."""
    export_tolerance: Positive
    """Largest relative error between the native and the exported network, norm(out - ref) / norm(ref)."""
    recipe_schema: _File
    """File name of the JSON Schema that recipes of this model are checked by; it lies beside this file."""
    shaped_by: tuple[str, ...] = ()
    """Fields of the recipe that shape the network itself, such as a number of steps: they count for adopted weights
    too, and every other field for trainings alone."""
    epoch: EpochRule | None = None
    """What an epoch goes through where the recipe has no `limit`: 'pictures', every transmission and every real pair;
    'couples', transmissions blended two by two, and every real pair. None: the steps of such a recipe are not known
    before it runs, and `sirr-orch plan` says so. It decides no result."""
    recipe: dict[str, Any]
    """How the paper trained it."""
    trial: dict[str, Any] = Field(default_factory=dict)
    """Values of the recipe with which `sirr-orch plugin check` trains: as small as it takes, and two or more epochs of
    a step or two each. What is left out is as the paper has it."""
    brief: dict[str, Any] = Field(default_factory=dict)
    """Values of the recipe for a training that ends in minutes on a CPU, for a first comparison: what `sirr-orch new`
    writes. Empty: those of `trial`."""
    checkpoints: tuple[_Pattern, ...] = ()
    """What the files of a released checkpoint are called, with '*' and '?', a pattern for each of its files, such as
    ['*_net_G_T.pth', '*_net_G_R.pth']: `sirr-orch new` knows them by it."""

    _schema: RecipeSchema | None = PrivateAttr(default=None)
    _paper: Recipe | None = PrivateAttr(default=None)
    _smallest: Recipe | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _shapes_by_fields_of_its_own(self) -> Self:
        taken = sorted(set(self.shaped_by) & set(_SETTINGS))
        if taken:
            raise ValueError(f"shaped_by cannot name {', '.join(taken)}: stages have settings of that name already")
        return self

    def with_schema(self, schema: RecipeSchema, paper: Recipe, smallest: Recipe) -> "ModelSpec":
        """Return the spec with its schema, and with the paper's recipe and that of trials as that completes them."""
        copy = self.model_copy()
        copy._schema, copy._paper, copy._smallest = schema, paper, smallest
        return copy

    @property
    def schema_of_recipes(self) -> RecipeSchema:
        """What recipes of this model are checked by."""
        assert self._schema is not None  # the library reads both files
        return self._schema

    @property
    def paper_recipe(self) -> Recipe:
        """How the paper trained it, every value filled in."""
        assert self._paper is not None  # the library reads both files
        return self._paper

    @property
    def trial_recipe(self) -> Recipe:
        """How a trial trains it, every value filled in."""
        assert self._smallest is not None  # the library reads both files
        return self._smallest
