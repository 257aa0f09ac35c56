"""Photographs of 100 megapixels through the stages `prepare` and `infer`: seconds and peaks of the processes.

usage: python benchmarks/large_pictures.py [--side 10000] [--memory 1 2] [--kinds png16 tiff16-alpha-turned jpeg8]
The network has three convolutions and a mean over the whole picture. A row with a quarter of the pixels stands beside
each: what grows with the picture is in files, and their bytes are what the stage says of its plan.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper
from PIL import Image

from orchestrator.photos import vips
from orchestrator.photos.strips import Strips
from stagekit import StageRequest
from stagekit.request import FOLDERS
from stagekit.results.apart import load_whole
from stagekit.results.predictions import PredictionsFile

ROOT = Path(__file__).resolve().parents[1]
PATHS = os.pathsep.join(map(str, (ROOT, ROOT / "images", ROOT / "images" / "inference")))
HEADING = ("photo", "size", "memory", "stage", "seconds", "process's peak", "in files", "file")
WIDE = 12


def main() -> None:
    """Print a table."""
    options = parsed()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        network = written_network(folder / "network.onnx")
        print("| " + " | ".join(HEADING) + " |\n|" + " --- |" * len(HEADING))
        for kind in options.kinds:
            for side in (options.side // 2, options.side):
                source = folder / "source"
                source.mkdir()
                photo = KINDS[kind](source, side)
                for memory in options.memory:
                    for row in rows(folder, network, photo, int(memory * 2**30), options):
                        print("| " + " | ".join((kind, f"{side} x {side}", f"{memory:g} GiB", *row)) + " |", flush=True)
                shutil.rmtree(source)


def parsed() -> argparse.Namespace:
    """Return what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=10000)
    parser.add_argument("--memory", type=float, nargs="+", default=[1.0, 2.0])
    parser.add_argument("--kinds", nargs="+", choices=list(KINDS), default=list(KINDS))
    parser.add_argument(
        "--folder", type=Path, help="for some 20 GB of files; the system's for temporary ones if absent"
    )
    parser.add_argument("--python", default=sys.executable, help="interpreter with what the image has")
    return parser.parse_args()


def texture(side: int, dtype: np.dtype[Any], bands: int) -> Strips:
    """Yield a gradient with texture and noise, a few rows at a time."""
    most, rng = np.iinfo(dtype).max, np.random.default_rng(0)
    columns = np.arange(side, dtype=np.float32)[None, :, None]
    band = np.arange(bands, dtype=np.float32)
    for top in range(0, side, 64):
        down = np.arange(top, min(top + 64, side), dtype=np.float32)[:, None, None]
        smooth = (down + columns) / (2 * side) * 0.6 + 0.2 + 0.1 * np.sin(columns / 9 + band) * np.cos(down / 13)
        noise = rng.random((len(down), side, 1), np.float32) * 0.02
        yield ((smooth + noise) * most).astype(dtype)


def png16(folder: Path, side: int) -> Path:
    """Write a 16-bit RGB PNG."""
    return saved(folder / "photo.png", side, 3, "png")


def tiff16_alpha_turned(folder: Path, side: int) -> Path:
    """Write a 16-bit TIFF with transparency that lies on its side."""
    path = saved(folder / "photo.tif", side, 4, "tiff")
    content = bytearray(path.read_bytes()[:8])
    order = "little" if content[:2] == b"II" else "big"
    with path.open("r+b") as stream:  # the tag is there, for libvips always writes it
        stream.seek(int.from_bytes(content[4:8], order))
        for _ in range(int.from_bytes(stream.read(2), order)):
            place, entry = stream.tell(), stream.read(12)
            if int.from_bytes(entry[:2], order) == 274:
                stream.seek(place + 8)
                stream.write((6).to_bytes(2, order))
    return path


def jpeg8(folder: Path, side: int) -> Path:
    """Write a JPEG."""
    whole = np.concatenate(list(texture(side, np.dtype(np.uint8), 3)))
    Image.fromarray(whole).save(folder / "photo.jpg", quality=92)
    return folder / "photo.jpg"


def saved(path: Path, side: int, bands: int, kind: Any) -> Path:
    """Write a 16-bit picture."""
    dtype = np.dtype(np.uint16)
    with vips.assembled(texture(side, dtype, bands), (side, side), bands, dtype) as image:
        vips.save(image, str(path), kind, vips.Metadata())
    return path


KINDS: Mapping[str, Callable[[Path, int], Path]] = {
    "png16": png16,
    "tiff16-alpha-turned": tiff16_alpha_turned,
    "jpeg8": jpeg8,
}


