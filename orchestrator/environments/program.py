"""What an image brings to the keys of its stages."""

from orchestrator.environments.recipe import lock_hash, recipe_hash
from orchestrator.plan.keys import Program
from orchestrator.spec.image import ImageSpec, Variant


def image_program(image: ImageSpec, variant: Variant) -> Program:
    """Return an image's program: its declared behaviours, its locked packages and interpreter, and its code's hash."""
    return Program(
        code=recipe_hash(image, variant),
        behaviours={str(kind): version for kind, version in image.behaviours.items()},
        environment={"lock": lock_hash(image, variant), "python": image.python},
        pinned_threads=frozenset(image.pinned_threads),
    )
