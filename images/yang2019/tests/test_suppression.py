"""The method, held to a direct solution of its equation."""

import unittest

import numpy as np
from scipy import fft, sparse
from scipy.sparse.linalg import spsolve
from yang2019.suppression import REGULARISATION, suppressed


def picture(height, width, seed=0):
    """Return a picture with gradients of all lengths, float32, (H, W, 3)."""
    noise = np.random.default_rng(seed).normal(size=(height, width, 3))
    return np.float32(np.clip(np.cumsum(np.cumsum(noise, 0), 1) / 40 + 0.5 + 0.05 * noise, 0, 1))


def differences(size):
    """Return forward differences, zero at the end, as a matrix."""
    rows = np.arange(size - 1)
    ones = np.ones(size - 1)
    return sparse.csr_matrix((np.r_[-ones, ones], (np.r_[rows, rows], np.r_[rows, rows + 1])), shape=(size, size))


def solved(values, threshold):
    """Return the minimum of the paper's equation (3) for one channel, by a sparse solver in double precision."""
    height, width = values.shape
    right = sparse.kron(sparse.eye(height), differences(width))
    down = sparse.kron(differences(height), sparse.eye(width))
    flat = values.astype(np.float64).ravel()
    x, y = right @ flat, down @ flat
    kept = np.hypot(x, y) >= np.float32(threshold)
    laplacian = -(right.T @ right + down.T @ down)
    divergence = -(right.T @ (x * kept) + down.T @ (y * kept))
    system = (laplacian @ laplacian + REGULARISATION * sparse.eye(flat.size)).tocsc()
    return spsolve(system, laplacian @ divergence + REGULARISATION * flat).reshape(values.shape)


class SuppressionTest(unittest.TestCase):
    def test_it_solves_the_papers_equation(self):
        for height, width in ((17, 23), (32, 21), (1, 40), (40, 1)):
            values = picture(height, width)
            answer = suppressed(values, 0.033)
            for channel in range(3):
                expected = solved(values[..., channel], 0.033)
                self.assertLess(np.abs(answer[..., channel] - expected).max(), 1e-6)
            self.assertGreater(np.abs(answer - values).max(), 1e-3)

    def test_single_precision_is_enough_for_large_pictures(self):
        values = picture(701, 1203)
        exact = suppressed(values.astype(np.float64), 0.033)
        self.assertLess(np.abs(suppressed(values, 0.033) - exact).max(), 1e-6)

    def test_threshold_zero_changes_nothing(self):
        values = picture(31, 47)
        self.assertTrue(np.array_equal(suppressed(values, 0.0), values))

    def test_means_stay_and_a_picture_of_faint_edges_becomes_flat(self):
        values = picture(31, 47)
        for threshold in (0.01, 0.1, 1.0, 2.0):
            answer = suppressed(values, threshold)
            self.assertLess(np.abs(answer.mean((0, 1), float) - values.mean((0, 1), float)).max(), 1e-6)
        self.assertLess(np.ptp(suppressed(values, 2.0).reshape(-1, 3), axis=0).max(), 1e-3)

    def test_channels_do_not_touch_one_another(self):
        values = picture(19, 25)
        other = values.copy()
        other[..., 1] = 0.5
        self.assertTrue(np.array_equal(suppressed(values, 0.05)[..., ::2], suppressed(other, 0.05)[..., ::2]))

    def test_bits_do_not_depend_on_threads(self):
        values = picture(300, 400)
        with fft.set_workers(1):
            expected = suppressed(values, 0.033)
        with fft.set_workers(4):
            self.assertTrue(np.array_equal(suppressed(values, 0.033), expected))


if __name__ == "__main__":
    unittest.main()
