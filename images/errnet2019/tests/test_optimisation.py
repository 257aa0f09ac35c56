"""One training step: what moves, what does not, and by which loss."""

import unittest

import torch
from errnet2019.losses import relativistic_losses
from errnet2019.network import hypercolumn
from errnet2019.optimisation import Optimisation, Weights

from netkit.seeded import seeded_image
from netkit.torch_pictures import tensor_of
from netkit.torch_vgg19 import Vgg19

WEIGHTS = Weights(vgg=0.1, adversarial=0.01, betas=(0.9, 0.999), rate=1e-4)


def copied(network):
    return {name: value.clone() for name, value in network.state_dict().items()}


def moved(before, network):
    return [name for name, value in network.state_dict().items() if not torch.equal(before[name], value)]


class Step(unittest.TestCase):
    def setUp(self):
        self.transmission, reflection = (tensor_of([seeded_image(part, 32, 48)]) for part in ("t", "r"))
        self.blended = (self.transmission + 0.4 * reflection).clamp(0, 1)
        self.vgg = Vgg19("relu5_1").fill_random()
        self.subject = Optimisation(WEIGHTS, self.vgg, 1, torch.device("cpu"))

    def step(self, **changes):
        settings = {"rate": 1e-4, "adversarial": False, **changes}
        return self.subject.step(self.blended, self.transmission, **settings)

    def test_without_the_adversarial_loss_only_the_generator_moves(self):
        generator, discriminator = copied(self.subject.generator), copied(self.subject.discriminator)
        vgg = copied(self.vgg)
        losses = self.step()
        self.assertEqual(sorted(losses), ["pixel", "vgg"])
        self.assertEqual(len(moved(generator, self.subject.generator)), len(generator))
        self.assertEqual(moved(discriminator, self.subject.discriminator), [])
        self.assertEqual(moved(vgg, self.vgg), [])

    def test_with_the_adversarial_loss_both_move(self):
        discriminator = copied(self.subject.discriminator)
        losses = self.step(adversarial=True)
        self.assertEqual(sorted(losses), ["adversarial", "discriminator", "pixel", "vgg"])
        self.assertTrue(moved(discriminator, self.subject.discriminator))

    def test_the_generator_meets_the_discriminator_after_its_step(self):
        with torch.no_grad():
            output = self.subject.generator(hypercolumn(self.vgg, self.blended))
        losses = self.step(adversarial=True)
        with torch.no_grad():
            real, fake = self.subject.discriminator(self.transmission), self.subject.discriminator(output)
        self.assertAlmostEqual(float(losses["adversarial"]), float(relativistic_losses(real, fake)[0]), places=4)
        self.assertNotAlmostEqual(float(losses["discriminator"]), float(relativistic_losses(real, fake)[1]), places=4)

    def test_a_small_rate_moves_the_generator_by_no_more_than_the_rate(self):
        before = copied(self.subject.generator)
        self.step(rate=1e-6)
        largest = max(
            float((value - before[name]).abs().max()) for name, value in self.subject.generator.state_dict().items()
        )
        self.assertGreater(largest, 0)
        self.assertLess(largest, 1.1e-6)

    def test_the_discriminator_keeps_the_first_rate(self):
        self.step(rate=1e-5, adversarial=True)
        self.assertEqual([group["lr"] for group in self.subject.discriminator_adam.param_groups], [1e-4])
        self.assertEqual([group["lr"] for group in self.subject.generator_adam.param_groups], [1e-5])

    def test_a_pair_repeated_is_learnt(self):
        losses = [float(self.step()["pixel"]) for _ in range(9)]
        self.assertLess(losses[-1], 0.9 * losses[0])

    def test_the_same_seed_starts_the_same_networks(self):
        other = Optimisation(WEIGHTS, self.vgg, 1, torch.device("cpu"))
        third = Optimisation(WEIGHTS, self.vgg, 2, torch.device("cpu"))
        self.assertEqual(moved(copied(self.subject.generator), other.generator), [])
        self.assertTrue(moved(copied(self.subject.generator), third.generator))


class Relativistic(unittest.TestCase):
    def test_means_are_over_the_batch(self):
        real, fake = torch.tensor([[2.0], [4.0]]), torch.tensor([[1.0], [-1.0]])
        generator, discriminator = relativistic_losses(real, fake)
        lead, behind = torch.tensor([2.0, 4.0]), torch.tensor([-2.0, -4.0])
        expected = 0.5 * (torch.log1p(lead.exp()).mean() + torch.log1p((-behind).exp()).mean())
        mirrored = 0.5 * (torch.log1p((-lead).exp()).mean() + torch.log1p(behind.exp()).mean())
        self.assertAlmostEqual(float(generator), float(expected), places=5)
        self.assertAlmostEqual(float(discriminator), float(mirrored), places=5)


if __name__ == "__main__":
    unittest.main()
