"""What a training step is fed: size, channel order, and which samples are skipped."""

import os
import tempfile
import unittest

import numpy as np
from stand_in import recipe
from zhang2018.samples import step_pictures

from netkit.pictures import write_picture
from netkit.sampling import RealSample, SyntheticSample
from stagekit import BadInput


class SamplesTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.rng = np.random.RandomState(1)

    def flat(self, name: str, colour: "tuple[float, float, float]", height: int = 50, width: int = 60) -> str:
        path = os.path.join(self.folder, name + ".png")
        write_picture(path, np.broadcast_to(np.array(colour, np.float32), (height, width, 3)))
        return path

    def test_real_pair_is_fed_blue_first_at_a_width_of_the_recipe(self) -> None:
        blended, transmission = self.flat("b", (1.0, 0.6, 0.2)), self.flat("t", (0.8, 0.4, 0.0))
        pictures = step_pictures(RealSample(0, blended, transmission), recipe(width=[41, 42]), self.rng)
        assert pictures is not None
        self.assertEqual(pictures.blended.shape, (1, 34, 41, 3))
        self.assertEqual(pictures.blended.dtype, np.float32)
        np.testing.assert_allclose(pictures.blended[0, 5, 6], (0.2, 0.6, 1.0), atol=1e-6)
        np.testing.assert_allclose(pictures.transmission[0, 5, 6], (0.0, 0.4, 0.8), atol=1e-6)
        self.assertIsNone(pictures.reflection)

    def test_reflection_takes_the_size_of_the_transmission(self) -> None:
        sample = SyntheticSample(0, self.flat("t", (0.5, 0.5, 0.5)), self.flat("r", (0.4, 0.5, 0.6), 90, 30))
        pictures = step_pictures(sample, recipe(), self.rng)
        assert pictures is not None
        assert pictures.reflection is not None
        self.assertEqual(pictures.reflection.shape, pictures.transmission.shape)
        self.assertEqual(pictures.reflection.shape, pictures.blended.shape)

    def test_pairs_that_the_program_skips(self) -> None:
        bright, dark, black = (self.flat(str(value), (value,) * 3) for value in (0.9, 0.3, 0.0))
        for sample in (SyntheticSample(0, bright, dark), SyntheticSample(0, dark, black), RealSample(0, black, black)):
            with self.subTest(sample=sample):
                self.assertIsNone(step_pictures(sample, recipe(), self.rng))

    def test_picture_that_becomes_too_flat_is_refused_with_its_sizes(self) -> None:
        wide = self.flat("wide", (0.5, 0.5, 0.5), 20, 80)
        with self.assertRaisesRegex(BadInput, r"\(20 x 80\) becomes 10 x 40 pixels"):
            step_pictures(RealSample(0, wide, wide), recipe(width=[40, 41]), self.rng)


if __name__ == "__main__":
    unittest.main()
