"""One part of benchmarks/gpu.py in a process of its own: prints one line of JSON. Needs Python 3.8 or newer.

usage: PYTHON benchmarks/gpu_parts.py PART NETWORK [--device cuda|cpu] [--recipe JSON] [--file FILE.onnx] …

What is not installed, or not there, is answered as {"skipped": "why"}; the part's own figures otherwise.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

LIMIT_BYTES = 7 * 2**30
"""What PyTorch may take of a card of 8 GB, whose last GiB is for CUDA itself and a screen."""

VARIANTS: dict[str, dict[str, bool]] = {
    "as the paper": {},
    "channels_last": {"channels_last": True},
    "bfloat16": {"mixed_precision": True},
    "both": {"channels_last": True, "mixed_precision": True},
}

LEVELS = {
    "errnet2019": (("nothing",), ("checkpointing",)),
    "ibcln2020": (("nothing",), ("checkpointing",), ("checkpointing", "accumulation")),
}
"""Ways of saving memory, from none on, as the networks' own trainings take them."""

BITS_STEPS = 3
WARM_UP, MOST_STEPS = 2, 10


class Skipped(Exception):
    """Says why a part cannot be done here."""


def main() -> None:
    """Print the part's answer."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=sorted(PARTS))
    parser.add_argument("network", nargs="?", choices=sorted(LEVELS))
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--recipe", type=json.loads, default={})
    parser.add_argument("--file")
    parser.add_argument("--seconds", type=float, default=20.0, help="for the steps of one variant")
    parser.add_argument("--side", type=int, default=416, help="of the picture that is computed in tiles")
    options = parser.parse_args()
    try:
        answer = PARTS[options.part](options)
    except ModuleNotFoundError as error:
        answer = {"skipped": f"{error.name} is not installed"}
    except Skipped as error:
        answer = {"skipped": str(error)}
    print(json.dumps(answer))


def machine(options: argparse.Namespace) -> dict[str, Any]:
    """Return what computes here."""
    import torch

    if options.device == "cuda" and not torch.cuda.is_available():
        raise Skipped(f"PyTorch {torch.__version__} sees no GPU")
    facts = {"python": sys.version.split()[0], "torch": torch.__version__, "cuda": torch.version.cuda, "gpu": None}
    if options.device == "cuda":
        found = torch.cuda.get_device_properties(0)
        facts.update(gpu=found.name, memory_bytes=found.total_memory, capability=f"{found.major}.{found.minor}")
    return facts


def memory(options: argparse.Namespace) -> dict[str, Any]:
    """Return with which way of saving memory two steps fit into the limit, and what each that was tried took."""
    import torch

    from netkit.memory import ran_out

    if options.device != "cuda":
        raise Skipped("PyTorch counts the memory of a GPU alone")

    def attempt(level: tuple[str, ...]) -> dict[str, Any]:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        fits = True
        try:
            step, _ = training(options, {}, level)
            for _ in range(2):  # in the second one the optimisers hold their moments
                step()
            settle(options.device)
        except RuntimeError as error:
            if not ran_out(error):
                raise
            fits = False
        peaks = {"reserved_bytes": torch.cuda.max_memory_reserved(), "used_bytes": torch.cuda.max_memory_allocated()}
        return {"saved_by": " and ".join(level), "fits": fits, **peaks}

    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction(min(1.0, LIMIT_BYTES / total))
    return {"limit_bytes": min(LIMIT_BYTES, total), "tried": until_one_fits(LEVELS[options.network], attempt)}


def until_one_fits(
    levels: Iterable[tuple[str, ...]], attempt: Callable[[tuple[str, ...]], dict[str, Any]]
) -> list[dict[str, Any]]:
    """Return what came of the levels up to the first that fits."""
    tried = []
    for level in levels:
        tried.append(attempt(level))
        if tried[-1]["fits"]:
            break
    return tried


def steps(options: argparse.Namespace) -> dict[str, Any]:
    """Return the median seconds of a step of each variant."""

    def measured(variant: Mapping[str, bool]) -> dict[str, Any]:
        step, _ = training(options, variant)
        times: list[float] = []
        end = time.perf_counter() + options.seconds
        while len(times) < WARM_UP + 1 or (len(times) < WARM_UP + MOST_STEPS and time.perf_counter() < end):
            began = time.perf_counter()
            step()
            settle(options.device)
            times.append(time.perf_counter() - began)
        return {"seconds": statistics.median(times[WARM_UP:]), "steps": len(times) - WARM_UP}

    return each_variant(options.device, measured)


def bits(options: argparse.Namespace) -> dict[str, Any]:
    """Return the SHA-256 of all weights after a few steps of each variant."""

    def measured(variant: Mapping[str, bool]) -> dict[str, Any]:
        step, networks = training(options, variant)
        for _ in range(BITS_STEPS):
            step()
        digest = hashlib.sha256()
        for network in networks:
            for value in network.state_dict().values():
                digest.update(value.detach().cpu().contiguous().numpy().tobytes())
        return {"sha256": digest.hexdigest()}

    return each_variant(options.device, measured)


def each_variant(device: str, measured: Callable[[Mapping[str, bool]], dict[str, Any]]) -> dict[str, Any]:
    """Measure all variants; on a CPU the paper's alone."""
    return {
        name: measured(variant) if device == "cuda" or not variant else {"skipped": "works on a GPU only"}
        for name, variant in VARIANTS.items()
    }


def training(
    options: argparse.Namespace, variant: Mapping[str, bool], level: tuple[str, ...] = ("nothing",)
) -> tuple[Callable[[], Any], tuple[Any, ...]]:
    """Return a step of a network's training on random pictures, and the networks that it changes."""
    import torch

    torch.backends.cudnn.benchmark = False  # as stages train: netkit.torch_stage
    torch.backends.cudnn.deterministic = True
    prepare = {"errnet2019": errnet, "ibcln2020": ibcln}[options.network]
    return prepare({**options.recipe, **variant}, torch.device(options.device), level)


