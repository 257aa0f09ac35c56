"""What holds for every engine: one suite, of functions that take a `Bench` and raise AssertionError where it does not.

Each starts jobs of its own; `Bench.clear` removes them afterwards.
"""

import contextlib
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from orchestrator.conformance.engine_bench import RUN, Bench
from orchestrator.engine.protocol import Engine, Job, Outcome, Running
from stagekit import Checkpoint, Failure, Progress, decode

_POLL_S = 0.01


def wait_for(condition: Callable[[], object], timeout_s: float = 20.0) -> None:
    """Wait until a condition holds."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {timeout_s:g} s"
        time.sleep(_POLL_S)


def heard(running: Running) -> tuple[list[str], threading.Thread]:
    """Return the running job's lines as a list that grows, and the thread that fills it."""
    lines: list[str] = []

    def fill() -> None:
        for line in running.lines():
            lines.append(line)

    thread = threading.Thread(target=fill, daemon=True)
    thread.start()
    return lines, thread


def counting(bench: Bench, lines: int = 6, **fields: Any) -> Job:
    """Return a job that prints lines."""
    return bench.job("count", settings={"lines": lines, "pause_s": 0.0}, **fields)


def training(bench: Bench, steps: int = 100000, **fields: Any) -> Job:
    """Return a job that takes steps until it is stopped."""
    return bench.job("train", settings={"steps": steps, "pause_s": 0.01}, **fields)


def _begun(bench: Bench, running: Running, lines: int = 3) -> tuple[list[str], threading.Thread]:
    """Return as `heard`, once so many lines have come."""
    found, thread = heard(running)
    wait_for(lambda: len(found) >= lines, 20.0 * bench.patience)
    return found, thread


def _ended(bench: Bench, thread: threading.Thread) -> None:
    thread.join(20.0 * bench.patience)
    assert not thread.is_alive(), "its lines do not end"


def done_job_leaves_its_output_and_exit_status(bench: Bench) -> None:
    job = counting(bench)
    running = bench.start(job)
    outcome = running.outcome()
    assert (outcome.exit_code, outcome.out_of_memory) == (0, False)
    assert outcome.started is not None
    assert outcome.finished is not None
    assert 0 <= outcome.finished - outcome.started < 30
    assert (job.staging / "output" / "result.txt").read_text() == "counted 6"
    assert not running.adopted


def lines_come_in_order_and_complete(bench: Bench) -> None:
    running = bench.start(counting(bench, lines=600))
    lines = list(running.lines())
    assert len(lines) == 600
    for number, line in enumerate(lines, start=1):
        message = decode(line)
        if number % 2:
            assert message == Progress(number, 600, "line", {"loss": 1.0 / number})
        else:
            assert line == f"line {number} of 600"


def lines_arrive_while_the_program_runs(bench: Bench) -> None:
    running = bench.start(training(bench))
    _lines, thread = _begun(bench, running)
    running.stop(0)
    _ended(bench, thread)


def lines_can_be_read_again_after_the_end(bench: Bench) -> None:
    running = bench.start(counting(bench))
    first = list(running.lines())
    assert len(first) == 6
    assert list(running.lines()) == first


def failure_keeps_exit_code_and_explanation(bench: Bench) -> None:
    for how, code, said in (
        ("bad-input", 10, "the picture is 3 pixels wide"),
        ("crash", 1, "RuntimeError: something broke"),
    ):
        running = bench.start(bench.job("fail", settings={"how": how}))
        failures = [message for message in map(decode, running.lines()) if isinstance(message, Failure)]
        assert [failure.message for failure in failures] == [said]
        assert running.outcome().exit_code == code


def program_reads_its_inputs_and_writes_as_the_caller(bench: Bench) -> None:
    job = counting(bench, inputs={"words": _words(bench, "grün ")})
    assert bench.start(job).outcome().exit_code == 0
    result = job.staging / "output" / "result.txt"
    assert result.read_text(encoding="utf-8") == "grün counted 6"
    assert (result.stat().st_uid, result.stat().st_gid) == (os.getuid(), os.getgid())


def _words(bench: Bench, text: str = "") -> Path:
    folder = (bench.outside / "source").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "words.txt").write_text(text, encoding="utf-8")
    return folder


