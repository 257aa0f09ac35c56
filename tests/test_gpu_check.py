"""`make gpu-check`: what it measures, what it says where something is missing, and the table that is made of it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import gpu, gpu_parts
from orchestrator.spec.load import load_model_spec

TINY = {
    "errnet2019": {**gpu.RECIPES["errnet2019"], "crop": 32},
    "ibcln2020": {**gpu.RECIPES["ibcln2020"], "crop": 64, "cascade": 1},
}
SAME = {"same": True}


@pytest.fixture
def result():
    """Return what a GPU may have answered."""
    steps = {name: {"seconds": 0.25 - 0.05 * number, "steps": 10} for number, name in enumerate(gpu.VARIANTS)}
    tried = [
        {"saved_by": "nothing", "fits": False, "reserved_bytes": 7 * 2**30, "used_bytes": 6 * 2**30},
        {"saved_by": "checkpointing", "fits": True, "reserved_bytes": 4 * 2**30, "used_bytes": 3 * 2**30},
    ]
    parts = {
        "memory": {"limit_bytes": 7 * 2**30, "tried": tried},
        "steps": steps,
        "bits": dict.fromkeys(gpu.VARIANTS, SAME),
        "exact": {"differences": {"transmission": 3e-6}},
    }
    machine = {"gpu": "Some GPU", "memory_bytes": 24 * 2**30, "torch": "2.11.0", "cuda": "13.0"}
    return {"schema": 1, "day": "2026-12-01", "seconds": 300, "machine": machine, "networks": {"errnet2019": parts}}


@pytest.mark.parametrize("network", gpu.NETWORKS)
def test_settings_are_those_of_the_paper(network):
    recipe = load_model_spec(network).paper_recipe.values
    assert gpu.RECIPES[network] == {name: recipe[name] for name in gpu.RECIPES[network] if name != "rate"} | {
        "rate": list(recipe["rate"])[:1]
    }
    assert set(gpu_parts.LEVELS) == set(gpu.NETWORKS)
    assert tuple(gpu_parts.VARIANTS) == gpu.VARIANTS


def test_table_of_the_benchmarks_is_made_from_what_was_measured():
    measured = json.loads(gpu.RESULT.read_text()) if gpu.RESULT.exists() else None
    inside = gpu.README.read_text(encoding="utf-8").split(gpu.MARKS[0])[1].split(gpu.MARKS[1])[0]
    assert inside.strip() == gpu.table(measured), "run benchmarks/gpu.py --table"


def test_table_is_written_between_its_marks(result, tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{gpu.MARKS[0]}\nold\n{gpu.MARKS[1]}\nafter\n")
    for _ in range(2):
        gpu.write_table(result, readme)
    text = readme.read_text()
    assert text.startswith(f"before\n{gpu.MARKS[0]}\nSome GPU, 24 GiB, PyTorch 2.11.0 with CUDA 13.0")
    assert text.endswith(f"{gpu.MARKS[1]}\nafter\n")
    cells = "yes, 4.00 GiB, by checkpointing | 0.250 s | 0.200 s | 0.150 s | 0.100 s | yes | 3.0e-06 of the range"
    assert f"| `errnet2019` | {cells} |" in text
    assert gpu.faults(result) == []


@pytest.mark.parametrize(
    ("part", "answer", "said"),
    [
        ("memory", {"tried": [{"fits": False, "saved_by": "nothing"}]}, "does not fit into a card of 8 GB"),
        ("bits", {"as the paper": {"same": False}, "bfloat16": SAME}, "gave different bits"),
        ("exact", {"differences": {"transmission": 1e-6, "reflection": 1e-3}}, "differ from untiled by 1.0e-03"),
        ("exact", {"differences": {"transmission": float("nan")}}, "differ from untiled by nan"),
        ("steps", {"failed": "it ended with exit code 1: a reason"}, "steps failed: it ended with exit code 1"),
    ],
)
def test_what_is_not_as_it_should_be_is_a_fault_and_stands_below_the_table(result, part, answer, said):
    result["networks"]["errnet2019"][part] = answer
    (fault,) = gpu.faults(result)
    assert said in fault
    assert f"- {fault}" in gpu.table(result)


def test_what_was_not_measured_is_named_and_no_fault(result):
    for part in result["networks"]["errnet2019"]:
        result["networks"]["errnet2019"][part] = {"skipped": "onnx is not installed"}
    assert gpu.faults(result) == []
    assert "- errnet2019: exact was not measured: onnx is not installed" in gpu.table(result)
    assert f"| `errnet2019` |{' not measured |' * 7}" in gpu.table(result)


def test_bits_are_the_same_where_both_runs_say_so():
    first = {"as the paper": {"sha256": "a"}, "both": {"sha256": "b"}, "bfloat16": {"skipped": "works on a GPU only"}}
    found = gpu.repeated(first, {**first, "both": {"sha256": "c"}})
    assert found == {"as the paper": SAME, "both": {"same": False}, "bfloat16": {"skipped": "works on a GPU only"}}
    assert gpu.same(found) == "not: both"
    assert gpu.repeated({"failed": "why"}, first) == {"failed": "why"}


def test_saving_memory_is_tried_until_a_step_fits():
    tried = gpu_parts.until_one_fits(gpu_parts.LEVELS["ibcln2020"], lambda level: {"fits": "checkpointing" in level})
    assert [one["fits"] for one in tried] == [False, True]


def test_nothing_begins_without_time():
    assert gpu.Parts(sys.executable, "cpu", 0.0).run("machine") == {"skipped": "no time was left"}


def test_machine_without_pytorch_is_told_so_and_nothing_is_written(tmp_path):
    (tmp_path / "torch.py").write_text("raise ModuleNotFoundError(\"No module named 'torch'\", name='torch')")
    hidden = f"import sys, runpy; sys.argv[1:] = ['machine']; sys.path.insert(0, {str(tmp_path)!r})"
    program = Path(gpu_parts.__file__)
    code = f"{hidden}; runpy.run_path({str(program)!r}, run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == {"skipped": "torch is not installed"}


@pytest.mark.environment
@pytest.mark.slow
def test_machine_without_a_gpu_ends_with_two_and_says_so(image_python, tmp_path):
    program, written = Path(gpu.__file__), tmp_path / "gpu.json"
    command = [str(image_python("errnet2019")), str(program), "--result", str(written)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "nothing was measured: PyTorch" in done.stderr
    assert "sees no GPU" in done.stderr
    assert not written.exists()


@pytest.mark.environment
@pytest.mark.slow
@pytest.mark.parametrize("network", gpu.NETWORKS)
def test_parts_measure_on_a_processor_what_they_measure_on_a_gpu(image_python, tmp_path, network):
    parts = gpu.Parts(str(image_python(network)), "cpu", 5.0)
    machine = parts.run("machine")
    assert machine["gpu"] is None
    answers = gpu.measure(parts, machine, {network: TINY[network]}, step_seconds=0, side=96)
    found = answers["networks"][network]
    assert found["memory"] == {"skipped": "PyTorch counts the memory of a GPU alone"}
    assert found["steps"]["as the paper"]["seconds"] > 0
    assert found["steps"]["both"] == {"skipped": "works on a GPU only"}
    assert found["bits"]["as the paper"] == SAME
    assert "differences" in found["exact"] or "Python 3.11" in found["exact"]["skipped"]
    assert gpu.faults(answers) == []
    file = tmp_path / "network.onnx"
    assert parts.run("export", network, recipe=TINY[network], file=str(file))["bytes"] > 1e6
    exact = gpu.Parts(sys.executable, "cpu", 5.0).run("exact", network, file=str(file), side=96)
    assert 0 <= max(exact["differences"].values()) <= gpu.TOLERANCE
