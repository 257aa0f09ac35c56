"""One training step of a network beside that of a straightforward program, in one process, in turns.

usage: PYTHON benchmarks/training_steps.py NETWORK RECIPE [--repeats N] [--device cpu|cuda]     (training.py calls it)
RECIPE: as JSON. Prints one line of JSON: median seconds of both, and of the parts of ours.

Straightforward means: the published networks and losses, with the 1475 channels of the hypercolumn at full size, the
generator's layers computed anew for each update, and every loss brought to the host at once.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np


def main() -> None:
    """Print the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("network")
    parser.add_argument("recipe", type=json.loads)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    prepare = {"errnet2019": errnet, "ibcln2020": ibcln, "zhang2018": zhang}[options.network]
    ours, plain = prepare(options.recipe, options.device)
    times: tuple[list[float], list[float]] = ([], [])
    parts: list[dict[str, float]] = []
    for repeat in range(options.repeats + 1):
        for index, step in enumerate((ours, plain)):
            began = time.perf_counter()
            found = step()
            if repeat:
                times[index].append(found.pop("seconds", time.perf_counter() - began))
                parts += [found] if found else []
    medians = {name: statistics.median(part[name] for part in parts) for name in parts[0]}
    first, second = map(statistics.median, times)
    medians.setdefault("forward", first - sum(medians.values()))
    print(json.dumps({"ours": first, "straightforward": second, **medians}))


def pictures(*shape: int) -> np.ndarray:
    """Return random pictures, float32 in [0, 1]."""
    return np.random.RandomState(0).random_sample(shape).astype(np.float32)


def errnet(
    recipe: dict[str, Any], device: str
) -> tuple[Callable[[], dict[str, float]], Callable[[], dict[str, float]]]:
    """Return both steps of ERRNet at the recipe's crop, with the adversarial loss."""
    import torch
    from errnet2019.network import hypercolumn
    from errnet2019.optimisation import Optimisation, Weights

    from netkit.torch_pictures import tensor_of
    from netkit.torch_vgg19 import Vgg19

    class Plain(Optimisation):
        def step(self, blended: Any, transmission: Any, *, rate: float, **_others: Any) -> Any:
            output = self.generator(hypercolumn(self.vgg, blended.to(self.device)))
            losses = {"discriminator": self._discriminator_step(output.detach(), transmission)}
            losses.update(self._generator_step(output, transmission, adversarial=True, aligned=True))
            return {name: float(value) for name, value in losses.items()}

    given = [tensor_of(pictures(recipe["batch"], recipe["crop"], recipe["crop"], 3), device) for _ in range(2)]
    vgg = Vgg19("relu5_1").fill_random()
    subjects = [kind(Weights.of(recipe), vgg, 0, torch.device(device)) for kind in (Optimisation, Plain)]
    ours, plain = (lambda subject=subject: subject.step(*given, rate=1e-4, adversarial=True) for subject in subjects)
    return timed_torch(ours, device), untimed(plain, device)