def memory_limit_strikes(bench: Bench) -> None:
    able = bench.engine().capabilities
    if not able.limits_memory:
        return
    job = bench.job("hoard", settings={"megabytes": 2048, "pause_s": 0.02}, memory_bytes=96 * 2**20)
    outcome = bench.start(job).outcome()
    assert (outcome.exit_code, outcome.out_of_memory) == (137, able.tells_out_of_memory)


def memory_is_known_while_the_program_runs_and_not_after(bench: Bench) -> None:
    running = bench.start(training(bench))
    _lines, thread = _begun(bench, running)
    held = running.memory_bytes()
    assert held is None or 2**20 < held < 2**31
    running.stop(0)
    _ended(bench, thread)
    running.outcome()
    assert running.memory_bytes() is None


def stop_lets_the_program_save_and_a_new_start_resumes(bench: Bench) -> None:
    job = training(bench)
    running = bench.start(job)
    lines, thread = _begun(bench, running)
    began = time.monotonic()
    running.stop(20.0)
    assert running.outcome().exit_code == 12
    assert time.monotonic() - began < 10 * bench.patience
    _ended(bench, thread)
    assert (job.staging / "work" / "checkpoint.json").exists()
    running.remove()
    (saved,) = (message for message in map(decode, lines) if isinstance(message, Checkpoint))
    step = int(saved.done)
    again = bench.start(bench.job("train", key=job.key, settings={"steps": step + 2, "pause_s": 0}))
    assert not again.adopted
    assert again.outcome().exit_code == 0
    assert (job.staging / "output" / "result.txt").read_text() == f"trained from {step} to {step + 2}"


def stop_kills_what_does_not_listen(bench: Bench) -> None:
    running = bench.start(bench.job("stubborn", settings={"steps": 100000, "pause_s": 0.01}))
    _begun(bench, running, lines=1)
    running.stop(0.3)
    outcome = running.outcome()
    assert (outcome.exit_code, outcome.out_of_memory) == (137, False)


def stop_at_once_kills(bench: Bench) -> None:
    running = bench.start(training(bench))
    running.stop(0)
    # Where it was still in the queue there was no program that could end.
    expected = {137, None} if bench.engine().capabilities.queues else {137}
    assert running.outcome().exit_code in expected


def stop_of_an_ended_job_does_nothing(bench: Bench) -> None:
    running = bench.start(counting(bench))
    outcome = running.outcome()
    running.stop(5.0)
    running.stop(0)
    assert running.outcome() == outcome


def second_engine_adopts_a_running_job(bench: Bench) -> None:
    job = training(bench)
    first = bench.start(job)
    second = bench.start(job, bench.engine())
    assert (first.adopted, second.adopted) == (False, True)
    lines, thread = _begun(bench, second)
    begin = decode(lines[0])
    assert isinstance(begin, Progress)
    assert begin.done == 1
    second.stop(20.0)
    assert first.outcome() == second.outcome()
    _ended(bench, thread)


def starts_at_the_same_time_give_one_job(bench: Bench) -> None:
    job = training(bench)
    engines = [bench.engine() for _ in range(4)]
    together = threading.Barrier(len(engines))
    started: list[Running] = []

    def start(engine: Engine) -> None:
        together.wait()
        started.append(bench.start(job, engine))

    threads = [threading.Thread(target=start, args=(engine,)) for engine in engines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30 * bench.patience)
    assert len(started) == len(engines)
    streams = [_begun(bench, running, lines=2) for running in started]
    started[0].stop(20.0)
    for _lines, thread in streams:
        _ended(bench, thread)
    assert len({tuple(lines) for lines, _thread in streams}) == 1
    assert len({running.outcome() for running in started}) == 1


def ended_job_is_found_again_with_its_lines(bench: Bench) -> None:
    job = counting(bench)
    running = bench.start(job)
    outcome = running.outcome()
    found = bench.start(job, bench.engine())
    assert found.adopted
    assert found.outcome() == outcome
    assert len(list(found.lines())) == 6


def start_takes_over_a_result_that_nobody_fetched(bench: Bench) -> None:
    job = counting(bench)
    bench.start(job).outcome()
    again = bench.start(job, bench.engine())
    assert again.adopted
    assert again.outcome().exit_code == 0


def start_does_not_take_over_a_failure(bench: Bench) -> None:
    job = bench.job("fail", settings={"how": "crash"})
    bench.start(job).outcome()
    again = bench.start(job, bench.engine())
    assert not again.adopted
    assert again.outcome().exit_code == 1


