"""Runs from Python: what a notebook asks of them, and what it is told where it asks for what is not there."""

import csv
import json
import subprocess
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal
from unicodedata import normalize

import numpy as np
import pandas
import pyarrow
import pytest

from orchestrator import api
from orchestrator.execute.command import report_of_run
from orchestrator.metrics.signed_rank import signed_ranks
from orchestrator.png import write_png
from orchestrator.report.machine.score_files import COLUMNS
from orchestrator.store.store import Store
from tests.execute.small_run import SIZE, keep_run, picture


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with two revisions of a run; what was adopted has the scores of the first in both."""
    folder = tmp_path_factory.mktemp("api")
    for epochs in (5, 6):
        keep_run(Store(folder / "store"), folder, epochs=epochs, better=epochs / 10)
    return folder / "store"


@pytest.fixture
def run(store: Path) -> api.Run:
    return api.open_run("first", store)


def file_rows(folder: Path) -> list[dict[str, Any]]:
    """Return the rows of the report's file of scores, as they are typed."""
    with (folder / "scores.csv").open(encoding="utf-8", newline="") as stream:
        rows: list[dict[str, Any]] = list(csv.DictReader(stream))
    types = {"seed": int, "version": int, "score": float}
    return [{name: types.get(name, str)(text) if text else None for name, text in row.items()} for row in rows]


