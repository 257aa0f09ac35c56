"""Recipes of trainings: plain values, checked and completed by the JSON Schema that a model spec brings."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jsonschema.exceptions import ValidationError

from orchestrator.spec.document import Document, Location, read_document
from orchestrator.spec.numbers import truth_or_itself
from orchestrator.spec.problems import Problem, spec_error
from orchestrator.spec.recipe_rules import described, recipe_validator, schema_problems
from orchestrator.spec.recipe_words import recipe_problems, unreal_numbers


@dataclass(frozen=True)
class Recipe:
    """How a network is trained, every value filled in.

    Attributes:
        values: Plain JSON values, as they stand in the training's settings.
    """

    values: Mapping[str, Any]

    @property
    def epochs(self) -> int:
        """How often the training set is gone through; every recipe says it."""
        return int(self.values["epochs"])

    @property
    def steps(self) -> int | None:
        """After how many steps of the optimiser the training stops before its epochs are over; None: it does not."""
        steps = self.values.get("steps")
        return None if steps is None else int(steps)

    @property
    def uses_unaligned(self) -> bool:
        """Whether some epoch that is trained draws unaligned pairs: whether `sampling` gives them a share."""
        shares = self.values.get("sampling") or ()
        return any(
            share.get("unaligned", 0) and share.get("epoch", 0) < self.epochs
            for share in shares
            if isinstance(share, Mapping)
        )


class RecipeInvalid(ValueError):
    """Values that do not fit a recipe's schema.

    Attributes:
        problems: What is wrong, each in words, with its place where the values are from a file.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(problem.message for problem in problems))
        self.problems = tuple(problems)


class RecipeSchema:
    """The JSON Schema of a recipe (draft 2020-12), with `x-order` and `x-sum` for what holds between values."""

    def __init__(self, document: Document) -> None:
        """Take a schema.

        Raises:
            SpecError: Where it is none, describes no object with fields, lacks `epochs`, or refers outside itself.
        """
        self._schema: dict[str, Any] = document.data
        problems = list(schema_problems(document))
        if problems:
            raise spec_error(problems, document.path)
        self._validator = recipe_validator(self._schema)

    @property
    def schema(self) -> Mapping[str, Any]:
        """The schema, as it was read."""
        return self._schema

    def recipe(self, values: Mapping[str, Any], document: Document | None = None, prefix: Location = ()) -> Recipe:
        """Return values with the defaults filled in, and numbers as the schema has them: 1 as 1.0 where 1.5 may stand.

        Args:
            document: The file that the values come from; None where they come from none.
            prefix: The way from the document's top to the values.

        Raises:
            RecipeInvalid: With every mistake.
        """
        completed = _completed(deepcopy(dict(values)), self._schema, self._schema)
        try:
            wrong: list[ValidationError] = list(self._validator.iter_errors(completed))
        except RecursionError:
            raise RecipeInvalid([Problem("the recipe's schema refers to itself without an end")]) from None
        unreal = unreal_numbers(completed, document, prefix)
        problems = [*unreal.values(), *recipe_problems(wrong, set(unreal), document, prefix)]
        if problems:
            raise RecipeInvalid(problems)
        return Recipe(completed)


def read_recipe_schema(path: Path) -> RecipeSchema:
    """Return the schema of a file.

    Raises:
        SpecError: Where the file is missing, no JSON, or no schema of a recipe.
    """
    return RecipeSchema(read_document(path))


def _completed(value: Any, schema: Any, root: Mapping[str, Any]) -> Any:
    """Return a value as its schema has it: fields that are left out, whole numbers as such, the truths of old YAML."""
    schema = described(schema, root)
    if isinstance(value, dict):
        fields = schema.get("properties", {})
        left_out = {
            name: _completed(deepcopy(inner["default"]), inner, root)
            for name, inner in ((name, described(inner, root)) for name, inner in fields.items())
            if name not in value and "default" in inner
        }
        given = {name: _completed(below, fields.get(name), root) for name, below in value.items()}
        return {**given, **left_out}
    if isinstance(value, list):
        return [_completed(below, schema.get("items", {}), root) for below in value]
    return _scalar(value, schema.get("type", ()))


def _scalar(value: Any, types: Any) -> Any:
    wanted = {types} if isinstance(types, str) else set(types)
    if "boolean" in wanted:
        return truth_or_itself(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    if "number" in wanted:
        return _float(value)
    return int(value) if "integer" in wanted and isinstance(value, float) and value.is_integer() else value


def _float(value: int | float) -> int | float:
    try:
        return float(value)
    except OverflowError:
        return value  # beyond every limit: told as it was written
