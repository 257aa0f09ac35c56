"""Paths, names and messages from outside are shown as they are: never as markup, never as orders to the terminal."""

import io

import pytest
from rich.progress import Progress, TextColumn
from rich.table import Table
from rich.text import Text
from typer.testing import CliRunner

from orchestrator.cli.app import app
from orchestrator.cli.console import PlainConsole, show_error
from orchestrator.cli.data_table import bars
from orchestrator.cli.progress import live_listener
from orchestrator.errors import SpecError
from orchestrator.execute.events import Failed, Logged, Noted, Planned, Progressed, StateChanged, Warned
from stagekit import Progress as StageProgress

WORDS = [
    pytest.param("a[x]b", id="brackets"),
    pytest.param("[bold red]a[/bold red]", id="markup"),
    pytest.param("[/]", id="closing"),
    pytest.param("a :x: b", id="emoji-code"),
    pytest.param("[link=https://example.org]a[/link]", id="link"),
    pytest.param(r"a\[x]", id="backslash"),
    pytest.param("прибор 名前 é", id="scripts"),
]
ORDERS = [
    pytest.param("a\x1b[31mb", id="colour"),
    pytest.param("a\x1b]0;title\x07b", id="title"),
    pytest.param("a\x1b]52;c;aGk=\x07b", id="clipboard"),
    pytest.param("a\x9b31mb", id="escape-of-8-bits"),
    pytest.param("a\x1b[2J\x1b[Hb", id="clear"),
    pytest.param("a\rb", id="carriage-return"),
    pytest.param("a\x08\x08b", id="backspace"),
    pytest.param("a\u202eb", id="right-to-left"),
    pytest.param("a\udcffb", id="no-utf-8"),
]
HARMFUL = set(map(chr, [*range(9), 11, 12, *range(13, 32), *range(127, 160), 0x202E, *range(0xD800, 0xE000)]))


@pytest.fixture(params=["terminal", "file"])
def console(request, monkeypatch):
    """A console as the commands have, whose output can be read; without colours, every order in it is foreign."""
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    made = PlainConsole()
    made.file = io.StringIO()
    made._force_terminal = request.param == "terminal"  # rich reads the environment for it when it is made
    return made


def every_way(console, text):
    """Print a text in every way in which the commands print."""
    console.print(text)
    console.print(f"report: {text}", style="yellow")
    console.print(Text.assemble((text, "bold"), " beside"))
    table = Table(title=text, box=None)
    table.add_column(text)
    table.add_row(text)
    table.add_row(Text(text))
    console.print(table, soft_wrap=False, crop=False, width=400)


@pytest.mark.parametrize("text", WORDS)
def test_words_are_printed_as_they_are(console, text):
    every_way(console, text)
    assert console.file.getvalue().count(text) >= 4


@pytest.mark.parametrize("text", ORDERS)
def test_orders_do_not_reach_the_terminal(console, text):
    every_way(console, text)
    plain = console.file.getvalue().replace("\x1b[1m", "").replace("\x1b[0m", "").replace("\x1b[3m", "")
    plain = plain.replace("\x1b[1;3m", "")
    assert not HARMFUL & set(plain)
    plain.encode("utf-8")


@pytest.mark.parametrize("text", [*WORDS, *ORDERS])
def test_a_run_shows_what_stages_say_without_obeying_it(console, text):
    with live_listener(console, verbose=True) as listener:
        for event in (
            Planned(("train/a",), {}),
            StateChanged("train/a", "running"),
            Progressed("train/a", StageProgress(1, 3, text, {text: 2.0})),
            Noted("train/a", text),
            Warned("train/a", text),
            Logged("train/a", text),
            Failed("train/a", SpecError(text)),
            StateChanged("train/a", "failed"),
        ):
            listener(event)
    written = console.file.getvalue()
    if not HARMFUL & set(text):
        assert f"warning  train/a: {text}" in written
    assert not {"\x9b", "\x07", "\u202e", "\udcff"} & set(written)
    assert all(order not in written for order in ("\x1b[31m", "\x1b]0", "\x1b]52", "\x1b[H"))


@pytest.mark.parametrize("text", [*WORDS, *ORDERS])
def test_an_error_shows_foreign_words_as_they_are(console, text, monkeypatch):
    monkeypatch.setattr("orchestrator.cli.console.err", console)
    show_error(SpecError(text, where=f"/home/{text}", hint=text))
    written = console.file.getvalue()
    if not HARMFUL & set(text):
        assert written.count(text) == 3
    assert all(order not in written for order in ("\x1b[31m", "\x1b]0", "\x1b]52", "\x9b", "\u202e", "\udcff"))


def test_bars_of_data_take_no_markup():
    with bars() as reporter:
        columns = reporter._progress.columns
    assert isinstance(reporter._progress, Progress)
    assert all(not column.markup for column in columns if isinstance(column, TextColumn))


@pytest.mark.parametrize("name", ["a[x].onnx", "[red]a.onnx", "a:x:.onnx"])
def test_a_path_of_the_user_is_named_whole(tmp_path, name):
    done = CliRunner().invoke(app, ["infer", "--check", str(tmp_path / name), "--store", str(tmp_path / "store")])
    assert name in str(done.exception)


@pytest.mark.parametrize("folder", ["a[x]", "[red]b[/red]"])
def test_a_path_is_printed_whole_on_standard_output(tmp_path, folder, monkeypatch):
    monkeypatch.setenv("SIRR_FEATURES", str(tmp_path / folder))
    done = CliRunner().invoke(app, ["weights", "path", "vgg19-dcbb9e9d.pth"])
    assert done.output == f"{tmp_path / folder / 'vgg19-dcbb9e9d.pth'}\n"
