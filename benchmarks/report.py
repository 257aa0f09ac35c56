"""How large a report of full size is, and how soon its pages answer: 6 sets, 394 pictures, 5 networks, 3 cascade steps.

usage: python benchmarks/report.py [--folder FOLDER] [--repeats N]      (needs Chromium, 5 GB of disk, some minutes)
The pictures are cuts of photographs that scikit-image carries, 540 x 400 pixels, as in SIR2. Everything but the
full-size pictures is counted: pages, scripts, thumbnails.
"""

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
from playwright.sync_api import Browser, sync_playwright
from skimage import data as photographs

sys.path.insert(0, str(Path(__file__).parents[1]))

from orchestrator.report.content import Dataset, Picture, PicturePrediction, Predictions, ReportContent, Result
from orchestrator.report.render import render_report
from tests.report.report_sample import comparison, model, picture, scores

SETS = {"real": 20, "nature": 20, "mine": 20, "solid": 35, "wild": 100, "postcard": 199}
LABELS = ("zhang2018", "errnet2019", "ibcln2020", "dsrnet2023", "rdnet2025")
STEPS = 3
HEIGHT, WIDTH = 400, 540
SCENES = 24
"""Different scenes; the files of a scene stand for several pictures, which changes no size."""

SIZE_LIMIT = 60e6
TIME_LIMIT = 2.0

# Interactive: scripts have bound everything, and no task of more than 50 ms follows within two seconds.
_INTERACTIVE = """new Promise((answer) => {
  let last = performance.getEntriesByType("navigation")[0].domContentLoadedEventEnd;
  const seen = (list) => list.getEntries().forEach((one) => { last = Math.max(last, one.startTime + one.duration); });
  new PerformanceObserver(seen).observe({ type: "longtask", buffered: true });
  const wait = () => performance.now() - last > 2000 ? answer(last / 1000) : setTimeout(wait, 100);
  wait();
})"""


def main() -> None:
    """Print sizes and times beside their limits."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, help="where to leave the report, or where one lies already")
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = (arguments.folder or Path(temporary) / "report").resolve()
        index = folder / "index.html"
        if not index.is_file():
            content = full_size(Path(temporary) / "pictures")
            began, used = time.perf_counter(), time.process_time()
            render_report(content, folder)
            print(f"rendered in {time.perf_counter() - began:.0f} s, {time.process_time() - used:.0f} s of a processor")
        tell_sizes(folder)
        for name, path in (("summary", index), ("largest dataset", folder / "dataset-postcard.html")):
            tell_times(name, path, arguments.repeats)


def tell_sizes(folder: Path) -> None:
    """Print the bytes of every kind of file."""
    kinds = {"pages": "*.html", "scripts and style": "static/*", "thumbnails": "pictures/**/*.thumb.webp"}
    sizes = {kind: sum(path.stat().st_size for path in folder.glob(glob)) for kind, glob in kinds.items()}
    full = sum(path.stat().st_size for path in folder.glob("pictures/**/*.png"))
    for kind, size in sizes.items():
        print(f"{kind:20} {size / 1e6:7.1f} MB")
    print(f"{'together':20} {sum(sizes.values()) / 1e6:7.1f} MB   (limit {SIZE_LIMIT / 1e6:.0f} MB)")
    print(f"{'full-size pictures':20} {full / 1e6:7.1f} MB")


@dataclass(frozen=True)
class Visit:
    """One visit of a page, in seconds: since navigation, and of a processor by the page's main thread.

    Attributes:
        bound: All scripts have run, so that every button works.
        interactive: Nothing delays an answer any more.
    """

    bound: float
    interactive: float
    bound_cpu: float
    interactive_cpu: float


def tell_times(name: str, path: Path, repeats: int) -> None:
    """Print the medians over some visits."""
    with sync_playwright() as playwright:
        program = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        visits = [visited(browser, path) for _ in range(repeats)]
        browser.close()
    bound, interactive, bound_cpu, interactive_cpu = (
        statistics.median(getattr(visit, field.name) for visit in visits) for field in fields(Visit)
    )
    print(
        f"{name:16} buttons work after {bound:.2f} s ({bound_cpu:.2f} s of a processor), "
        f"interactive after {interactive:.2f} s ({interactive_cpu:.2f} s; limit {TIME_LIMIT} s)"
    )


def visited(browser: Browser, path: Path) -> Visit:
    """Return the times of one visit, in a context of its own."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    protocol = context.new_cdp_session(page)
    protocol.send("Performance.enable", {"timeDomain": "threadTicks"})

    def cpu() -> float:
        found = protocol.send("Performance.getMetrics")["metrics"]
        return float(next(one["value"] for one in found if one["name"] == "TaskDuration"))

    page.goto(path.as_uri(), wait_until="domcontentloaded")
    bound_cpu = cpu()
    interactive = float(page.evaluate(_INTERACTIVE))
    bound = float(page.evaluate("performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd / 1000"))
    found = Visit(bound, interactive, bound_cpu, cpu())
    context.close()
    return found


