"""One round: a comparison that is killed again and again until it is done, and what is not as it should be then."""

import contextlib
import random
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import psutil

from tests.reliability.clock import ShiftedClock
from tests.reliability.comparison import OTHER, SAME, Results, Site, copy_results, events, results
from tests.reliability.daemon import OwnDaemon
from tests.reliability.disk import SmallDisk
from tests.reliability.ends import EndsWatch
from tests.reliability.targets import CONTAINER_WAYS, WAYS, DockerTargets, LocalTargets, end_container, send

_LONGEST_S = 2400.0
_GONE_S = 15.0
_END_S = 20.0
_SHIFTS_S = (-86400, -3600, -90, 90, 3600, 86400, 30 * 86400)
_KILLING_WAYS = tuple(way for way in WAYS if "SIGCONT" not in way)
_LONG_KINDS = ("train", "export", "infer")
_HEALTHY = {"gate", "uses", "cleaning"}


@dataclass(frozen=True)
class Bench:
    """What all rounds share.

    Attributes:
        reference: What an undisturbed run came to.
        finished: A store that holds it.
        daemon: Of one's own; None on the local engine.
        environments: The folder of local environments that stores share.
    """

    site: Site
    folder: Path
    disk: SmallDisk
    clock: ShiftedClock
    reference: Results
    finished: Path
    daemon: OwnDaemon | None
    environments: Path


@dataclass
class Course:
    """One store of a round, and the runs in it.

    Attributes:
        made: The keys that were missing when it began.
        names: The runs that were started in it.
    """

    store: Path
    made: frozenset[str]
    watch: EndsWatch
    names: set[str] = field(default_factory=set)