def written_network(path: Path) -> Path:
    """Write three convolutions with a mean over the whole picture between them."""
    rng = np.random.default_rng(0)
    shapes = {"a": (WIDE, 3, 3, 3), "b": (WIDE, WIDE, 3, 3), "c": (3, WIDE, 3, 3)}
    weights = [
        numpy_helper.from_array(rng.normal(0, 0.1, shape).astype(np.float32), name) for name, shape in shapes.items()
    ]
    nodes = [
        helper.make_node("Conv", ["image", "a"], ["first"], pads=[1] * 4),
        helper.make_node("Relu", ["first"], ["positive"]),
        helper.make_node("Conv", ["positive", "b"], ["second"], pads=[1] * 4),
        helper.make_node("ReduceMean", ["second"], ["mean"], axes=[2, 3], keepdims=1),
        helper.make_node("Sub", ["second", "mean"], ["centred"]),
        helper.make_node("Conv", ["centred", "c"], ["change"], pads=[1] * 4),
        helper.make_node("Add", ["image", "change"], ["transmission"]),
    ]
    picture = helper.make_tensor_value_info("image", onnx.TensorProto.FLOAT, (1, 3, "height", "width"))
    answer = helper.make_tensor_value_info("transmission", onnx.TensorProto.FLOAT, None)
    graph = helper.make_graph(nodes, "small", [picture], [answer], weights)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 16)], ir_version=8), str(path))
    return path


def rows(
    folder: Path, network: Path, photo: Path, memory_bytes: int, options: argparse.Namespace
) -> Iterator[tuple[str, ...]]:
    """Yield a row for each stage of a photograph."""
    dataset = {"kind": "photos", "pictures": "*.*"}
    settings: dict[str, Any] = {"name": "large", "title": "Large", "dataset": dataset}
    inputs = {"source": str(photo.parent)}
    prepared = stage(folder / "prepare", "prepare", settings, inputs, memory_bytes, options.python)
    yield cells(prepared, "-", next((prepared.output / "blended").iterdir()))
    settings = {"model": "small", "inference": {"mode": "exact"}, "as_photos": True}
    inputs = {"network": str(network), "dataset": str(prepared.output)}
    inferred = stage(folder / "infer", "infer", settings, inputs, memory_bytes, options.python)
    item = load_whole(PredictionsFile, inferred.output, inferred.output.parent / "facts").items[0]
    assert item.plan is not None
    filed = item.plan.filed_bytes
    yield cells(inferred, f"{filed / 2**20:,.0f} MiB", inferred.output / item.transmission)


@dataclass(frozen=True)
class Run:
    """A stage that has run.

    Attributes:
        peak_bytes: The most memory that its process held, files' pages in it included.
    """

    kind: str
    output: Path
    seconds: float
    peak_bytes: int


def cells(run: Run, filed: str, result: Path) -> tuple[str, ...]:
    """Return a stage's part of a row."""
    peak = f"{run.peak_bytes / 2**20:,.0f} MiB"
    return run.kind, f"{run.seconds:.0f}", peak, filed, f"{result.stat().st_size / 2**20:,.0f} MiB"


def stage(
    folder: Path, kind: str, settings: Mapping[str, Any], inputs: Mapping[str, str], memory_bytes: int, python: str
) -> Run:
    """Run a stage of the image's program to its end, in a folder that begins empty."""
    shutil.rmtree(folder, ignore_errors=True)
    for name in FOLDERS:
        (folder / name).mkdir(parents=True)
    request = StageRequest.below(
        str(folder), f"{kind}/large", kind, dict(settings), dict(inputs), memory_bytes=memory_bytes
    )
    request.save(str(folder / "stage.json"))
    began = time.perf_counter()
    process = subprocess.Popen(
        [python, "-m", "inference_program", str(folder / "stage.json")],
        env={**os.environ, "PYTHONPATH": PATHS},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    peaks = [0]
    watcher = threading.Thread(target=watch, args=(process, peaks))
    watcher.start()
    log, _ = process.communicate()
    watcher.join()
    if process.returncode != 0:
        raise SystemExit(f"stage {kind} ended with {process.returncode}:\n{log[-3000:]}")
    return Run(kind, folder / "output", time.perf_counter() - began, max(peaks))


def watch(process: "subprocess.Popen[str]", peaks: list[int]) -> None:
    """Note the process's greatest resident memory, which the system counts itself, until it ends."""
    path = Path(f"/proc/{process.pid}/status")
    while process.poll() is None:
        try:
            lines = path.read_text().splitlines()
        except OSError:
            return
        peaks += [int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")]
        time.sleep(0.02)


if __name__ == "__main__":
    main()
