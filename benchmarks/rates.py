"""What stages take on this machine: the measurements by which `sirr-orch plan` tells times before anything has run.

usage: python benchmarks/rates.py STORE [--engine auto|docker|local] [--write]
Runs examples/quickstart.yaml, and rates.yaml by one protocol and by all, in a store, and prints what its stages took;
--write replaces data/measured/rates.json by it. A quarter of an hour on two cores. Where others use them too, the time
in which a stage waited for a processor is taken out. What the store has already is not measured again.
"""

import argparse
import datetime
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from statistics import median

import numpy as np
import psutil
from PIL import Image
from scipy.ndimage import gaussian_filter

from benchmarks.waiting import Waiting
from orchestrator.execute.estimate_words import rough_size, rough_time
from orchestrator.execute.measurements import RATES, MeasuredMachine, MeasuredRates, MeasuredStage, store_measurements
from orchestrator.execute.plugins import known_library
from orchestrator.plan.estimates import Measurement
from orchestrator.resources import data_folder
from orchestrator.store.layout import Layout
from orchestrator.store.store import Store
from stagekit.machine import machine

ROOT = Path(__file__).resolve().parents[1]
PLUGINS = ROOT / "examples" / "plugins"
SPEC = Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8").replace("../examples/plugins", str(PLUGINS))
ALL_PROTOCOLS = "protocols: [standard, errnet2019, course2024]\n"
PHOTOS = ((600, 800), (300, 400))


def main() -> None:
    """Run what is to be measured, and print or keep what it took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store", type=Path)
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    store = options.store.absolute()
    waiting = Waiting(Layout(store).stagings, store / "waiting.json")
    with tempfile.TemporaryDirectory() as folder:
        for spec in specs(Path(folder)):
            with waiting:
                run([str(spec), "--store", str(store), "--engine", options.engine, "--build"], Path(folder))
    undisturbed = [shortened(one, waiting.shares().get(one.key, 1.0)) for one in measurements(store)]
    rates = MeasuredRates(machine=this_machine(), stages=tuple(rows(undisturbed)))
    for row in rates.stages:
        size = f"{row.units:>4} x {row.pixels / row.units:>9,.0f}"
        print(f"{size}  {rough_time(row.seconds):>8}  {rough_size(row.size_bytes):>7}  {json.dumps(row.task)}")
    if options.write:
        lines = ",\n".join(f"  {row.model_dump_json()}" for row in rates.stages)
        text = f'{{"machine": {rates.machine.model_dump_json()},\n"stages": [\n{lines}\n]}}\n'
        (data_folder() / RATES).write_text(text, encoding="utf-8")


def specs(folder: Path) -> Iterator[Path]:
    """Yield the experiments that are measured."""
    for name, more in (("rates", ""), ("rates-all", ALL_PROTOCOLS)):
        path = folder / f"{name}.yaml"
        path.write_text(SPEC.replace("name: rates", f"name: {name}") + more, encoding="utf-8")
        yield path
        if not more:
            yield ROOT / "examples" / "quickstart.yaml"


def run(arguments: list[str], folder: Path) -> None:
    """Run an experiment, with photographs."""
    photos = folder / "photos"
    photos.mkdir(exist_ok=True)
    rng = np.random.default_rng(0)
    for number, size in enumerate(PHOTOS):
        noise = gaussian_filter(rng.standard_normal((*size, 3)), (4, 4, 0))
        picture = 0.5 + 0.4 * noise / np.abs(noise).max()
        Image.fromarray((255 * picture).astype(np.uint8)).save(photos / f"{number}.png")
    subprocess.run([sys.executable, "-m", "orchestrator", "run", *arguments, "--photos", str(photos)], check=True)


def measurements(store: Path) -> tuple[Measurement, ...]:
    """Return what the stages of a store took."""
    library = known_library((PLUGINS,))
    shapes = {name: library.model(name).shaped_by for name in library.model_names}
    return store_measurements(Store(store, make=False), shapes)


def shortened(one: Measurement, share: float) -> Measurement:
    """Return what a stage would have taken without waiting for processors."""
    seconds, units_s = (None if value is None else value * share for value in (one.seconds, one.units_s))
    return replace(one, seconds=seconds, units_s=units_s)


def rows(found: Iterable[Measurement]) -> Iterator[MeasuredStage]:
    """Yield measurements as the file has them: of stages with the same amount of work the middle one."""
    alike: dict[tuple[str, int, float], list[Measurement]] = {}
    for one in found:
        if one.seconds is not None:
            alike.setdefault((one.task, one.work.units, one.work.pixels), []).append(one)
    for (task, units, pixels), several in sorted(alike.items()):
        at_units = [one.units_s for one in several if one.units_s is not None]
        yield MeasuredStage(
            task=json.loads(task),
            units=units,
            pixels=round(pixels, 1),
            seconds=round(median(one.seconds or 0.0 for one in several), 2),
            units_s=round(median(at_units), 3) if at_units else None,
            size_bytes=round(median(one.size_bytes for one in several)),
        )


def this_machine() -> MeasuredMachine:
    """Return the machine that this runs on."""
    found = machine()
    return MeasuredMachine(
        processor=found.processor,
        processors=found.processors or 1,
        memory_bytes=psutil.virtual_memory().total,
        measured=f"{datetime.datetime.now(datetime.UTC):%B %Y}",
    )


if __name__ == "__main__":
    main()