def remove_leaves_nothing_but_the_program_s_files(bench: Bench) -> None:
    job = counting(bench)
    running = bench.start(job)
    running.outcome()
    running.remove()
    running.remove()
    assert {path.name for path in job.staging.iterdir()} - {"stage.json"} == {"output", "work", "facts"}
    assert not bench.start(job, bench.engine()).adopted


def remove_ends_a_running_job(bench: Bench) -> None:
    job = training(bench)
    running = bench.start(job)
    running.remove()
    assert not bench.start(job, bench.engine()).adopted


def sweep_never_touches_a_running_job(bench: Bench) -> None:
    job = training(bench)
    running = bench.start(job)
    assert job.key not in bench.engine().sweep()
    found = bench.start(job, bench.engine())
    assert found.adopted
    next(iter(found.lines()))
    running.stop(20.0)
    assert found.outcome().exit_code == 12


def what_a_running_job_reads_and_writes_is_in_use_until_it_ends(bench: Bench) -> None:
    words = _words(bench)
    job = training(bench, inputs={"words": words})
    running = bench.start(job)
    later = bench.engine()
    assert {job.staging.resolve(), words} <= later.paths_in_use()
    running.stop(0)
    running.outcome()
    assert not {job.staging.resolve(), words} & later.paths_in_use()
    running.remove()


def job_is_listed_for_as_long_as_it_runs(bench: Bench) -> None:
    job = training(bench)
    running = bench.start(job)
    next(iter(running.lines()))
    (listed,) = bench.engine().jobs()
    assert (listed.key, listed.run, listed.stage) == (job.key, RUN, "train/test")
    listed.running.stop(20.0)
    assert running.outcome().exit_code == 12
    assert list(bench.engine().jobs()) == []


def sweep_leaves_what_somebody_else_is_at(bench: Bench) -> None:
    job = bench.job("fail", settings={"how": "crash"})
    running = bench.start(job)
    running.outcome()

    @contextlib.contextmanager
    def taken(_key: str) -> Iterator[bool]:
        yield False

    assert list(bench.engine().sweep(taken)) == []
    assert running.outcome().exit_code == 1


def outcome_of_an_ended_job_is_hashable_and_plain(bench: Bench) -> None:
    running = bench.start(counting(bench))
    assert isinstance(running.outcome(), Outcome)
    assert running.outcome() in {running.outcome()}


def what_isolates_leaves_no_network_and_no_file_that_no_job_names(bench: Bench) -> None:
    if not bench.engine().capabilities.isolates:
        return
    secret = _words(bench, "secret").parent / "secret.txt"
    secret.write_text("secret", encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        attempts = [["read", str(secret)], ["write", str(secret)], ["connect", port]]
        job = bench.job("attempt", settings={"attempts": attempts})
        running = bench.start(job)
        assert running.outcome().exit_code == 0, list(running.lines())
    results = json.loads((job.staging / "output" / "attempts.json").read_text(encoding="utf-8"))
    assert [result for _what, _whom, result in results if result == "done"] == []


ENGINE_CHECKS: tuple[Callable[[Bench], None], ...] = (
    done_job_leaves_its_output_and_exit_status,
    lines_come_in_order_and_complete,
    lines_arrive_while_the_program_runs,
    lines_can_be_read_again_after_the_end,
    failure_keeps_exit_code_and_explanation,
    program_reads_its_inputs_and_writes_as_the_caller,
    memory_limit_strikes,
    memory_is_known_while_the_program_runs_and_not_after,
    stop_lets_the_program_save_and_a_new_start_resumes,
    stop_kills_what_does_not_listen,
    stop_at_once_kills,
    stop_of_an_ended_job_does_nothing,
    second_engine_adopts_a_running_job,
    starts_at_the_same_time_give_one_job,
    ended_job_is_found_again_with_its_lines,
    start_takes_over_a_result_that_nobody_fetched,
    start_does_not_take_over_a_failure,
    remove_leaves_nothing_but_the_program_s_files,
    remove_ends_a_running_job,
    sweep_never_touches_a_running_job,
    what_a_running_job_reads_and_writes_is_in_use_until_it_ends,
    job_is_listed_for_as_long_as_it_runs,
    sweep_leaves_what_somebody_else_is_at,
    outcome_of_an_ended_job_is_hashable_and_plain,
    what_isolates_leaves_no_network_and_no_file_that_no_job_names,
)
"""All of them."""
