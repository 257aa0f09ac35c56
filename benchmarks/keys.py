"""How many keys of the quickstart change where one comment is appended to a source file, in two versions.

usage: python benchmarks/keys.py [--before COMMIT] [--files]
Copies of both versions are made from git; in each, every Python file of orchestrator/, stagekit/ and images/ gets a
comment in turn. A stage is counted where its key changes, directly or through what it reads; the report is told apart.
--files: print every file, not the largest number of each folder alone.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BEFORE = "b508c2c"
SPEC = "examples/quickstart.yaml"


def earlier_keys() -> dict[str, str]:
    """Return the keys as they were made until behaviours were declared: of recipes, and of keys of inputs."""
    from orchestrator.environments import recipe
    from orchestrator.execute.comparison import REPORT_ROOMS
    from orchestrator.plan import keys
    from orchestrator.spec.load import load_image

    recipe.code_hash.cache_clear()
    plan = quickstart()
    images = {stage.image for stage in plan.stages if stage.image is not None}
    recipes = {name: recipe.recipe_hash(load_image(name), "cpu") for name in images}
    recipes["orchestrator"] = recipe.code_hash(REPORT_ROOMS)
    return {name: identity.key for name, identity in keys.identities(plan, recipes).items()}


def present_keys() -> dict[str, str]:
    """Return the keys as they are made now; whatever reads a stage with another key gets another key too."""
    from orchestrator.environments import recipe
    from orchestrator.environments.program import image_program, reached_code
    from orchestrator.plan.keys import ResultDigests, identities
    from orchestrator.spec.library import load_image

    recipe.orchestrator_hash.cache_clear()
    plan = quickstart()
    programs = {name: image_program(load_image(name), "cpu") for name in {stage.image for stage in plan.stages}}
    known = identities(plan.stages, programs, lambda one: ResultDigests(one.key, one.key))
    report = reached_code("orchestrator.execute.report_stage", Path("/nowhere"))
    return {**{name: identity.key for name, identity in known.items()}, "report": report}


def quickstart():
    """Return the quickstart's plan."""
    from orchestrator.plan.plan import experiment_plan
    from orchestrator.spec.load import load_experiment
    from orchestrator.spec.resolve import resolve

    spec = Path(SPEC).resolve()
    return experiment_plan(resolve(load_experiment(spec), spec), lambda path: path.name)


def sources(tree: Path) -> list[Path]:
    """Return the Python files of a version that can be in a key; tests are in none."""
    found = [path for room in ("orchestrator", "stagekit", "images") for path in (tree / room).rglob("*.py")]
    return sorted(path for path in found if "tests" not in path.relative_to(tree).parts)


def changed_by_comments(tree: Path, keys: Callable[[], dict[str, str]]) -> dict[str, list[str]]:
    """Return for each file the stages whose key a comment in it changes."""
    before = keys()
    found = {}
    for path in sources(tree):
        text = path.read_bytes()
        path.write_bytes(text + b"\n# A comment.\n")
        after = keys()
        path.write_bytes(text)
        found[path.relative_to(tree).as_posix()] = [name for name in before if before[name] != after[name]]
    return {"": list(before), **found}


def counted(commit: str, folder: Path) -> dict[str, list[str]]:
    """Return what comments change in a version, found by its own program."""
    folder.mkdir()
    archive = subprocess.run(["git", "archive", commit], cwd=ROOT, capture_output=True, check=True)
    subprocess.run(["tar", "-x", "-C", str(folder)], input=archive.stdout, check=True)
    argv = [sys.executable, str(Path(__file__).resolve()), "--inside"]
    environment = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(argv, cwd=folder, env=environment, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def by_folder(found: dict[str, list[str]]) -> dict[str, tuple[int, int]]:
    """Return for each folder how many files it has, and the most stages, without the report, that one changes."""
    rows: dict[str, tuple[int, int]] = {}
    for name, stages in found.items():
        if name:
            parts = name.split("/")
            folder = "/".join(parts[: 1 if parts[0] == "stagekit" else 2][: len(parts) - 1])
            files, most = rows.get(folder, (0, 0))
            rows[folder] = files + 1, max(most, len([stage for stage in stages if stage != "report"]))
    return rows


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", default=BEFORE)
    parser.add_argument("--files", action="store_true")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.inside:
        present = Path("orchestrator/environments/program.py").is_file()
        print(json.dumps(changed_by_comments(Path.cwd(), present_keys if present else earlier_keys)))
        return
    with tempfile.TemporaryDirectory() as folder:
        before = counted(arguments.before, Path(folder) / "before")
        after = counted("HEAD", Path(folder) / "after")
    for name, found in ((arguments.before[:7], before), ("now", after)):
        stages = [stage for stage in found[""] if stage != "report"]
        files = {file: changed for file, changed in found.items() if file}
        most = max(len([stage for stage in changed if stage != "report"]) for changed in files.values())
        some = sum(any(stage != "report" for stage in changed) for changed in files.values())
        report = sum("report" in changed for changed in files.values())
        print(
            f"{name}: {len(files)} files, {len(stages)} stages and the report; a comment changes up to {most} of them; "
            f"{some} files change some, {report} the report"
        )
        if arguments.files:
            for file, changed in files.items():
                print(f"  {len(changed):3d}  {file}")
    old, new = by_folder(before), by_folder(after)
    print(f"{'folder':36s} {'files':>6s} {'before':>7s} {'files':>6s} {'now':>5s}")
    for folder in sorted({*old, *new}):
        first, second = old.get(folder), new.get(folder)
        cells = [*(map(str, first) if first else ("-", "-")), *(map(str, second) if second else ("-", "-"))]
        print(f"{folder:36s} {cells[0]:>6s} {cells[1]:>7s} {cells[2]:>6s} {cells[3]:>5s}")


if __name__ == "__main__":
    main()
