"""The authors' program's numbers, reproduced with stand-in weights."""

import json
import os
import unittest

import stand_in
import torch
from errnet2019.losses import pixel_loss, relativistic_losses, unaligned_loss, vgg_loss, vgg_target

from netkit.torch_pictures import picture_of

TOLERANCE = 1e-4
TAG = "errnet_96x128"


class Names(unittest.TestCase):
    def test_parameters_have_the_released_names_order_and_shapes(self):
        for file, network in (("generator", stand_in.errnet().generator), ("discriminator", stand_in.discriminator())):
            with self.subTest(network=file):
                path = os.path.join(os.path.dirname(os.path.abspath(__file__)), file + ".parameters.json")
                with open(path, encoding="utf-8") as stream:
                    released = json.load(stream)
                self.assertEqual([[name, list(value.shape)] for name, value in network.state_dict().items()], released)


class Parity(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.numbers = stand_in.reference()
        cls.network = stand_in.errnet("conv5_2")
        with torch.no_grad():
            cls.outputs = {tag: cls.network(stand_in.picture(tag, "input")) for tag in (TAG, "errnet_90x76")}
        cls.target = stand_in.picture(TAG, "transmission")

    def assert_close(self, found, name):
        self.assertLessEqual(stand_in.relative_error(found, self.numbers["%s/%s" % (TAG, name)]), TOLERANCE)

    def test_outputs(self):
        for tag, output in self.outputs.items():
            with self.subTest(tag=tag):
                expected = self.numbers[tag + "/transmission"]
                self.assertLessEqual(stand_in.relative_error(picture_of(output), expected), TOLERANCE)

    def test_pixel_loss(self):
        self.assert_close(pixel_loss(self.outputs[TAG], self.target), "loss_pixel")

    def test_vgg_loss(self):
        vgg = self.network.vgg
        self.assert_close(vgg_loss(vgg, self.outputs[TAG], vgg_target(vgg, self.target)), "loss_vgg")

    def test_unaligned_loss(self):
        loss = 0.1 * unaligned_loss(self.network.vgg, self.outputs[TAG], self.target)
        self.assert_close(loss, "loss_unaligned_vgg31")

    def test_relativistic_losses(self):
        discriminator = stand_in.discriminator()
        with torch.no_grad():
            generator_loss, discriminator_loss = relativistic_losses(
                discriminator(self.target), discriminator(self.outputs[TAG])
            )
        self.assert_close(generator_loss, "loss_generator_rasgan")
        self.assert_close(discriminator_loss, "loss_discriminator_rasgan")

    def test_norm_of_the_whole_gradient(self):
        vgg, discriminator = self.network.vgg, stand_in.discriminator()
        output = self.outputs[TAG].clone().requires_grad_()
        adversarial, _ = relativistic_losses(discriminator(self.target), discriminator(output))
        total = pixel_loss(output, self.target) + 0.1 * vgg_loss(vgg, output, vgg_target(vgg, self.target))
        (gradient,) = torch.autograd.grad(total + 0.01 * adversarial, output)
        self.assert_close(gradient.norm(), "grad_total_norm")


if __name__ == "__main__":
    unittest.main()
