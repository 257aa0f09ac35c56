"""How long a report of full size takes to render, beside another version: everything new, and with one number changed.

usage: python benchmarks/rendering.py TREE [--distinct] [--repeats N]      (needs 10 GB of disk, with --distinct 14 GB)
TREE is a checkout of the other version. Both render in turn, each in a process of its own, so that a busy machine slows
both. The pictures are those of benchmarks/report.py, where files of a scene stand for several pictures; with --distinct
every picture has a file with a content of its own, and nothing is made once for several.
"""

import argparse
import importlib.util
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

HERE = Path(__file__).resolve().parents[1]


def main() -> None:
    """Print times of both versions, and their ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tree", type=Path, help="a checkout of the version to compare with")
    parser.add_argument("--distinct", action="store_true", help="every picture has a content of its own")
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="where pictures are, or shall be left")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = (arguments.folder or Path(temporary) / "pictures").resolve()
        write_pictures(folder)
        ratios: dict[str, list[float]] = {"new": [], "new, CPU": [], "one number": [], "one number, CPU": []}
        for _ in range(arguments.repeats):
            cache = Path(temporary) / "cache"
            there = timed(arguments.tree.resolve(), folder, temporary, arguments.distinct)
            new = timed(HERE, folder, temporary, arguments.distinct, cache)
            again = timed(HERE, folder, temporary, arguments.distinct, cache, better=1.0)
            shutil.rmtree(cache)
            for name, one in (("other version", there), ("this one, everything new", new), ("one number", again)):
                print(f"{name:26} {one['wall']:6.1f} s, {one['cpu']:6.1f} s of processors", flush=True)
            ratios["new"].append(new["wall"] / there["wall"])
            ratios["new, CPU"].append(new["cpu"] / there["cpu"])
            ratios["one number"].append(again["wall"] / there["wall"])
            ratios["one number, CPU"].append(again["cpu"] / there["cpu"])
    for name, found in ratios.items():
        print(f"{name:26} {statistics.median(found):.3f} of the other version")


def write_pictures(folder: Path) -> None:
    """Write the pictures of all scenes where they are not there yet."""
    benchmark = report_benchmark(HERE)
    for number in range(benchmark.SCENES):
        if not (folder / str(number)).is_dir():
            benchmark.scene_files(folder / f"{number}.new", number)
            (folder / f"{number}.new").rename(folder / str(number))


def timed(
    tree: Path, folder: Path, temporary: str, distinct: bool, cache: Path | None = None, better: float = 0.0
) -> dict[str, float]:
    """Return wall and processor time of one rendering in a process of its own, in seconds."""
    out = Path(temporary) / "report"
    order = {
        "tree": str(tree),
        "folder": str(folder),
        "out": str(out),
        "distinct": str(Path(temporary) / "distinct") if distinct else "",
        "cache": str(cache or ""),
        "better": better,
    }
    program = f"import runpy, sys; runpy.run_path({__file__!r})['render'](sys.argv[1])"
    done = subprocess.run(
        [sys.executable, "-c", program, json.dumps(order)], check=True, capture_output=True, text=True, cwd=tree
    )
    shutil.rmtree(out)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def render(order_text: str) -> None:
    """Render as an order says, and print the times."""
    order = json.loads(order_text)
    benchmark = report_benchmark(Path(order["tree"]))
    from orchestrator.report.render import render_report  # of the tree that was asked for

    benchmark.scene_files = lambda folder, number: {
        path.stem: path for path in (Path(order["folder"]) / str(number)).glob("*.png")
    }
    content = benchmark.full_size(Path(order["out"]).parent / "base")
    if order["distinct"]:
        content = with_own_files(content, Path(order["distinct"]))
    if order["better"]:
        content = with_one_number(content, order["better"])
    source: dict[str, Any] = {}
    if order["cache"]:
        from orchestrator.report.pictures import PictureSource

        source["source"] = PictureSource(Path(order["cache"]))
    os.sync()
    began, used = time.perf_counter(), cpu()
    render_report(content, Path(order["out"]), **source)
    print(json.dumps({"wall": time.perf_counter() - began, "cpu": cpu() - used}))


def report_benchmark(tree: Path) -> ModuleType:
    """Return benchmarks/report.py of this version, working with the packages of a tree."""
    sys.path.insert(0, str(tree))
    import orchestrator.report.render
    import tests.report.report_sample  # noqa: F401 - both before the benchmark looks for its own

    assert Path(orchestrator.report.render.__file__).is_relative_to(tree)
    description = importlib.util.spec_from_file_location("report_benchmark", HERE / "benchmarks" / "report.py")
    assert description is not None
    assert description.loader is not None
    module = importlib.util.module_from_spec(description)
    sys.modules["report_benchmark"] = module
    description.loader.exec_module(module)
    return module


def cpu() -> float:
    """Return the processor time of this process and all its threads, in seconds."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def with_one_number(content: Any, better: float) -> Any:
    """Return the content with one score of one picture changed."""
    result = content.results[-1]
    name, scores = next(iter(result.scores.items()))
    item = scores.items[0]
    metric = scores.metrics[0]
    items = (replace(item, values={**item.values, metric: float(item.values[metric]) + better}), *scores.items[1:])
    changed = replace(result, scores={**result.scores, name: replace(scores, items=items)})
    return replace(content, results=(*content.results[:-1], changed))


def with_own_files(content: Any, folder: Path) -> Any:
    """Return the content with a copy of its own for every picture, different by a line of text in the file."""
    folder.mkdir(exist_ok=True)
    names = own_names(folder)

    def own(path: Path | None) -> Path | None:
        if path is None:
            return None
        copy = next(names)
        if not copy.is_file():
            copy.write_bytes(marked(path.read_bytes(), copy.stem))
        return copy

    def answered(one: Any) -> Any:
        if not hasattr(one, "items"):
            return one
        items = (
            replace(
                item,
                transmission=own(item.transmission),
                reflection=own(item.reflection),
                steps=tuple(own(step) for step in item.steps),
            )
            for item in one.items
        )
        return replace(one, items=tuple(items))

    datasets = [
        replace(
            dataset,
            items=tuple(
                replace(
                    item,
                    blended=own(item.blended),
                    transmission=own(item.transmission),
                    reflection=own(item.reflection),
                )
                for item in dataset.items
            ),
        )
        for dataset in content.datasets
    ]
    results = [replace(result, predictions=answered(result.predictions)) for result in content.results]
    return replace(content, datasets=tuple(datasets), results=tuple(results))


def own_names(folder: Path) -> Iterator[Path]:
    """Yield the paths of copies, in the same order every time."""
    number = 0
    while True:
        yield folder / f"{number:05d}.png"
        number += 1


def marked(png: bytes, text: str) -> bytes:
    """Return a PNG file with a text chunk behind its header; its pixels are the same."""
    chunk = b"tEXtComment\0" + text.encode("ascii")
    framed = (len(chunk) - 4).to_bytes(4, "big") + chunk + zlib.crc32(chunk).to_bytes(4, "big")
    return png[:33] + framed + png[33:]


if __name__ == "__main__":
    main()