def errnet(recipe: Mapping[str, Any], device: Any, level: tuple[str, ...]) -> tuple[Callable[[], Any], tuple[Any, ...]]:
    """Prepare ERRNet, with the adversarial loss, as late epochs have it."""
    from errnet2019.network import FEATURE_LAYERS
    from errnet2019.optimisation import Optimisation, Weights

    from netkit.torch_pictures import tensor_of
    from netkit.torch_training import Precision, directly, recomputed
    from netkit.torch_vgg19 import Vgg19

    run = recomputed if "checkpointing" in level else directly
    vgg = Vgg19(FEATURE_LAYERS[-1]).fill_random()
    subject = Optimisation(Weights.of(recipe), vgg, 0, device, run, Precision.of(recipe, device))
    given = [tensor_of(pictures(number, recipe["batch"], recipe["crop"])) for number in range(2)]
    networks = subject.generator, subject.discriminator
    return lambda: subject.step(*given, rate=1e-4, adversarial=True), networks


def ibcln(recipe: Mapping[str, Any], device: Any, level: tuple[str, ...]) -> tuple[Callable[[], Any], tuple[Any, ...]]:
    """Prepare IBCLN."""
    import numpy as np
    from ibcln2020.losses import LAYERS as FEATURES
    from ibcln2020.optimisation import Optimisation
    from ibcln2020.samples import Pictures

    from netkit.torch_training import directly, recomputed
    from netkit.torch_vgg19 import Vgg19

    run = recomputed if "checkpointing" in level else directly
    vgg = Vgg19(FEATURES[-1]).fill_random()
    subject = Optimisation(recipe, vgg, 0, device, run, 1 if "accumulation" in level else None)
    side, batch = recipe["crop"], recipe["batch"]
    full, half, quarter = (pictures(number, batch, side // share) for number, share in enumerate((1, 2, 4)))
    ones = np.ones(batch, np.float32)
    given = Pictures(pictures(3, batch, side), (full, half, quarter), ones, ones, tuple(range(batch)))
    networks = subject.cascade, subject.discriminator
    return lambda: subject.step(given, rate=2e-4, dropout_seeds=range(batch)), networks


def pictures(seed: int, count: int, side: int) -> Any:
    """Return random pictures, float32 in [0, 1], (N, H, W, 3)."""
    import numpy as np

    return np.random.RandomState(seed).random_sample((count, side, side, 3)).astype(np.float32)


def settle(device: str) -> None:
    """Wait until the device has done what it was given."""
    if device == "cuda":
        import torch

        torch.cuda.synchronize()


def export(options: argparse.Namespace) -> dict[str, Any]:
    """Write a network with random weights as ONNX, as its `export` stage does."""
    import torch

    torch.manual_seed(0)
    if options.network == "errnet2019":
        from errnet2019.network import FEATURE_LAYERS, SIZES, Errnet, Generator

        from netkit.torch_vgg19 import Vgg19

        network, names = Errnet(Generator(), Vgg19(FEATURE_LAYERS[-1]).fill_random()), ("transmission",)
    else:
        from ibcln2020.network import SIZES, Cascade, Ibcln, initialise, output_names

        cascade = Cascade(options.recipe["cascade"])
        initialise(cascade, options.recipe["deviation"])
        network, names = Ibcln(cascade), output_names(options.recipe["cascade"])
    from netkit.torch_export import export_network

    export_network(network.eval(), options.file, names, sizes=SIZES)
    return {"bytes": Path(options.file).stat().st_size}


def exact(options: argparse.Namespace) -> dict[str, Any]:
    """Return by how much of its range each output in tiles differs from the untiled one, on the same device."""
    import numpy as np
    import onnxruntime

    if sys.version_info < (3, 11):  # noqa: UP036 -- the other parts run on older ones
        raise Skipped(f"inference wants Python 3.11, and this is {sys.version.split()[0]}")
    provider = "CUDAExecutionProvider" if options.device == "cuda" else "CPUExecutionProvider"
    if provider not in onnxruntime.get_available_providers():
        raise Skipped(f"onnxruntime {onnxruntime.__version__} has no {provider}: it wants onnxruntime-gpu")
    from orchestrator.infer.inference_engine import InferenceEngine
    from orchestrator.infer.onnx_network import OnnxNetwork
    from orchestrator.infer.session import DeviceMissing, Resources

    size = options.side, options.side * 5 // 4
    tile = options.side // 24 * 8
    picture = np.random.RandomState(4).random_sample((*size, 3)).astype(np.float32)
    resources = Resources(device=options.device)
    try:
        began = time.perf_counter()
        tiled = InferenceEngine(Path(options.file), resources, tile=tile)(picture)
        between = time.perf_counter()
        whole = OnnxNetwork(Path(options.file), resources)(picture)
    except DeviceMissing as error:
        raise Skipped(str(error)) from error
    seconds = {"tiled_s": between - began, "untiled_s": time.perf_counter() - between}
    differences = {name: float(np.abs(tiled[name] - whole[name]).max() / np.ptp(whole[name])) for name in whole}
    return {"onnxruntime": onnxruntime.__version__, "size": list(size), "differences": differences, **seconds}


PARTS: dict[str, Callable[[argparse.Namespace], dict[str, Any]]] = {
    "machine": machine,
    "memory": memory,
    "steps": steps,
    "bits": bits,
    "export": export,
    "exact": exact,
}


if __name__ == "__main__":
    main()
