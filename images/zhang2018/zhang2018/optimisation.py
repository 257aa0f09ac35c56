"""One step of the training: discriminator, every second time, then generator. Source: Zhang et al. 2018, program."""

import dataclasses
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

import numpy as np
import tensorflow as tf

from zhang2018.arrays import load_arrays, save_arrays
from zhang2018.discriminator import discriminate
from zhang2018.features import Features
from zhang2018.losses import adversarial, exclusion, generator_adversarial, l1, perceptual
from zhang2018.network import separate_in_training
from zhang2018.parameters import (
    checked,
    discriminator_shapes,
    generator_shapes,
    initial_discriminator,
    initial_generator,
)

_PICTURE = tf.TensorSpec((1, None, None, 3), tf.float32)
_SCALAR = tf.TensorSpec((), tf.float32)

Rates = Tuple[tf.Tensor, tf.Tensor, tf.Tensor]
"""The learning rate of a step and the powers of both decay rates."""


@dataclasses.dataclass(frozen=True)
class Weights:
    """Weights of the losses, and how the optimisers step.

    Attributes:
        total: Of the sum of the losses against the adversarial one.
        perceptual: Inside that sum.
        betas: Adam's decay rates.
        discriminator_rate: The discriminator's learning rate, which is constant.
        discriminator_every: It is updated at every n-th step, at the first one to begin with.
        generator_start: See `initial_generator` and `initial_discriminator`.
        discriminator_deviation: See `initial_generator` and `initial_discriminator`.
    """

    total: float
    perceptual: float
    betas: Tuple[float, float]
    discriminator_rate: float
    discriminator_every: int
    generator_start: str = "identity"
    discriminator_deviation: float = 0.02

    @classmethod
    def of(cls, recipe: Mapping[str, Any]) -> "Weights":
        """Return the weights that a recipe names."""
        first, second = recipe["betas"]
        return cls(
            recipe["weight_total"],
            recipe["weight_perceptual"],
            (first, second),
            recipe["discriminator_rate"],
            recipe["discriminator_every"],
            recipe["generator_start"],
            recipe["discriminator_deviation"],
        )


