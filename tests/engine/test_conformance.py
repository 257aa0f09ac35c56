"""What holds for every engine: one suite, run against Docker, local processes and the fake."""

import contextlib
import os
import threading
import time

import pytest

from orchestrator.engine.protocol import Outcome
from stagekit import Failure, Progress, decode


def wait_for(condition, timeout_s=20.0):
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def heard(running):
    """Return the running job's lines as a list that grows, and the thread that fills it."""
    lines = []

    def fill():
        for line in running.lines():
            lines.append(line)

    thread = threading.Thread(target=fill, daemon=True)
    thread.start()
    return lines, thread


def counting(bench, lines=6, pause_s=0.0, **fields):
    return bench.job("count", settings={"lines": lines, "pause_s": pause_s}, **fields)


def training(bench, steps=100000, pause_s=0.01, **fields):
    return bench.job("train", settings={"steps": steps, "pause_s": pause_s}, **fields)


def test_done_job_leaves_its_output_and_exit_status(bench):
    job = counting(bench)
    running = bench.start(job)
    outcome = running.outcome()
    assert (outcome.exit_code, outcome.out_of_memory) == (0, False)
    assert 0 <= outcome.finished - outcome.started < 30
    assert (job.staging / "output" / "result.txt").read_text() == "counted 6"
    assert not running.adopted


def test_lines_come_in_order_and_complete(bench):
    running = bench.start(counting(bench, lines=600))
    lines = list(running.lines())
    assert len(lines) == 600
    for number, line in enumerate(lines, start=1):
        message = decode(line)
        if number % 2:
            assert message == Progress(number, 600, "line", {"loss": 1.0 / number})
        else:
            assert line == f"line {number} of 600"


def test_lines_arrive_while_the_program_runs(bench):
    running = bench.start(training(bench))
    lines, thread = heard(running)
    wait_for(lambda: len(lines) >= 3)
    running.stop(0)
    thread.join(20)
    assert not thread.is_alive()


def test_lines_can_be_read_again_after_the_end(bench):
    running = bench.start(counting(bench))
    first = list(running.lines())
    assert len(first) == 6
    assert list(running.lines()) == first


@pytest.mark.parametrize(
    ("how", "code", "said"),
    [
        pytest.param("bad-input", 10, "the picture is 3 pixels wide", id="bad-input"),
        pytest.param("crash", 1, "RuntimeError: something broke", id="crash"),
    ],
)
def test_failure_keeps_exit_code_and_explanation(bench, how, code, said):
    running = bench.start(bench.job("fail", settings={"how": how}))
    failures = [message for message in map(decode, running.lines()) if isinstance(message, Failure)]
    assert [failure.message for failure in failures] == [said]
    assert running.outcome().exit_code == code


def test_program_reads_its_inputs_and_writes_as_the_caller(bench, tmp_path):
    words = tmp_path / "source"
    words.mkdir()
    (words / "words.txt").write_text("grün ")
    job = counting(bench, inputs={"words": words})
    assert bench.start(job).outcome().exit_code == 0
    result = job.staging / "output" / "result.txt"
    assert result.read_text() == "grün counted 6"
    assert (result.stat().st_uid, result.stat().st_gid) == (os.getuid(), os.getgid())


def test_memory_limit_strikes(bench):
    job = bench.job("hoard", settings={"megabytes": 2048, "pause_s": 0.02}, memory_bytes=96 * 2**20)
    outcome = bench.start(job).outcome()
    assert (outcome.exit_code, outcome.out_of_memory) == (137, True)


def test_memory_is_known_while_the_program_runs_and_not_after(bench):
    running = bench.start(training(bench))
    lines, thread = heard(running)
    wait_for(lambda: len(lines) >= 3)
    held = running.memory_bytes()
    assert held is None or 2**20 < held < 2**31
    running.stop(0)
    thread.join(20)
    running.outcome()
    assert running.memory_bytes() is None


def test_stop_lets_the_program_save_and_a_new_start_resumes(bench):
    job = training(bench)
    running = bench.start(job)
    lines, thread = heard(running)
    wait_for(lambda: len(lines) >= 2)
    began = time.monotonic()
    running.stop(20.0)
    assert running.outcome().exit_code == 12
    assert time.monotonic() - began < 10
    thread.join(20)
    assert (job.staging / "work" / "checkpoint.json").exists()
    running.remove()
    step = int(decode(lines[-2]).done)
    again = bench.start(bench.job("train", key=job.key, settings={"steps": step + 2, "pause_s": 0}))
    assert not again.adopted
    assert again.outcome().exit_code == 0
    assert (job.staging / "output" / "result.txt").read_text() == f"trained from {step} to {step + 2}"