class Round:
    """One round, which its name determines but for the moments at which the machine gets to things.

    Args:
        name: Seed and number; each step draws from a generator of its own, so that the same name is the same round.
        say: Hears what is done.
    """

    def __init__(self, bench: Bench, name: str, say: Callable[[str], None]) -> None:
        self.kills: Counter[str] = Counter()
        self.between: Counter[str] = Counter()
        self._bench = bench
        self._name = name
        self._say = say
        self._folder = bench.folder / "round"
        self._outputs: list[IO[bytes]] = []
        self._running: list[tuple[Course, str, subprocess.Popen[bytes]]] = []
        self._targets = LocalTargets(bench.disk.folder) if bench.daemon is None else DockerTargets(bench.daemon)
        self._courses: dict[str, Course] = {}
        self._asked_to_end = False

    def play(self, most_kills: int) -> list[str]:
        """Kill up to so many times, let everything end, and return what is not as it should be."""
        self._folder.mkdir(parents=True)
        self._bench.clock.set(0)
        self._awake(random.Random(f"{self._name} daemon"))
        draw = random.Random(f"{self._name} stores")
        keys = sorted(self._bench.reference.files)
        long = [key for key in keys if self._bench.reference.stages[key].split("/")[0] in _LONG_KINDS]
        missing = keys if draw.random() < 0.15 else [draw.choice(long), *draw.sample(keys, draw.randint(0, 6))]
        self._courses["a"] = self._course("a", missing)
        self._courses["b"] = self._course("b", [draw.choice(keys)])
        try:
            for step in range(most_kills):
                if not self._step(random.Random(f"{self._name} {step}")):
                    break
            return self._ended()
        finally:
            self._end_all()

    def _course(self, name: str, missing: Collection[str]) -> Course:
        """Make a store that has all results but these."""
        keys = self._bench.reference.files.keys()
        store = self._bench.disk.folder / name
        (store / "staging").mkdir(parents=True)
        if self._bench.site.engine == "local":
            (store / "environments").symlink_to(self._bench.environments)
        shutil.copy(self._bench.finished / "version.json", store)
        copy_results(self._bench.finished, store, keys - set(missing))
        watch = EndsWatch(store / "staging")
        watch.start()
        self._say(f"store {name} lacks {len(set(missing))} of {len(keys)} results")
        return Course(store, frozenset(missing), watch)

    def _step(self, draw: random.Random) -> bool:
        """Do one thing in between now and then, wait, and kill; return whether there is still something to kill."""
        ours = self._courses["a"]
        done = [one for course, name, one in self._running if course is ours and name == SAME and one.poll() == 0]
        if done and draw.random() < 0.8:
            return False
        if not self._alive():
            self._start("a", SAME, draw)
        if draw.random() < 0.4:
            self._do_between(draw)
        time.sleep(min(0.2 + draw.expovariate(1 / 6.0), 25.0))
        self._kill(draw)
        self._awake(draw)
        return True

    def _alive(self) -> list[psutil.Process]:
        return [psutil.Process(one.pid) for _, _, one in self._running if one.poll() is None]

    def _start(self, course: str, run: str, draw: random.Random) -> None:
        output = (self._folder / f"output-{len(self._outputs)}-{course}-{run}.txt").open("wb")
        self._outputs.append(output)
        options = ("--jobs", str(draw.choice([1, 1, 2])), "--grace", "10")
        started = self._bench.site.start(run, self._courses[course].store, output, *options)
        self._courses[course].names.add(run)
        self._running.append((self._courses[course], run, started))
        self._say(f"{run} in store {course} is process {started.pid}")

    def _do_between(self, draw: random.Random) -> None:
        things: Mapping[str, Callable[[], bool]] = {
            "a second run of the same name": lambda: self._start_beside("a", SAME, draw),
            "another run in the same store": lambda: self._start_beside("a", OTHER, draw),
            "a run in another store with the same keys": lambda: self._start_beside("b", SAME, draw),
            "full disk": lambda: self._fill(draw.uniform(0.3, 5.0)),
            "clock step": lambda: self._shift(draw.choice(_SHIFTS_S)),
            "stopped and continued": lambda: self._pause(draw),
        }
        name = draw.choice(sorted(things))
        if things[name]():
            self._say(f"between: {name}")
            self.between[name] += 1

    def _start_beside(self, course: str, run: str, draw: random.Random) -> bool:
        if len(self._alive()) > 2:
            return False
        self._start(course, run, draw)
        return True

    def _fill(self, seconds: float) -> bool:
        if self._bench.disk.fills:
            self._bench.disk.fill(seconds)
        return self._bench.disk.fills

    def _shift(self, seconds: int) -> bool:
        self._bench.clock.set(seconds)
        return self._bench.clock.there

    def _pause(self, draw: random.Random) -> bool:
        whom, seconds = draw.choice(sorted(self._processes())), draw.uniform(0.5, 8.0)
        found = list(self._processes()[whom]())
        send(found, "SIGSTOP, SIGCONT", seconds)
        return bool(found)

    def _processes(self) -> dict[str, Callable[[], list[psutil.Process]]]:
        found: dict[str, Callable[[], list[psutil.Process]]] = {
            "orchestrator": self._alive,
            "supervisor": self._targets.supervisors,
            "program": self._targets.programs,
        }
        if self._bench.daemon is not None:
            daemon = self._bench.daemon
            found["dockerd"] = lambda: daemon.daemon
        return found

    def _kill(self, draw: random.Random) -> None:
        processes = self._processes()
        kinds = {**processes, "all orchestrators": self._alive, "everything": self._everybody}
        order = sorted(kinds) + (["container"] * 2 if self._bench.daemon is not None else [])
        draw.shuffle(order)
        pause_s, way, end = draw.uniform(0.2, 3.0), draw.choice(_KILLING_WAYS), draw.choice(CONTAINER_WAYS)
        for whom in order:  # the first that is there
            if whom == "container":
                if self._kill_container(end, draw, pause_s):
                    return
            elif found := list(kinds[whom]()):
                self._send(whom, found, way, pause_s, draw)
                return

    def _send(self, whom: str, found: list[psutil.Process], way: str, pause_s: float, draw: random.Random) -> None:
        if whom == "orchestrator":
            found = [draw.choice(found)]
        draw.shuffle(found)
        send(found, way, pause_s)
        self._asked_to_end = whom in {"dockerd", "everything"}
        self._count(whom, way, len(found))

    def _everybody(self) -> list[psutil.Process]:
        return [one for find in self._processes().values() for one in find()]

    def _kill_container(self, way: str, draw: random.Random, pause_s: float) -> bool:
        assert self._bench.daemon is not None
        found = self._bench.daemon.containers()
        if found:
            end_container(self._bench.daemon, draw.choice(sorted(found)), way, pause_s)
            self._count("container", way, 1)
        return bool(found)

    def _count(self, whom: str, way: str, number: int) -> None:
        self._say(f"kill: {whom}, {way}: {number} processes")
        self.kills[f"{whom}: {way}"] += 1

    def _awake(self, draw: random.Random) -> None:
        """Start the daemon again where it was killed, a while later."""
        daemon = self._bench.daemon
        if daemon is None:
            return
        if self._asked_to_end:  # it stops its containers first
            self._asked_to_end = False
            with contextlib.suppress(psutil.Error):
                for process in daemon.daemon:
                    process.wait(_END_S)
        if not daemon.daemon:
            time.sleep(draw.uniform(0.0, 4.0))
        daemon.start(live_restore=draw.random() < 0.5)

    def _ended(self) -> list[str]:
        """Let everything end, and return what is not as it should be."""
        found = self._let_end()
        for name, course in self._courses.items():
            for run in sorted(course.names):
                found += [f"store {name}: {said}" for said in self._last_runs(course, run)]
        deadline = time.monotonic() + _GONE_S
        while self._targets.left() and time.monotonic() < deadline:
            time.sleep(0.2)
        found += [f"left: {one}" for one in self._targets.left()]
        for name, course in self._courses.items():
            course.watch.close()
            if course.names:
                found += [f"store {name}: {said}" for said in self._deviations(course)]
        return found

    def _let_end(self) -> list[str]:
        """Wait for the runs that go on."""
        self._bench.disk.wait()
        self._bench.clock.set(0)
        deadline = time.monotonic() + _LONGEST_S
        while self._alive() and time.monotonic() < deadline:
            time.sleep(0.2)
        return [f"does not end: {' '.join(process.cmdline())}" for process in self._alive()]

    def _last_runs(self, course: Course, run: str) -> list[str]:
        """Run to the end, and once more; the second of the two has nothing to do."""
        found = []
        for which in ("the last run", "a further run"):
            before = len(events(course.store, run))
            with (self._folder / f"output-last-{course.store.name}-{run}.txt").open("ab") as output:
                process = self._bench.site.start(run, course.store, output)
                try:
                    code = process.wait(_LONGEST_S)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
                    found.append(f"{which} of {run} does not end")
                    continue
            if code != 0:
                found.append(f"{which} of {run} ended with status {code}")
            news = [event for event in events(course.store, run)[before:] if event.get("event") == "state"]
            busy = sorted({str(event["stage"]) for event in news if event["state"] != "stored"})
            if which == "a further run" and busy:
                found.append(f"a further run of {run} still had something to do: {', '.join(busy)}")
        return found

    def _deviations(self, course: Course) -> list[str]:
        expected, found = self._bench.reference, []
        there = results(course.store)
        wanted = expected.files.keys() if SAME in course.names else there.files.keys() & expected.files.keys()
        for key in sorted(there.files.keys() | wanted):
            stage = expected.stages.get(key) or there.stages[key]
            if key not in there.files:
                found.append(f"{stage} has no result")
            elif there.files[key] != expected.files.get(key):
                found.append(f"{stage} has another result ({key[:12]})")
        for key, count in sorted(course.watch.ends.items()):
            most = 1 if key in course.made else 0
            if count > most:
                found.append(f"{expected.stages.get(key, key)} ran to its end {count} times, and {most} were to be")
        found += [
            f"{expected.stages[key]} was not seen to end, and has a result"
            for key in sorted(course.made & there.files.keys())
            if not course.watch.ends[key]
        ]
        return found + _left_in(course.store)

    def _end_all(self) -> None:
        for _, _, process in self._running:
            if process.poll() is None:
                process.kill()
            process.wait()
        for output in self._outputs:
            output.close()
        for course in self._courses.values():
            if course.watch.is_alive():
                course.watch.close()

    def clear(self, evidence: Path | None) -> None:
        """Remove what the round left, and what it left running.

        Args:
            evidence: A folder for what tells how it went; None keeps nothing.
        """
        if evidence is not None:
            shutil.copytree(self._folder, evidence)
            for course in self._courses.values():
                for part in ("runs", "staging", "leases"):
                    with contextlib.suppress(OSError, shutil.Error):
                        small = shutil.ignore_patterns("*.pt", "*.npz", "*.onnx", "*.partial", "*.png")
                        shutil.copytree(course.store / part, evidence / course.store.name / part, ignore=small)
        send([*self._targets.programs(), *self._targets.supervisors()], "SIGKILL", 0)
        if self._bench.daemon is not None:
            for container in self._bench.daemon.containers():
                end_container(self._bench.daemon, container, "remove", 0)
        for course in self._courses.values():
            shutil.rmtree(course.store)
        shutil.rmtree(self._folder)


def _left_in(store: Path) -> list[str]:
    """Return what lies in a store and should not, by its path below it."""
    left = [*(store / "runs").rglob("*.partial")]
    for name in ("staging", "trash", "damaged", "leases"):
        inside = (store / name).iterdir() if (store / name).exists() else ()
        left += [path for path in inside if name != "leases" or not _is_healthy(path.name)]
    return [f"left: {path.relative_to(store)}" for path in sorted(left)]


def _is_healthy(lease: str) -> bool:
    """Return whether a lock's file is one that stays: the store's gate, and those of runs."""
    return lease in _HEALTHY or lease.startswith("run-")
