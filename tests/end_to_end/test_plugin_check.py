"""`plugin new`, then `plugin check`: what is new passes, and broken copies of it fail at the right line."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.end_to_end.conftest import COMMAND, ROOT, fresh_local_program

pytestmark = [pytest.mark.slow]

CODE = Path("images/my-method/program_my_method")
START = "    items = []\n"

LEAVES_NOTHING = [("predict.py", "    save_apart(", "    (lambda *_: None)(")]

WRONG_IN_MANY_WAYS = [
    (
        "predict.py",
        "    if stored is None or",
        "    if stored is None:\n        return np.zeros((37, 53, 3), np.uint8)\n    if",
    ),
    ("predict.py", "np.rint(np.clip(answer,", "np.rint(np.clip(answer[1:],"),
    (
        "predict.py",
        START,
        f"{START}    print('\\x00\\x01' * 9)\n    Path(context.output('log.txt')).write_text('x')\n",
    ),
    (
        "predict.py",
        "    save_apart(predictions, context.output(), context.facts())",
        "    predictions.save(context.output())",
    ),
    (
        "method.py",
        "    darkest = ",
        "    assert share < 0.9\n    share = share * float(np.random.random())\n    darkest = ",
    ),
]
"""File, what stands there, and what takes its place."""

FAILING = {
    "its pictures can be read and have": "36 x 53 pixels",
    "what it prints is valid": "no text",
    "it leaves nothing": "log.txt",
    "nothing that differs": "runtime",
    "a second run": "other bits in",
    "a run with one thread": "other bits in",
    "killed and run again": "other bits in",
    "it runs with the least": "share=0.9",
    "it refuses a damaged picture": "it answered",
}
"""How the checks begin that have to fail, with words of each."""


@pytest.mark.environment
def test_a_new_plugin_passes_and_broken_copies_fail_at_their_line(tmp_path_factory, tmp_path):
    sirr = fresh_local_program(tmp_path_factory)
    folder = tmp_path / "mine"
    _new(folder)
    lines = json.loads(_json(sirr, "local", folder))
    assert {line["outcome"] for line in lines} == {"passed"}, lines
    failed, others = _judged(sirr, folder, LEAVES_NOTHING)
    assert [line["title"].partition(":")[0] for line in failed] == ["answers a prepared dataset"]
    assert "left no predictions.json" in failed[0]["words"]
    assert sum(line["outcome"] == "not checked" for line in others) == 11
    failed, others = _judged(sirr, folder, WRONG_IN_MANY_WAYS)
    said = {title: words for title, words in FAILING.items() for line in failed if _is(line, title, words)}
    assert (len(failed), said) == (len(FAILING), FAILING), failed
    assert {line["outcome"] for line in others} == {"passed"}, others


@pytest.mark.docker
def test_a_new_plugin_passes_with_docker(docker_program, tmp_path):
    _new(tmp_path / "mine")
    lines = json.loads(_json(docker_program, "docker", tmp_path / "mine"))
    assert {line["outcome"] for line in lines} == {"passed"}, lines


def _new(folder):
    command = ["plugin", "new", "my-method", "--out", str(folder)]
    subprocess.run([*COMMAND, *command], cwd=ROOT, check=True, capture_output=True)


def _json(sirr, engine, folder, code=0):
    arguments = sirr.argv("plugin", "check", folder, "--engine", engine, "--json")
    done = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == code, f"exit {done.returncode}\n{done.stdout[-6000:]}\n{done.stderr[-6000:]}"
    return done.stdout


def _judged(sirr, folder, changes):
    """Return the checks of a changed copy: those that fail, and the others."""
    before = {path: path.read_text(encoding="utf-8") for path in (folder / CODE).iterdir()}
    for name, old, new in changes:
        text = (folder / CODE / name).read_text(encoding="utf-8")
        assert text.count(old) == 1, old
        (folder / CODE / name).write_text(text.replace(old, new), encoding="utf-8")
    try:
        lines = json.loads(_json(sirr, "local", folder, code=13))
    finally:
        for path, text in before.items():
            path.write_text(text, encoding="utf-8")
    failed = [line for line in lines if line["outcome"] == "failed"]
    return failed, [line for line in lines if line not in failed]


def _is(line, title, words):
    return line["title"].startswith(title) and words in line["words"] and line["remedy"]
