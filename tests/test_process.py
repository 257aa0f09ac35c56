import sys

import pytest

from orchestrator.process import ProcessFailed, run, stream


def python(code):
    return [sys.executable, "-c", code]


def test_run_returns_both_streams():
    done = run(python("import sys; print('out'); print('err', file=sys.stderr)"))
    assert (done.stdout, done.stderr) == ("out\n", "err\n")


def test_run_error_carries_command_status_and_output():
    with pytest.raises(ProcessFailed, match="ended with status 3: sorry") as caught:
        run(python("print('sorry'); raise SystemExit(3)"))
    assert (caught.value.argv[0], caught.value.status, caught.value.output) == (sys.executable, 3, "sorry\n")


def test_run_of_a_missing_program_has_no_status():
    with pytest.raises(ProcessFailed, match="could not be run") as caught:
        run(["/nonexistent/program"])
    assert caught.value.status is None


def test_run_gives_up_after_its_time():
    with pytest.raises(ProcessFailed, match="no answer within"):
        run(python("import time; time.sleep(60)"), timeout_s=0.2)


def test_stream_yields_lines_and_then_the_failure():
    lines = []
    with pytest.raises(ProcessFailed, match="status 2"):
        lines.extend(stream(python("print('a'); print('b'); raise SystemExit(2)")))
    lines = list(stream(python("print('a'); print('b')")))
    assert lines == ["a", "b"]


def test_stream_ends_a_program_that_nobody_reads_any_more():
    lines = stream(python("import time\nwhile True: print('x', flush=True); time.sleep(0.01)"))
    assert next(lines) == "x"
    lines.close()
