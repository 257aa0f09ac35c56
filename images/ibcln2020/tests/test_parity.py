"""The authors' program's numbers, reproduced with stand-in weights."""

import json
import os
import unittest

import stand_in
import torch
from ibcln2020.losses import (
    adversarial_loss,
    discriminator_loss,
    perceptual_loss,
    perceptual_targets,
    pixel_loss,
    reflection_loss,
    residual_loss,
)
from torch.nn import functional

from netkit.torch_pictures import picture_of
from netkit.torch_vgg19 import Vgg19

TOLERANCE = 1e-4
TAG = "ibcln_96x128"
SCALE = torch.full((1, 1, 1, 1), 0.9)
SYNTHETIC = torch.ones(1)


def released(name):
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), name), encoding="utf-8") as stream:
        return json.load(stream)


class Names(unittest.TestCase):
    def shapes(self, module):
        return sorted([name, list(value.shape)] for name, value in module.state_dict().items())

    def test_generators_have_the_released_names_and_shapes(self):
        network = stand_in.cascade()
        expected = sorted(released("generator.parameters.json"))
        self.assertEqual(self.shapes(network.G_T), expected)
        self.assertEqual(self.shapes(network.G_R), expected)

    def test_discriminator_has_the_released_names_and_shapes(self):
        expected = sorted(released("discriminator.parameters.json"))
        self.assertEqual(self.shapes(stand_in.discriminator()), expected)


class Parity(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.numbers = stand_in.reference()
        network = stand_in.cascade()
        with torch.no_grad():
            cls.steps = {tag: network(stand_in.picture(tag, "input")) for tag in (TAG, "ibcln_92x76")}
        cls.blended = stand_in.picture(TAG, "input")
        cls.transmission = stand_in.picture(TAG, "transmission")

    def assert_close(self, found, name):
        self.assertLessEqual(stand_in.relative_error(found, self.numbers["%s/%s" % (TAG, name)]), TOLERANCE)

    def test_every_step_of_the_cascade(self):
        for tag, steps in self.steps.items():
            for number, step in enumerate(steps, 1):
                for layer in ("transmission", "reflection"):
                    with self.subTest(tag=tag, step=number, layer=layer):
                        found = picture_of(getattr(step, layer).full)
                        expected = self.numbers["%s/%s_%d" % (tag, layer, number)]
                        self.assertLessEqual(stand_in.relative_error(found, expected), TOLERANCE)

    def test_half_and_quarter_of_the_last_step(self):
        last = self.steps[TAG][-1].transmission
        self.assert_close(picture_of(last.half), "transmission_half")
        self.assert_close(picture_of(last.quarter), "transmission_quarter")

    def test_pixel_loss(self):
        self.assert_close(pixel_loss(self.steps[TAG], self.transmission), "loss_pixel_transmission")

    def test_residual_loss(self):
        self.assert_close(residual_loss(self.steps[TAG], self.blended, SCALE, SYNTHETIC), "loss_residual")

    def test_reflection_loss(self):
        found = reflection_loss(self.steps[TAG], self.blended, self.transmission, SCALE, SYNTHETIC)
        self.assert_close(found, "loss_pixel_reflection")

    def test_perceptual_loss(self):
        vgg = Vgg19("relu2_1").fill_random()
        targets = tuple(
            functional.interpolate(self.transmission, size=(96 // share, 128 // share), mode="area")
            for share in (1, 2, 4)
        )
        found = perceptual_loss(vgg, self.steps[TAG][-1].transmission, perceptual_targets(vgg, targets))
        self.assert_close(found, "loss_multiscale_perceptual")

    def test_adversarial_losses(self):
        judge = stand_in.discriminator()
        with torch.no_grad():
            real, fake = judge(self.transmission), judge(self.steps[TAG][-1].transmission.full)
        self.assert_close(0.01 * adversarial_loss(fake), "loss_adversarial")
        self.assert_close(discriminator_loss(real, fake), "loss_discriminator")


if __name__ == "__main__":
    unittest.main()