def ibcln(recipe: dict[str, Any], device: str) -> tuple[Callable[[], dict[str, float]], Callable[[], dict[str, float]]]:
    """Return both steps of IBCLN at the recipe's crop and batch; they differ in the host's round trips alone."""
    import torch
    from ibcln2020.optimisation import Optimisation
    from ibcln2020.samples import Pictures

    from netkit.torch_vgg19 import Vgg19

    side, batch = recipe["crop"], recipe["batch"]
    full, half, quarter = (pictures(batch, side // share, side // share, 3) for share in (1, 2, 4))
    ones = np.ones(batch, np.float32)
    given = Pictures(full, (full, half, quarter), ones, ones, tuple(range(batch)))
    vgg = Vgg19("relu2_1").fill_random()
    subjects = [Optimisation(recipe, vgg, 0, torch.device(device)) for _ in range(2)]
    ours, plain = (
        lambda subject=subject: subject.step(given, rate=1e-4, dropout_seeds=range(batch)) for subject in subjects
    )
    return timed_torch(ours, device), untimed(lambda: [float(value) for value in plain().values()], device)


def zhang(
    recipe: dict[str, Any], _device: str
) -> tuple[Callable[[], dict[str, float]], Callable[[], dict[str, float]]]:
    """Return both steps of Zhang's network with the discriminator, on a picture of 480 x 360."""
    import tensorflow as tf
    from zhang2018.discriminator import discriminate
    from zhang2018.features import random_features
    from zhang2018.losses import generator_adversarial
    from zhang2018.network import separate, separate_in_training
    from zhang2018.optimisation import Optimisation, Weights

    class Plain(Optimisation):
        def _change(self, given: Any, rates: Any) -> Any:
            blended, true = given[0], given[1:]
            found, _ = separate(blended, self._features, self.generator)
            losses = {"discriminator": self._change_discriminator(blended, true[0], found, rates[1])}
            with tf.GradientTape() as tape:
                layers = separate(blended, self._features, self.generator)
                losses.update(self._distances(layers, true))
                losses["adversarial"] = generator_adversarial(discriminate(blended, layers[0], self.discriminator))
                objective = self._weights.total * losses["total"] + losses["adversarial"]
            self._generator_adam.apply(tape.gradient(objective, list(self.generator.values())), rates[0])
            return losses, layers[0]

    given = [pictures(1, 360, recipe["width"][1], 3) for _ in range(3)]
    subject, other = (kind(Weights.of(recipe), random_features(), 0) for kind in (Optimisation, Plain))

    @tf.function
    def forward(*layers: Any) -> Any:
        found = separate_in_training(layers[0], subject._features, subject.generator, recompute=False)
        return subject._distances(found, layers[1:])["total"]

    def optimise() -> None:
        for adam, variables in (
            (subject._generator_adam, subject.generator),
            (subject._discriminator_adam, subject.discriminator),
        ):
            adam.apply([tf.zeros_like(variable) for variable in variables.values()], adam.rates(0.0))

    def ours() -> dict[str, float]:
        began = time.perf_counter()
        losses = subject.step(0, *given, 1e-4)
        [float(value) for value in losses.values()]
        whole = time.perf_counter() - began
        began = time.perf_counter()
        float(forward(*map(tf.constant, given)))
        between = time.perf_counter()
        optimise()
        shares = {"forward": between - began, "optimiser": time.perf_counter() - between}
        return {**shares, "backward": whole - sum(shares.values()), "seconds": whole}

    def plain() -> dict[str, float]:
        [float(value) for value in other.step(0, *given, 1e-4).values()]
        return {}

    return ours, plain


def timed_torch(step: Callable[[], Any], device: str) -> Callable[[], dict[str, float]]:
    """Return the step with the seconds of its backward passes and of its optimisers."""
    import torch

    def run() -> dict[str, float]:
        spent = {"backward": 0.0, "optimiser": 0.0}
        kept = (torch.Tensor.backward, torch.optim.Adam.step)

        def watched(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
            def call(*parts: Any, **options: Any) -> Any:
                settle(device)
                began = time.perf_counter()
                answer = function(*parts, **options)
                settle(device)
                spent[name] += time.perf_counter() - began
                return answer

            return call

        torch.Tensor.backward = watched("backward", kept[0])
        torch.optim.Adam.step = watched("optimiser", kept[1])
        try:
            step()
            settle(device)
        finally:
            torch.Tensor.backward, torch.optim.Adam.step = kept
        return spent

    return run


def untimed(step: Callable[[], Any], device: str) -> Callable[[], dict[str, float]]:
    """Return the step, done when the device is."""

    def run() -> dict[str, float]:
        step()
        settle(device)
        return {}

    return run


def settle(device: str) -> None:
    """Wait until the device has done what it was given."""
    if device == "cuda":
        import torch

        torch.cuda.synchronize()


if __name__ == "__main__":
    main()