class Adam:
    """Adam (Kingma and Ba 2015) as TensorFlow 1 has it, over named variables."""

    def __init__(self, variables: Mapping[str, tf.Variable], betas: Tuple[float, float]) -> None:
        self._variables = variables
        self._betas = betas
        self._moments = {
            "%s/%s" % (moment, name): tf.Variable(tf.zeros_like(variable), trainable=False)
            for moment in ("m", "v")
            for name, variable in variables.items()
        }
        self._steps = 0

    def rates(self, rate: float) -> Rates:
        """Begin a step; return its learning rate and the powers of both decay rates."""
        self._steps += 1
        powers = (np.float32(beta**self._steps) for beta in self._betas)
        first, second = (tf.constant(power) for power in powers)
        return tf.constant(rate, tf.float32), first, second

    def apply(self, gradients: List[tf.Tensor], rates: Rates) -> None:
        """Change the variables.

        Args:
            gradients: In their order.
            rates: From `rates`.
        """
        rate, first, second = rates
        for (name, variable), gradient in zip(self._variables.items(), gradients):
            tf.raw_ops.ResourceApplyAdam(
                var=variable.handle,
                m=self._moments["m/" + name].handle,
                v=self._moments["v/" + name].handle,
                beta1_power=first,
                beta2_power=second,
                lr=rate,
                beta1=self._betas[0],
                beta2=self._betas[1],
                epsilon=1e-8,
                grad=gradient,
            )

    def arrays(self) -> Dict[str, np.ndarray]:
        """Return everything that a step changes, besides the variables."""
        return {"steps": np.array(self._steps), **{name: moment.numpy() for name, moment in self._moments.items()}}

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take over what `arrays` returned."""
        self._steps = int(arrays["steps"])
        for name, moment in self._moments.items():
            moment.assign(arrays[name])


class Optimisation:
    """Generator and discriminator with their optimisers.

    Args:
        seed: Of the initial parameters.
        recompute: Save memory, see `separate_in_training`.
    """

    def __init__(self, weights: Weights, features: Features, seed: int, recompute: bool = False) -> None:
        self._weights = weights
        self._features = {name: tuple(map(tf.constant, layer)) for name, layer in features.items()}
        self._initial = {
            **initial_generator(seed, weights.generator_start),
            **initial_discriminator(seed, weights.discriminator_deviation),
        }
        self.generator, self.discriminator = (
            {name: tf.Variable(self._initial[name]) for name in shapes}
            for shapes in (generator_shapes(), discriminator_shapes())
        )
        self._generator_adam = Adam(self.generator, weights.betas)
        self._discriminator_adam = Adam(self.discriminator, weights.betas)
        self._recompute = recompute
        self._last: Dict[str, tf.Tensor] = {}
        self._steps = {
            (real, both): tf.function(self._change, input_signature=_signature(real, both), autograph=False)
            for real in (False, True)
            for both in (False, True)
        }

    def restart(self) -> None:
        """Return to the initial parameters, as if no step had been done."""
        for name, variable in {**self.generator, **self.discriminator}.items():
            variable.assign(self._initial[name])
        for adam in (self._generator_adam, self._discriminator_adam):
            adam.restore({name: np.zeros_like(value) for name, value in adam.arrays().items()})

    def step(
        self,
        number: int,
        blended: np.ndarray,
        transmission: np.ndarray,
        reflection: Optional[np.ndarray],
        rate: float,
    ) -> Dict[str, tf.Tensor]:
        """Update the networks with one picture and return its losses, unweighted, as scalars.

        Args:
            number: Steps done before.
            blended: float32, (1, H, W, 3), BGR in [0, 1]; a reflection of None makes it a real pair, whose reflection
                is not known.
            transmission: See `blended`.
            reflection: See `blended`.
            rate: The generator's.
        """
        both = number % self._weights.discriminator_every == 0
        pictures = tuple(
            map(tf.constant, (blended, transmission) if reflection is None else (blended, transmission, reflection))
        )
        rates = [self._generator_adam.rates(rate)]
        if both:
            rates.append(self._discriminator_adam.rates(self._weights.discriminator_rate))
        losses, found = self._steps[reflection is None, both](pictures, tuple(rates))
        self._last = {"blended": pictures[0], "transmission": found, "truth": pictures[1]}
        return losses

    def pictures(self) -> Dict[str, np.ndarray]:
        """Return the pictures of the last step by name, float32 RGB, (H, W, 3)."""
        return {name: picture.numpy()[0, ..., ::-1] for name, picture in self._last.items()}

    def non_finite_tensor(self) -> Optional[str]:
        """Return the name of a parameter that is not finite, None where all are."""
        return next((name for name, value in self.parameters().items() if not np.isfinite(value).all()), None)

    def save(self, path: str) -> None:
        """Write everything that a step changes."""
        parts = {
            "generator": self.parameters(),
            "generator_adam": self._generator_adam.arrays(),
            "discriminator_adam": self._discriminator_adam.arrays(),
        }
        save_arrays(
            path, {part + ":" + name: value for part, arrays in parts.items() for name, value in arrays.items()}
        )

    def load(self, path: str) -> None:
        """Read what `save` wrote."""
        parts: Dict[str, Dict[str, np.ndarray]] = {}
        for key, value in load_arrays(path).items():
            part, _, name = key.partition(":")
            parts.setdefault(part, {})[name] = value
        for variables in (self.generator, self.discriminator):
            shapes = {name: tuple(variable.shape) for name, variable in variables.items()}
            for name, value in checked(parts["generator"], shapes, path).items():
                variables[name].assign(value)
        self._generator_adam.restore(parts["generator_adam"])
        self._discriminator_adam.restore(parts["discriminator_adam"])

    def parameters(self) -> Dict[str, np.ndarray]:
        """Return the parameters of generator and discriminator under the released names."""
        return {name: variable.numpy() for name, variable in {**self.generator, **self.discriminator}.items()}

    def _change(
        self, pictures: Tuple[tf.Tensor, ...], rates: Tuple[Rates, ...]
    ) -> Tuple[Dict[str, tf.Tensor], tf.Tensor]:
        """Update the discriminator, where there are rates for it, then the generator; its layers are computed once.

        Args:
            pictures: Blended, transmission and, where it is known, reflection.

        Returns:
            The losses and the transmission that was found.
        """
        blended = pictures[0]
        losses: Dict[str, tf.Tensor] = {}
        with tf.GradientTape() as tape:
            layers = separate_in_training(blended, self._features, self.generator, self._recompute)
            if len(rates) > 1:
                with tape.stop_recording():
                    losses["discriminator"] = self._change_discriminator(blended, pictures[1], layers[0], rates[1])
            losses.update(self._distances(layers, pictures[1:]))
            losses["adversarial"] = generator_adversarial(discriminate(blended, layers[0], self.discriminator))
            objective = self._weights.total * losses["total"] + losses["adversarial"]
        self._generator_adam.apply(tape.gradient(objective, list(self.generator.values())), rates[0])
        return losses, layers[0]

    def _change_discriminator(
        self, blended: tf.Tensor, transmission: tf.Tensor, found: tf.Tensor, rates: Rates
    ) -> tf.Tensor:
        with tf.GradientTape() as tape:
            real = discriminate(blended, transmission, self.discriminator)
            fake = discriminate(blended, found, self.discriminator)
            loss, _ = adversarial(real, fake)
        self._discriminator_adam.apply(tape.gradient(loss, list(self.discriminator.values())), rates)
        return loss

    def _distances(self, layers: Tuple[tf.Tensor, ...], true: Tuple[tf.Tensor, ...]) -> Dict[str, tf.Tensor]:
        losses = {"perceptual": perceptual(layers[0], true[0], self._features)}
        total = tf.constant(0.0)
        if len(true) > 1:
            losses["perceptual"] += perceptual(layers[1], true[1], self._features)
            losses["l1_reflection"] = l1(layers[1], true[1])
            losses["exclusion"] = exclusion(*layers)
            total = losses["l1_reflection"] + losses["exclusion"]
        losses["total"] = total + self._weights.perceptual * losses["perceptual"]
        return losses


def fetched(losses: Sequence[Mapping[str, tf.Tensor]]) -> List[Dict[str, float]]:
    """Return losses of several steps as numbers; they come from the device in one transfer."""
    values = iter(tf.stack([value for losses_of_step in losses for value in losses_of_step.values()]).numpy().tolist())
    return [{name: next(values) for name in losses_of_step} for losses_of_step in losses]


def _signature(real: bool, both: bool) -> List[Any]:
    pictures = (_PICTURE,) * (2 if real else 3)
    return [pictures, ((_SCALAR,) * 3,) * (2 if both else 1)]
