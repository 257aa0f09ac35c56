"""Runs programs without their start: all is imported once, and each program is a child of this process. Python 3.8.

usage: python fork_server.py MODULE...

Each line of standard input is a request as JSON: the module to run as `python -m` would, its arguments, folder and
environment, files for what it prints, and limits. Each answer is a line of JSON: how it ended and what it took.
"""

import importlib
import json
import os
import resource
import runpy
import signal
import sys
import time
import traceback

MEBIBYTE = 2**20


def main(modules):
    """Import modules, then answer requests until there are no more."""
    for name in modules:
        importlib.import_module(name)
    sys.stdout.write(json.dumps({"peak_bytes": _peak_bytes(resource.getrusage(resource.RUSAGE_SELF))}) + "\n")
    sys.stdout.flush()
    for line in sys.stdin:
        sys.stdout.write(json.dumps(_answer(json.loads(line))) + "\n")
        sys.stdout.flush()


def _answer(request):
    began = time.monotonic()
    child = os.fork()
    if child == 0:
        try:
            _run(request)
        finally:
            os._exit(70)  # nothing of this process is to go on in the child
    late = False
    while True:
        ended, status, usage = os.wait4(child, os.WNOHANG)
        if ended:
            break
        if time.monotonic() - began > request["seconds"] and not late:
            late = True
            os.killpg(child, signal.SIGKILL)
        time.sleep(0.002)
    code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else -os.WTERMSIG(status)
    return {
        "code": code,
        "late": late,
        "seconds": time.monotonic() - began,
        "processor_s": usage.ru_utime + usage.ru_stime,
        "peak_bytes": _peak_bytes(usage),
    }


def _peak_bytes(usage):
    return usage.ru_maxrss * 1024


def _run(request):
    """Become the program; never returns."""
    os.setpgid(0, 0)
    for number, path in ((0, os.devnull), (1, request["out"]), (2, request["err"])):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(descriptor, number)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    with open("/proc/self/statm", encoding="ascii") as stream:
        held = int(stream.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (held + request["address_bytes"],) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.argv = [request["module"], *request["arguments"]]
    code = 0
    try:
        runpy.run_module(request["module"], run_name="__main__", alter_sys=True)
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main(sys.argv[1:])