def full_size(folder: Path) -> ReportContent:
    """Return a comparison of full size whose pictures lie in the folder."""
    base = comparison(folder / "base")
    files = [scene_files(folder / str(number), number) for number in range(SCENES)]
    datasets = tuple(dataset(name, count, files) for name, count in SETS.items())
    results = []
    for one in datasets:
        results += [Result(label, one.name, None, scores(one, label)) for label in ("input", "truth")]
        results += [Result(label, one.name, answers(one, label, files), scores(one, label)) for label in LABELS]
    return replace(
        base,
        name="full size",
        models=tuple(model(label) for label in LABELS),
        datasets=datasets,
        test=tuple(SETS),
        results=tuple(results),
    )


def dataset(name: str, count: int, files: list[dict[str, Path]]) -> Dataset:
    """Return a dataset of pairs."""
    items = (
        Picture(
            id=f"{name}-{number:03d}",
            blended=files[number % SCENES]["blended"],
            transmission=files[number % SCENES]["transmission"],
            reflection=files[number % SCENES]["reflection"],
            height=HEIGHT,
            width=WIDTH,
            origin=f"{name}/{number:03d}.png",
        )
        for number in range(count)
    )
    return Dataset(name, name.title(), "pairs", tuple(items), "cuts of photographs of scikit-image")


def answers(one: Dataset, label: str, files: list[dict[str, Path]]) -> Predictions:
    """Return what a network answered on a dataset, with all cascade steps."""
    items = []
    for number, item in enumerate(one.items):
        scene = files[number % SCENES]
        steps = tuple(scene[f"{label}-step-{step}"] for step in range(STEPS))
        items.append(
            PicturePrediction(
                item.id,
                scene[label],
                scene[f"{label}-reflection"],
                steps,
                HEIGHT,
                WIDTH,
                seconds=0.4 + 0.2 * LABELS.index(label),
                low=-0.02,
                high=1.05,
                peak_bytes=(1 + LABELS.index(label)) * 2**29,
            )
        )
    return Predictions("whole", "exact", tuple(items), {"onnxruntime": "1.20.0"})


def scene_files(folder: Path, number: int) -> dict[str, Path]:
    """Write the pictures of one scene and return where each is."""
    draw = np.random.default_rng(number)
    whole = [photographs.coffee(), photographs.astronaut()[:400], photographs.chelsea(), photographs.rocket()]
    transmission, reflection = (cut(whole[draw.integers(len(whole))], draw) for _ in range(2))
    return {name: picture(folder / f"{name}.png", array) for name, array in layers(transmission, reflection, draw)}


def cut(whole: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    """Return a random cut of a photograph at its own sharpness, mirrored at its edges where it is too small."""
    room = [(0, max(0, HEIGHT - whole.shape[0])), (0, max(0, WIDTH - whole.shape[1])), (0, 0)]
    padded = np.pad(whole, room, mode="symmetric") / 255
    top = draw.integers(padded.shape[0] - HEIGHT + 1)
    left = draw.integers(padded.shape[1] - WIDTH + 1)
    found = padded[top : top + HEIGHT, left : left + WIDTH]
    return found[:, ::-1] if draw.random() < 0.5 else found


def layers(
    transmission: np.ndarray, reflection: np.ndarray, draw: np.random.Generator
) -> Iterator[tuple[str, np.ndarray]]:
    """Yield every layer of a scene: the dataset's, and all answers."""
    yield "transmission", transmission
    yield "reflection", reflection
    yield "blended", 0.8 * transmission + 0.45 * reflection
    for label in LABELS:
        left = draw.uniform(0.05, 0.4)
        yield label, transmission + left * reflection
        yield f"{label}-reflection", (0.6 - left) * reflection + 0.1 * transmission
        for step in range(STEPS):
            yield f"{label}-step-{step}", transmission + (left + 0.3 / (step + 1)) * reflection


if __name__ == "__main__":
    main()
