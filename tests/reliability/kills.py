"""Kills a comparison of all three networks at random moments until it is done, and says what differs from undisturbed.

usage: python -m tests.reliability.kills [--engine local|docker] [--hours HOURS] [--seed SEED] [--round NUMBER]

The comparison is small and real: the images or environments of `sirr-orch build`, started by the command line. In each
round it is started again and again and killed: the orchestrator, the supervisor, a stage's program, the container, the
Docker daemon (one of its own), or all of them. In between, second runs are started, the disk is full, the clock jumps,
and processes are stopped for a while. With --round one round is played again.
"""

import argparse
import contextlib
import json
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from orchestrator.environments.builder import BuildSettings
from orchestrator.environments.docker import DockerBuilder
from orchestrator.spec.load import image_names, load_image
from tests.reliability.clock import ShiftedClock
from tests.reliability.comparison import ROOT, SAME, Site, results, write_inputs
from tests.reliability.daemon import OwnDaemon
from tests.reliability.disk import SmallDisk
from tests.reliability.round import Bench, Round

_DISK_BYTES = 4 * 2**30
"""Two stores with all their results and trainings, and the gibibyte without which no run starts."""


class Figures:
    """What was done and found, kept on disk after every round."""

    def __init__(self, path: Path, engine: str, seed: int) -> None:
        self._path = path
        self._began = time.monotonic()
        self._engine, self._seed = engine, seed
        self._kills: Counter[str] = Counter()
        self._between: Counter[str] = Counter()
        self._rounds = 0
        self.deviations: list[str] = []

    def add(self, number: int, one: Round, deviations: Sequence[str]) -> None:
        """Take in a round."""
        self._rounds += 1
        self._kills += one.kills
        self._between += one.between
        self.deviations += [f"seed {self._seed} round {number}: {sentence}" for sentence in deviations]
        document = {
            "engine": self._engine,
            "seed": self._seed,
            "hours": round((time.monotonic() - self._began) / 3600, 2),
            "rounds": self._rounds,
            "kills": dict(sorted(self._kills.items())),
            "between": dict(sorted(self._between.items())),
            "deviations": self.deviations,
        }
        self._path.write_text(json.dumps(document, indent=1), encoding="utf-8")

    def sentences(self) -> Iterator[str]:
        """Yield the figures in words."""
        hours = (time.monotonic() - self._began) / 3600
        for counted in (self._kills, self._between):
            yield from (f"{count:5}  {kind}" for kind, count in sorted(counted.items()))
        yield (
            f"{self._engine}, {hours:.2f} hours, {self._rounds} rounds: {self._kills.total()} kills, "
            f"{self._between.total()} things in between, {len(self.deviations)} deviations"
        )


def undisturbed(site: Site, store: Path) -> None:
    """Run the comparison in peace, as far as the store lacks its results."""
    store.mkdir(parents=True, exist_ok=True)
    with (store.parent / "undisturbed.txt").open("wb") as output:
        process = site.start(SAME, store, output)
        try:
            code = process.wait()
        finally:
            process.terminate()  # which stops its stages too
            process.wait()
    if code != 0:
        raise SystemExit(f"the undisturbed run ended with status {code}; see {output.name}")


def built_tags() -> list[str]:
    """Return the names of the images, built where they are missing."""
    subprocess.run([sys.executable, "-m", "orchestrator", "build", "--engine", "docker"], cwd=ROOT, check=True)
    builder, settings = DockerBuilder(), BuildSettings.from_environment()
    found = [builder.tag(load_image(name), "cpu", settings) for name in image_names()]
    return [tag for tag in found if tag is not None]


@contextlib.contextmanager
def own_daemon(engine: str, folder: Path) -> Iterator[OwnDaemon | None]:
    """Yield a daemon with the images, None on the local engine."""
    if engine == "local":
        subprocess.run([sys.executable, "-m", "orchestrator", "build", "--engine", "local"], cwd=ROOT, check=True)
        yield None
        return
    tags = built_tags()
    daemon = OwnDaemon(folder / "docker", folder / "dockerd.txt")
    try:
        daemon.start(live_restore=False)
        daemon.load(tags)
        yield daemon
    finally:
        daemon.close()


def play(given: argparse.Namespace, bench: Bench, figures: Figures) -> None:
    """Play rounds until the time is over."""
    deadline = time.monotonic() + given.hours * 3600
    number = 0 if given.round is None else given.round
    while time.monotonic() < deadline:
        name = f"{given.seed} {number}"
        log = (bench.folder / "log.txt").open("a", encoding="utf-8", buffering=1)
        with contextlib.closing(log):

            def say(sentence: str, log=log, name=name) -> None:
                log.write(f"{time.strftime('%H:%M:%S')} [{name}] {sentence}\n")

            one = Round(bench, name, say)
            deviations = one.play(random.Random(f"{name} length").randint(25, 50))
            figures.add(number, one, deviations)
            for sentence in deviations:
                say(f"deviation: {sentence}")
                sys.stdout.write(f"seed {given.seed} round {number}: {sentence}\n")
                sys.stdout.flush()
            evidence = bench.folder / "deviations" / f"{given.seed}-{number}-{int(time.time())}"
            one.clear(evidence if deviations else None)
        if given.round is not None:
            return
        number += 1


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", choices=["local", "docker"], default="local")
    parser.add_argument("--hours", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--round", type=int, help="play this round alone")
    parser.add_argument(
        "--folder", type=Path, default=ROOT / ".sirr" / "reliability", help="what is kept between times"
    )
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Play rounds for so many hours, print what differed, and return 1 where something did."""
    given = parsed(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    folder = given.folder.resolve() / given.engine
    (folder / "deviations").mkdir(parents=True, exist_ok=True)
    shutil.rmtree(folder / "round", ignore_errors=True)
    figures = Figures(folder / "figures.json", given.engine, given.seed)
    write_inputs(folder / "inputs")
    clock = ShiftedClock(folder)
    with own_daemon(given.engine, folder) as daemon:
        variables = {} if daemon is None else {"DOCKER_HOST": daemon.address}
        environments, finished = ROOT / ".sirr" / "environments", folder / "undisturbed"
        finished.mkdir(exist_ok=True)
        if daemon is None and not (finished / "environments").is_symlink():
            (finished / "environments").symlink_to(environments)
        undisturbed(Site(given.engine, folder / "inputs", variables), finished)
        site = Site(given.engine, folder / "inputs", {**variables, **clock.environment()})
        disk = SmallDisk(folder / "disk", _DISK_BYTES)
        bench = Bench(site, folder, disk, clock, results(finished, SAME), finished, daemon, environments)
        try:
            play(given, bench, figures)
        except KeyboardInterrupt:
            sys.stdout.write("stopped\n")
        finally:
            disk.close()
    sys.stdout.write("\n".join(figures.sentences()) + "\n")
    return 1 if figures.deviations else 0


if __name__ == "__main__":
    sys.exit(main())