def test_stop_kills_what_does_not_listen(bench):
    running = bench.start(bench.job("stubborn", settings={"steps": 100000, "pause_s": 0.01}))
    lines, _thread = heard(running)
    wait_for(lambda: lines)
    running.stop(0.3)
    outcome = running.outcome()
    assert (outcome.exit_code, outcome.out_of_memory) == (137, False)


def test_stop_at_once_kills(bench):
    running = bench.start(training(bench))
    running.stop(0)
    assert running.outcome().exit_code == 137


def test_stop_of_an_ended_job_does_nothing(bench):
    running = bench.start(counting(bench))
    outcome = running.outcome()
    running.stop(5.0)
    running.stop(0)
    assert running.outcome() == outcome


def test_second_engine_adopts_a_running_job(bench):
    job = training(bench)
    first = bench.start(job)
    second = bench.start(job, engine=bench.engine())
    assert (first.adopted, second.adopted) == (False, True)
    lines, thread = heard(second)
    wait_for(lambda: len(lines) >= 3)
    assert decode(lines[0]).done == 1
    second.stop(20.0)
    assert first.outcome() == second.outcome()
    thread.join(20)


def test_starts_at_the_same_time_give_one_job(bench):
    job = training(bench)
    engines = [bench.engine() for _ in range(4)]
    together = threading.Barrier(len(engines))
    started = []

    def start(engine):
        together.wait()
        started.append(bench.start(job, engine=engine))

    threads = [threading.Thread(target=start, args=(engine,)) for engine in engines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(started) == len(engines)
    streams = [heard(running) for running in started]
    wait_for(lambda: all(len(lines) >= 2 for lines, _thread in streams))
    started[0].stop(20.0)
    for _lines, thread in streams:
        thread.join(20)
    assert len({tuple(lines) for lines, _thread in streams}) == 1
    assert len({running.outcome() for running in started}) == 1


def test_ended_job_is_found_again_with_its_lines(bench):
    job = counting(bench)
    running = bench.start(job)
    outcome = running.outcome()
    found = bench.start(job, engine=bench.engine())
    assert found.adopted
    assert found.outcome() == outcome
    assert len(list(found.lines())) == 6


def test_start_takes_over_a_result_that_nobody_fetched(bench):
    job = counting(bench)
    bench.start(job).outcome()
    again = bench.start(job, engine=bench.engine())
    assert again.adopted
    assert again.outcome().exit_code == 0


def test_start_does_not_take_over_a_failure(bench):
    job = bench.job("fail", settings={"how": "crash"})
    bench.start(job).outcome()
    again = bench.start(job, engine=bench.engine())
    assert not again.adopted
    assert again.outcome().exit_code == 1


def test_remove_leaves_nothing_but_the_program_s_files(bench):
    job = counting(bench)
    running = bench.start(job)
    running.outcome()
    running.remove()
    running.remove()
    assert {path.name for path in job.staging.iterdir()} - {"stage.json"} == {"output", "work", "facts"}
    assert not bench.start(job, engine=bench.engine()).adopted


def test_remove_ends_a_running_job(bench):
    job = training(bench)
    running = bench.start(job)
    running.remove()
    assert not bench.start(job, engine=bench.engine()).adopted


def test_sweep_never_touches_a_running_job(bench):
    job = training(bench)
    running = bench.start(job)
    assert job.key not in bench.engine().sweep()
    found = bench.start(job, engine=bench.engine())
    assert found.adopted
    next(iter(found.lines()))
    running.stop(20.0)
    assert found.outcome().exit_code == 12


def test_what_a_running_job_reads_and_writes_is_in_use_until_it_ends(bench, tmp_path):
    words = (tmp_path / "source").resolve()
    words.mkdir()
    job = training(bench, inputs={"words": words})
    running = bench.start(job)
    later = bench.engine()
    assert {job.staging.resolve(), words} <= later.paths_in_use()
    running.stop(0)
    running.outcome()
    assert not {job.staging.resolve(), words} & later.paths_in_use()
    running.remove()


def test_job_is_listed_for_as_long_as_it_runs(bench):
    job = training(bench)
    running = bench.start(job)
    next(iter(running.lines()))
    (listed,) = bench.engine().jobs()
    assert (listed.key, listed.run, listed.stage) == (job.key, "engine-tests", "train/test")
    listed.running.stop(20.0)
    assert running.outcome().exit_code == 12
    assert bench.engine().jobs() == []


def test_sweep_leaves_what_somebody_else_is_at(bench):
    job = bench.job("fail", settings={"how": "crash"})
    running = bench.start(job)
    running.outcome()

    @contextlib.contextmanager
    def taken(_key):
        yield False

    assert list(bench.engine().sweep(taken)) == []
    assert running.outcome().exit_code == 1


def test_outcome_of_a_stopped_job_is_hashable_and_plain(bench):
    running = bench.start(counting(bench))
    assert isinstance(running.outcome(), Outcome)
    assert running.outcome() in {running.outcome()}
