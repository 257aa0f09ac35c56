"""One step of the training: discriminator, every second time, then generator. Source: Zhang et al. 2018, program."""

import dataclasses
import functools
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple

import numpy as np
import tensorflow as tf

from zhang2018.arrays import load_arrays, save_arrays
from zhang2018.discriminator import discriminate
from zhang2018.features import Features
from zhang2018.losses import adversarial, exclusion, generator_adversarial, l1, perceptual
from zhang2018.network import separate
from zhang2018.parameters import checked, initial_discriminator, initial_generator

_PICTURE = tf.TensorSpec((1, None, None, 3), tf.float32)
_SCALAR = tf.TensorSpec((), tf.float32)


@dataclasses.dataclass(frozen=True)
class Weights:
    """Weights of the losses, and how the optimisers step.

    total: of the sum of the losses against the adversarial one; perceptual: inside that sum
    betas: Adam's decay rates; discriminator_rate: the discriminator's learning rate, which is constant
    discriminator_every: it is updated at every n-th step, at the first one to begin with
    """

    total: float
    perceptual: float
    betas: Tuple[float, float]
    discriminator_rate: float
    discriminator_every: int

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

    def rates(self, rate: float) -> Tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Begin a step; return its learning rate and the powers of both decay rates."""
        self._steps += 1
        powers = (np.float32(beta**self._steps) for beta in self._betas)
        first, second = (tf.constant(power) for power in powers)
        return tf.constant(rate, tf.float32), first, second

    def apply(self, gradients: List[tf.Tensor], rates: Tuple[tf.Tensor, tf.Tensor, tf.Tensor]) -> None:
        """Change the variables. gradients: in their order; rates: from `rates`."""
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
    """Generator and discriminator with their optimisers. seed: of the initial parameters."""

    def __init__(self, weights: Weights, features: Features, seed: int) -> None:
        self._weights = weights
        self._features = {name: tuple(map(tf.constant, layer)) for name, layer in features.items()}
        self.generator = {name: tf.Variable(value) for name, value in initial_generator(seed).items()}
        self.discriminator = {name: tf.Variable(value) for name, value in initial_discriminator(seed).items()}
        self._generator_adam = Adam(self.generator, weights.betas)
        self._discriminator_adam = Adam(self.discriminator, weights.betas)
        traced = functools.partial(tf.function, input_signature=[_PICTURE] * 2 + [_SCALAR] * 3)
        self._discriminator_step: Callable[..., Any] = traced(self._change_discriminator)
        self._real_step: Callable[..., Any] = traced(self._change_generator)
        signature = [_PICTURE] * 2 + [_SCALAR] * 3 + [_PICTURE]
        self._synthetic_step: Callable[..., Any] = tf.function(self._change_generator, input_signature=signature)

    def step(
        self,
        number: int,
        blended: np.ndarray,
        transmission: np.ndarray,
        reflection: Optional[np.ndarray],
        rate: float,
    ) -> Dict[str, float]:
        """Update the networks with one picture and return its losses, unweighted.

        number: steps done before; blended, transmission, reflection: float32, (1, H, W, 3), BGR in [0, 1]; a
        reflection of None makes it a real pair, whose reflection is not known. rate: the generator's.
        """
        losses: Dict[str, tf.Tensor] = {}
        pictures = (tf.constant(blended), tf.constant(transmission))
        if number % self._weights.discriminator_every == 0:
            rates = self._discriminator_adam.rates(self._weights.discriminator_rate)
            losses["discriminator"] = self._discriminator_step(*pictures, *rates)
        rates = self._generator_adam.rates(rate)
        if reflection is None:
            losses.update(self._real_step(*pictures, *rates))
        else:
            losses.update(self._synthetic_step(*pictures, *rates, tf.constant(reflection)))
        return {name: float(value) for name, value in losses.items()}

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

    def _change_discriminator(self, blended: tf.Tensor, transmission: tf.Tensor, *rates: tf.Tensor) -> tf.Tensor:
        found, _ = separate(blended, self._features, self.generator)
        with tf.GradientTape() as tape:
            real = discriminate(blended, transmission, self.discriminator)
            fake = discriminate(blended, tf.stop_gradient(found), self.discriminator)
            loss, _ = adversarial(real, fake)
        self._discriminator_adam.apply(tape.gradient(loss, list(self.discriminator.values())), rates)
        return loss

    def _change_generator(
        self,
        blended: tf.Tensor,
        transmission: tf.Tensor,
        rate: tf.Tensor,
        first: tf.Tensor,
        second: tf.Tensor,
        reflection: Optional[tf.Tensor] = None,
    ) -> Dict[str, tf.Tensor]:
        with tf.GradientTape() as tape:
            layers = separate(blended, self._features, self.generator)
            losses = {"perceptual": perceptual(layers[0], transmission, self._features)}
            total = tf.constant(0.0)
            if reflection is not None:
                losses["perceptual"] += perceptual(layers[1], reflection, self._features)
                losses["l1_reflection"] = l1(layers[1], reflection)
                losses["exclusion"] = exclusion(*layers)
                total = losses["l1_reflection"] + losses["exclusion"]
            losses["total"] = total + self._weights.perceptual * losses["perceptual"]
            losses["adversarial"] = generator_adversarial(discriminate(blended, layers[0], self.discriminator))
            objective = self._weights.total * losses["total"] + losses["adversarial"]
        gradients = tape.gradient(objective, list(self.generator.values()))
        self._generator_adam.apply(gradients, (rate, first, second))
        return losses
