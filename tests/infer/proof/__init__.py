"""What is proven of each operation that is computed in parts: drawn settings, and refusals with their reasons."""

from tests.infer.proof import (
    channels,
    kinds,
    pointwise,
    reductions,
    resampling,
    spreading,
    view_products,
    views,
    windows,
)
from tests.infer.proof.case import Proof

PROOFS: tuple[Proof, ...] = (
    *pointwise.PROOFS,
    *kinds.PROOFS,
    *channels.PROOFS,
    *spreading.PROOFS,
    *windows.PROOFS,
    *resampling.PROOFS,
    *resampling.RESIZE,
    *reductions.PROOFS,
    *views.PROOFS,
    *view_products.PROOFS,
)