def told_rows(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return rows of a table, with nothing for everything that is empty or missing."""
    return [{name: None if value != value or value == "" else value for name, value in row.items()} for row in records]


def test_a_run_says_who_took_part_on_what(run: api.Run, store: Path) -> None:
    (listed,) = api.runs(str(store))
    assert (listed.name, listed.revision, listed.state, listed.problem) == ("first", 2, "complete", "")
    assert repr(run) == "<run first@2, complete: 2 entrants on skimage-test>"
    assert [(one.name, one.kind, one.seed) for one in run.entrants] == [
        ("errnet2019", "model", 3),
        ("taken", "model", None),
        ("input", "control", None),
        ("truth", "control", None),
    ]
    assert run.datasets == (api.Dataset("skimage-test", "skimage-test", "pairs", ("one", "two", "three")),)
    assert [(one.name, [metric.name for metric in one.metrics]) for one in run.protocols] == [("standard", ["psnr"])]
    assert api.open_run("first@1", store).revision == 1


def test_the_environment_names_the_store(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIRR_STORE", str(store))
    assert api.open_run("first").name == api.runs()[0].name == "first"


def test_scores_are_those_of_the_report_as_pandas_has_them(run: api.Run, store: Path) -> None:
    table = run.scores()
    assert isinstance(table, pandas.DataFrame)
    assert tuple(table.columns) == COLUMNS
    assert told_rows(table.astype(object).to_dict("records")) == file_rows(report_of_run("first", store).parent)
    means = table[table.network == "taken"].groupby("metric").score.mean()
    assert means["psnr"] == pytest.approx(22.5)
    assert len(run.scores(metric="psnr", dataset="skimage-test", protocol="standard")) == len(table) == 12


def test_scores_are_those_of_the_report_as_arrow_has_them(
    run: api.Run, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    table = run.scores()
    assert isinstance(table, pyarrow.Table)
    assert tuple(table.column_names) == COLUMNS
    assert [str(table.schema.field(name).type) for name in ("seed", "version", "score")] == ["int64", "int64", "double"]
    assert told_rows(table.to_pylist()) == file_rows(report_of_run("first", store).parent)


def test_without_either_library_what_to_install_is_said(run: api.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("pandas", "pyarrow"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(api.SirrError, match="needs pandas or pyarrow") as refused:
        run.scores()
    assert refused.value.hint == "run: pip install pandas"


@pytest.mark.parametrize("library", ["pandas", "pyarrow"])
def test_a_run_without_results_has_an_empty_table_and_says_why_there_are_no_pictures(
    tmp_path: Path, library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if library == "pyarrow":
        monkeypatch.setitem(sys.modules, "pandas", None)
    keep_run(Store(tmp_path / "store"), tmp_path, leave="prepare")
    run = api.open_run("first", tmp_path / "store")
    assert (run.state, run.datasets[0].pictures, len(run.scores())) == ("partial", (), 0)
    with pytest.raises(api.SirrError, match=r"dataset 'skimage-test' has no picture 'one'; it has none"):
        run.picture("truth", "skimage-test", "one")
    with pytest.raises(api.SirrError, match="have no picture of 'skimage-test' on which both"):
        run.compare("errnet2019", "taken")


def test_entrants_are_compared_by_the_paired_test_of_these_two(run: api.Run) -> None:
    found = run.compare("errnet2019", "input")
    assert (found.dataset, found.protocol, found.metric) == ("skimage-test", "standard", "psnr")
    assert (found.pictures, found.won, found.lost) == (3, 3, 0)
    assert found.mean == pytest.approx(4.6)
    assert found.p == signed_ranks(np.array([4.6, 4.6, 4.6])).p == 0.25
    assert (found.outcome, found.better, found.needs) == ("few", None, 6), "three pictures tell nothing apart"
    assert (found.low, found.high) == pytest.approx((4.6, 4.6))
    assert run.compare("input", "errnet2019").mean == pytest.approx(-4.6)


def test_pictures_are_floats_of_the_files(run: api.Run) -> None:
    for entrant, seed in (("input", 2), ("truth", 3), ("errnet2019", 51)):
        found = run.picture(entrant, "skimage-test", "two")
        assert (found.dtype, found.shape) == (np.float32, (*SIZE, 3))
        np.testing.assert_array_equal(np.rint(found * 255).astype(np.uint8), picture(seed))


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_picture_goes_by_the_name_that_the_report_shows_too(tmp_path: Path, form: Literal["NFC", "NFD"]) -> None:
    keep_run(Store(tmp_path / "store"), tmp_path, file=normalize(form, "blended/Süd.png"))
    run = api.open_run("first", tmp_path / "store")
    for name in ("Süd", normalize("NFD", "Süd"), "two"):
        for entrant in ("input", "truth", "errnet2019"):
            np.testing.assert_array_equal(
                run.picture(entrant, "skimage-test", name), run.picture(entrant, "skimage-test", "two")
            )
    assert set(run.scores(dataset="skimage-test").file) >= {normalize(form, "blended/Süd.png")}


REFUSED: Mapping[str, tuple[Callable[[api.Run], object], str]] = {
    "entrant": (lambda run: run.picture("errnet", "skimage-test", "one"), "did you mean 'errnet2019'?"),
    "dataset": (lambda run: run.picture("input", "real20", "one"), "the run has no dataset 'real20'; it has"),
    "picture": (lambda run: run.picture("input", "skimage-test", "four"), "it has: one, two, three"),
    "reflection": (lambda run: run.picture("taken", "skimage-test", "one", reflection=True), "the entrant gives no"),
    "true reflection": (
        lambda run: run.picture("truth", "skimage-test", "one", reflection=True),
        "set has none",
    ),
    "filter": (lambda run: run.scores(metric="ssim"), "the run has no metric 'ssim'"),
    "metric": (lambda run: run.compare("taken", "input", metric="ssim"), "protocol 'standard' has no metric 'ssim'"),
    "an entrant itself": (lambda run: run.compare(run.entrants[0], "input"), "entrant must be text, not "),  # type: ignore[arg-type]
    "no name": (lambda run: run.picture("input", "skimage-test", None), "picture must be text, not None"),  # type: ignore[arg-type]
    "a dataset itself": (lambda run: run.scores(dataset=run.datasets[0]), "dataset must be text, not "),  # type: ignore[arg-type]
    "a list": (lambda run: run.compare("taken", ["input"]), "entrant must be text, not ['input'] (list)"),  # type: ignore[arg-type]
    "a number": (lambda run: run.scores(metric=5), "metric must be text, not 5 (int)"),  # type: ignore[arg-type]
    "a protocol itself": (
        lambda run: run.compare("taken", "input", protocol=run.protocols[0]),  # type: ignore[arg-type]
        "protocol must be text, not ",
    ),
    "a scored set": (
        lambda run: run.compare("taken", "input", dataset=run.datasets[0]),  # type: ignore[arg-type]
        "dataset with scores must be text, not ",
    ),
    "no truth": (
        lambda run: run.picture("input", "skimage-test", "one", reflection="no"),  # type: ignore[arg-type]
        "reflection must be True or False, not 'no' (str)",
    ),
    "oneself": (lambda run: run.compare("taken", "taken"), "'taken' is compared with itself"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_not_there_is_said_with_what_there_is(case: str, run: api.Run) -> None:
    ask, words = REFUSED[case]
    with pytest.raises(api.SirrError) as refused:
        ask(run)
    assert words in refused.value.message
    assert refused.value.hint
    assert f"hint: {refused.value.hint}" in traceback.format_exception(refused.value)[-1]


def test_where_a_name_is_wanted_what_has_one_is_told_by_it(run: api.Run, store: Path) -> None:
    for ask in (
        lambda: run.compare(run.entrants[0], "input"),  # type: ignore[arg-type]
        lambda: run.picture(run.entrants[0], "skimage-test", "one"),  # type: ignore[arg-type]
    ):
        with pytest.raises(api.SirrError) as refused:
            ask()
        assert refused.value.hint == "give its name: 'errnet2019'"
    with pytest.raises(api.SirrError, match="name must be text, not ") as refused:
        api.open_run(api.runs(store)[0], store)  # type: ignore[arg-type]
    assert refused.value.hint == "give its name: 'first'"


@pytest.mark.parametrize("folder", [5, "", "a\0b", b"store", ["store"]])
def test_a_store_that_is_no_path_is_refused(folder: Any) -> None:
    for ask in (
        api.runs,
        lambda store: api.open_run("first", store),
        lambda store: api.remove(picture(1), store=store),
    ):
        with pytest.raises(api.SirrError, match=r"store must be .*path") as refused:
            ask(folder)
        assert refused.value.hint


@pytest.mark.parametrize(("first", "second"), [("errnet2019", "input"), ("input", "errnet2019")])
def test_what_was_not_measured_on_any_picture_is_not_compared(tmp_path: Path, first: str, second: str) -> None:
    keep_run(Store(tmp_path / "store"), tmp_path, unmeasured="errnet2019")
    run = api.open_run("first", tmp_path / "store")
    assert run.compare("taken", "input").pictures == 3
    with pytest.raises(api.SirrError) as refused:
        run.compare(first, second)
    assert refused.value.message == (
        f"{first!r} and {second!r} have no picture of 'skimage-test' on which both were measured in 'psnr'"
    )


@pytest.mark.parametrize("name", ["second", "first@9", "first/taken", None, 5, ""])
def test_a_run_that_is_not_there_is_an_error_with_a_remedy(name: Any, store: Path) -> None:
    with pytest.raises(api.SirrError) as refused:
        api.open_run(name, store)
    assert refused.value.hint


def test_a_picture_that_was_changed_is_not_shown(tmp_path: Path) -> None:
    keep_run(Store(tmp_path / "store"), tmp_path)
    run = api.open_run("first", tmp_path / "store")
    assert run.picture("input", "skimage-test", "two").any()
    for path in (tmp_path / "store" / "artifacts").rglob("blended/1.png"):
        path.chmod(0o644)
        path.write_bytes(write_png(np.zeros((*SIZE, 3), np.uint8)))
    with pytest.raises(api.SirrError, match="is not the one that its stage left"):
        run.picture("input", "skimage-test", "two")


def test_importing_it_waits_for_no_engine_and_no_library_of_tables() -> None:
    """Nor for what runs stages: a notebook that looks at runs starts as quickly as `sirr-orch runs list`."""
    words = "import sys, json; from orchestrator import api; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True)
    loaded = set(json.loads(done.stdout))
    heavy = {
        "docker",
        "pandas",
        "pyarrow",
        "scipy",
        "plotly",
        "jinja2",
        "typer",
        "jsonschema",
        "onnxruntime",
        "rocrate",
    }
    assert not loaded & heavy
    assert not {name for name in loaded if name.startswith(("orchestrator.engine", "orchestrator.cli"))}


def test_everything_public_is_documented() -> None:
    assert all(getattr(api, name).__doc__ for name in api.__all__)
    public = [value for name, value in vars(api.Run).items() if not name.startswith("_")]
    assert all(getattr(value, "__doc__", "") for value in public)
