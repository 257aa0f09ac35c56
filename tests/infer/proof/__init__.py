"""What is proven of each operation that is computed in parts: drawn settings, and refusals with their reasons."""

from tests.infer.proof import pointwise, reductions, resampling, windows
from tests.infer.proof.case import Proof

PROOFS: tuple[Proof, ...] = (
    *pointwise.PROOFS,
    *windows.PROOFS,
    *resampling.PROOFS,
    *resampling.RESIZE,
    *reductions.PROOFS,
)
