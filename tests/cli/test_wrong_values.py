"""Wrong values on the command line are told in plain words, whatever library reads them."""

import pytest
from typer.testing import CliRunner

from orchestrator.cli.app import app
from orchestrator.spec.plain_words import plain_words

FOREIGN = ("Value error", "Assertion failed", "Input should", "pydantic")


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("remove a.jpg --model r/m --out x --engine foo", "'foo' is not one of 'auto', 'docker', 'podman', 'local'"),
        (
            "remove a.jpg --model r/m --out x --walls foo",
            "'foo' is not one of 'auto', 'bubblewrap', 'landlock', 'none'",
        ),
        ("remove a.jpg --model r/m --out x --tile 3", "it must be greater than or equal to 64"),
        ("run a.yaml --jobs x", "it must be a valid integer"),
        ("report r --table x", "'x' is not one of"),
        ("store usage --walls x", ""),
        ("data match a.yaml --engine x", "'x' is not one of"),
    ],
)
def test_a_wrong_value_is_told_in_plain_words(command: str, words: str) -> None:
    done = CliRunner().invoke(app, command.split(), env={"COLUMNS": "300"})
    assert done.exit_code == 2
    assert words in done.stderr
    assert not [foreign for foreign in FOREIGN if foreign in done.stderr]


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("Value error, 'x' is no size", "'x' is no size"),
        ("Assertion failed, a list", "a list"),
        ("Input should be a valid integer", "it must be a valid integer"),
        ("Field required", "Field required"),
    ],
)
def test_words_of_the_library_are_left_out(message: str, words: str) -> None:
    assert plain_words(message) == words
