"""The program of the engines' conformance suite: it behaves as a check asks, and needs nothing but stagekit."""

import json
import locale
import multiprocessing
import os
import socket
import subprocess
import sys
import tempfile
import time
from multiprocessing import shared_memory
from typing import Any, Callable, List, Mapping

import stagekit
from stagekit import StageContext

MODULE = "engine_program"
"""What it is called where it runs."""


def log(context: StageContext, text: str) -> None:
    """Print a line that is no message, to where the messages go: the fake engine runs programs as threads."""
    context._stream.write(text + "\n")
    context._stream.flush()


def count(context: StageContext) -> None:
    """Print `lines` progress lines with log lines between them, and copy the input's text to the output."""
    lines = context.setting("lines")
    for done in range(1, lines + 1):
        if done % 2:
            context.progress(done, lines, "line", {"loss": 1.0 / done})
        else:
            log(context, f"line {done} of {lines}")
        time.sleep(context.setting("pause_s"))
    text = ""
    if "words" in context.request.inputs:
        with open(context.input("words", "words.txt"), encoding="utf-8") as stream:
            text = stream.read()
    with stagekit.write_atomically(context.output("result.txt"), "w") as stream:
        stream.write(text + f"counted {lines}")


def fail(context: StageContext) -> None:
    """End as the setting `how` says."""
    how = context.setting("how")
    if how == "bad-input":
        raise stagekit.BadInput("the picture is 3 pixels wide", "take a larger one")
    if how == "crash":
        raise RuntimeError("something broke")
    os._exit(int(how))


def hoard(context: StageContext) -> None:
    """Take memory until something stops it."""
    held = []
    for block in range(context.setting("megabytes") // 8):
        held.append(b"\x01" * (8 * 2**20))
        context.progress(8 * (block + 1), context.setting("megabytes"), "MB")
        time.sleep(context.setting("pause_s"))


def train(context: StageContext) -> None:
    """Take steps until asked to stop; start behind the checkpoint."""
    path, first = context.work("checkpoint.json"), 0
    if os.path.exists(path):
        with open(path, encoding="utf-8") as stream:
            first = json.load(stream)["step"]
    steps = context.setting("steps")
    for step in range(first + 1, steps + 1):
        time.sleep(context.setting("pause_s"))
        context.progress(step, steps, "step")
        if context.stop_requested:
            with stagekit.write_atomically(path, "w") as stream:
                json.dump({"step": step}, stream)
            context.checkpoint("checkpoint.json", step)
            context.interrupt()
    with stagekit.write_atomically(context.output("result.txt"), "w") as stream:
        stream.write(f"trained from {first} to {steps}")


def stubborn(context: StageContext) -> None:
    """Go on whatever it is asked."""
    for done in range(context.setting("steps")):
        context.progress(done, context.setting("steps"), "step")
        time.sleep(context.setting("pause_s"))


def parent(context: StageContext) -> None:
    """Leave a child behind that would outlive the program, and say which."""
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
    with open(context.output("child.txt"), "w", encoding="utf-8") as stream:
        stream.write(str(child.pid))
    child.returncode = 0


def look(context: StageContext) -> None:
    """Write down what the program sees of its surroundings."""
    with open("/proc/self/status", encoding="utf-8") as stream:
        status = {name: value.strip() for name, value in (row.split(":", 1) for row in stream)}
    facts = {
        "uid": os.getuid(),
        "gid": os.getgid(),
        "environment": dict(os.environ),
        "interfaces": _interfaces(),
        "capabilities": status["CapEff"],
        "no_new_privileges": status["NoNewPrivs"],
        "shm_bytes": os.statvfs("/dev/shm").f_blocks * os.statvfs("/dev/shm").f_frsize,
        "writable": [path for path in context.setting("paths") if _writable(path)],
        "home": _writable(os.environ["HOME"]),
        "caches": all(_writable(os.environ[name]) for name in context.setting("caches")),
        "request": {"memory_bytes": context.request.memory_bytes, "seed": context.request.seed},
    }
    with open(context.output("facts.json"), "w", encoding="utf-8") as stream:
        json.dump(facts, stream)


def attempt(context: StageContext) -> None:
    """Try what a program must not be able to do, and write down what came of each."""
    results = [[what, whom, _attempted(what, whom)] for what, whom in context.setting("attempts")]
    with open(context.output("attempts.json"), "w", encoding="utf-8") as stream:
        json.dump(results, stream)


def _attempted(what: str, whom: Any) -> str:
    try:
        if what == "read":
            with open(whom, "rb") as stream:
                stream.read(1)
        elif what == "list":
            os.listdir(whom)
        elif what == "see":
            os.stat(whom)
        elif what == "write":
            os.close(os.open(whom, os.O_WRONLY | os.O_CREAT))
        elif what == "cut":
            os.truncate(whom, 0)
        elif what == "signal":
            os.kill(whom, 0)
        elif what == "connect":
            socket.create_connection(("127.0.0.1", whom), timeout=5).close()
        elif what == "send":
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"hello", ("127.0.0.1", whom))
    except OSError as error:
        return type(error).__name__
    return "done"


def busy(context: StageContext) -> None:
    """Do what frameworks do: workers, shared memory, locks, temporary files, programs, threads, text of all sorts."""
    squares: List[int] = []
    for method in ("spawn", "fork"):
        with multiprocessing.get_context(method).Pool(2) as pool:
            squares += pool.map(_square, [len(squares)])
            pool.close()
            pool.join()
    block = shared_memory.SharedMemory(create=True, size=2**20)
    if block.buf is not None:
        block.buf[:4] = b"abcd"
    block.close()
    block.unlink()
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as stream:
        stream.write(b"x" * 2**20)
        script = os.path.join(folder, "script")
        with open(script, "w", encoding="utf-8") as written:
            written.write("#!/bin/sh\necho grün\n")
        os.chmod(script, 0o700)
        said = subprocess.run([script], stdout=subprocess.PIPE, check=True).stdout.decode("utf-8").strip()
    facts = {
        "squares": squares,
        "said": said,
        "encoding": [sys.getfilesystemencoding(), locale.getpreferredencoding(False)],
        "processors": len(os.sched_getaffinity(0)) == os.cpu_count() or (os.cpu_count() or 0) > 0,
        "topology": os.path.isdir("/sys/devices/system/cpu/cpu0"),
        "random": len(os.urandom(8)),
        "home": os.path.isdir(os.path.expanduser("~")),
    }
    with open(context.output("facts.json"), "w", encoding="utf-8") as stream:
        json.dump(facts, stream)


def _square(number: int) -> int:
    return number * number


def shout(context: StageContext) -> None:
    """Print a line longer than an engine's log messages, a short one, and one without an end."""
    log(context, "€" * context.setting("length"))
    log(context, "abc")
    sys.stdout.write("last one")
    sys.stdout.flush()


def _interfaces() -> List[str]:
    try:
        return sorted(name for _number, name in socket.if_nameindex())
    except PermissionError:  # no socket may be made to ask with
        return []


def _writable(folder: str) -> bool:
    path = os.path.join(folder, "probe")
    try:
        with open(path, "w", encoding="utf-8"):
            pass
    except OSError:
        return False
    os.unlink(path)
    return True


HANDLERS: Mapping[str, Callable[[StageContext], None]] = {
    "attempt": attempt,
    "busy": busy,
    "count": count,
    "fail": fail,
    "hoard": hoard,
    "look": look,
    "parent": parent,
    "shout": shout,
    "stubborn": stubborn,
    "train": train,
}

if __name__ == "__main__":
    sys.exit(stagekit.run_program(HANDLERS))
