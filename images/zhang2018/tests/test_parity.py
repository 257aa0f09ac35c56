"""Filled with the stand-in weights, the network gives the numbers of the authors' program."""

import unittest

import tensorflow as tf
from stand_in import filled, picture, reference, relative_error
from zhang2018.discriminator import discriminate
from zhang2018.features import random_features
from zhang2018.losses import adversarial, exclusion, l1, perceptual
from zhang2018.network import separate
from zhang2018.parameters import discriminator_shapes, generator_shapes

TOLERANCE = 1e-4
TAG = "zhang_96x128"


class ParityTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.reference = reference()
        cls.features = random_features()
        cls.generator = filled(generator_shapes())
        cls.layers = {
            tag: separate(tf.constant(picture(tag, "input")), cls.features, cls.generator)
            for tag in (TAG, "zhang_101x77")
        }

    def check(self, found: object, name: str, tag: str = TAG) -> None:
        self.assertLessEqual(relative_error(found, self.reference["%s/%s" % (tag, name)]), TOLERANCE, name)

    def test_both_layers_at_even_and_odd_sizes(self) -> None:
        for tag, layers in self.layers.items():
            for name, layer in zip(("transmission", "reflection"), layers):
                with self.subTest(tag=tag, layer=name):
                    self.check(layer[0], name, tag)

    def test_losses_of_a_synthetic_pair(self) -> None:
        transmission, reflection = self.layers[TAG]
        found = perceptual(transmission, picture(TAG, "transmission"), self.features) + perceptual(
            reflection, picture(TAG, "reflection"), self.features
        )
        difference, edges = l1(reflection, picture(TAG, "reflection")), exclusion(transmission, reflection)
        self.check(found, "loss_synthetic_perceptual")
        self.check(difference, "loss_synthetic_l1_reflection")
        self.check(edges, "loss_synthetic_exclusion")
        self.check(difference + 0.2 * found + edges, "loss_synthetic_total")

    def test_losses_of_a_real_pair(self) -> None:
        found = perceptual(self.layers[TAG][0], picture(TAG, "transmission"), self.features)
        self.check(found, "loss_real_perceptual")
        self.check(0.2 * found, "loss_real_total")

    def test_adversarial_losses(self) -> None:
        parameters = filled(discriminator_shapes())
        blended = picture(TAG, "input")
        real = discriminate(blended, picture(TAG, "transmission"), parameters)
        fake = discriminate(blended, self.layers[TAG][0], parameters)
        discriminator, generator = adversarial(real, fake)
        for kind in ("synthetic", "real"):
            self.check(discriminator, "loss_%s_discriminator" % kind)
            self.check(generator, "loss_%s_generator_adversarial" % kind)


if __name__ == "__main__":
    unittest.main()
