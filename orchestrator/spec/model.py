"""What a model is: a network, its image, its recipe. Recipes are strict, one class per network family."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from orchestrator.spec.base import Name, StrictModel
from orchestrator.spec.dataset import Synthesis
from orchestrator.spec.numbers import REAL, WHOLE, Count, Epoch, Pixels, Positive, Share, Weight

_Side = Annotated[int, Field(ge=32, le=2**16), WHOLE]
_Beta = Annotated[float, Field(ge=0, lt=1), REAL]


class RateStep(StrictModel):
    """The learning rate from an epoch on."""

    epoch: Epoch
    """First epoch with this rate, counted from 0."""
    rate: Positive
    """Learning rate."""


class ShareStep(StrictModel):
    """The share of synthetic samples from an epoch on."""

    epoch: Epoch
    """First epoch with this share, counted from 0."""
    synthetic: Share
    """Share of synthetic samples; the rest are real pairs. Without real pairs every sample is synthetic."""


class ErrnetShareStep(ShareStep):
    """The shares of synthetic and of unaligned samples from an epoch on."""

    unaligned: Share = 0
    """Share of real pairs whose pictures do not lie exactly on each other; they come from `train.unaligned`."""

    @model_validator(mode="after")
    def _shares_fit(self) -> Self:
        if self.synthetic + self.unaligned > 1:
            raise ValueError("the shares of synthetic and unaligned samples exceed 1 together")
        return self


class _Recipe(StrictModel):
    epochs: Annotated[int, Field(ge=1, le=10**6), WHOLE]
    """How often the training set is gone through."""
    steps: Count | None = None
    """Stop after this many optimiser steps; None trains every epoch to its end."""
    limit: Count | None = None
    """Samples per epoch; None takes what the paper takes."""
    batch: Annotated[int, Field(ge=1, le=2**16), WHOLE]
    """Samples per step."""
    synthesis: Synthesis
    """How transmission and reflection are blended."""
    sampling: tuple[ShareStep, ...] = Field(min_length=1)
    """Share of synthetic samples, by epoch."""
    rate: tuple[RateStep, ...] = Field(min_length=1)
    """Learning rate of the generator, by epoch."""
    betas: tuple[_Beta, _Beta]
    """Adam's decay rates."""

    @property
    def uses_unaligned(self) -> bool:
        """Whether some epoch that is trained draws unaligned pairs."""
        return any(getattr(step, "unaligned", 0) and step.epoch < self.epochs for step in self.sampling)


class _TorchRecipe(_Recipe):
    mixed_precision: bool = False
    """Compute forward passes in bfloat16 where PyTorch deems it safe; on a GPU only. No paper did."""
    channels_last: bool = False
    """Keep pictures with their channels last in memory, which is faster on newer GPUs; on a GPU only."""


class ZhangRecipe(_Recipe):
    """The recipe of Zhang, Ng and Chen 2018."""

    family: Literal["zhang2018"]
    """Always 'zhang2018'."""
    discriminator_rate: Positive
    """Learning rate of the discriminator."""
    discriminator_every: Count
    """The discriminator is updated at every n-th step."""
    width: tuple[_Side, _Side]
    """Pictures are resized to a random width in [first, second) pixels, height in proportion."""
    weight_total: Weight
    """Weight of the total loss against the adversarial one."""
    weight_perceptual: Weight
    """Weight of the perceptual losses inside the total loss."""
    size_step: Pixels = 1
    """Widths and heights are rounded to multiples of this many pixels; 1 rounds nothing."""
    generator_start: Literal["identity", "glorot"] = "identity"
    """How the generator's kernels start: as identity kernels, or as Glorot and Bengio 2010."""
    discriminator_deviation: Positive = 0.02
    """Standard deviation of the discriminator's kernels at the start."""

    @model_validator(mode="after")
    def _widths_can_be_drawn(self) -> Self:
        if self.width[0] >= self.width[1]:
            raise ValueError(f"width must hold a smaller and a larger number, not {list(self.width)}")
        return self


class ErrnetRecipe(_TorchRecipe):
    """The recipe of Wei et al. 2019."""

    family: Literal["errnet2019"]
    """Always 'errnet2019'."""
    sampling: tuple[ErrnetShareStep, ...] = Field(min_length=1)
    """Shares of synthetic and unaligned samples, by epoch; the rest are real pairs."""
    short_side: tuple[_Side, _Side]
    """Both layers are scaled so that the short side is a random even number in [first, second] pixels."""
    crop: Annotated[int, Field(ge=32, le=2**16, multiple_of=2), WHOLE]
    """Side of the square crop, in pixels."""
    flip: Share
    """Probability of a left-right flip."""
    adversarial_from: Epoch
    """First epoch with the adversarial loss, counted from 0."""
    weight_vgg: Weight
    """Weight of the VGG loss."""
    weight_adversarial: Weight
    """Weight of the adversarial loss, in the generator's and the discriminator's loss."""
    weight_unaligned: Weight = 0.1
    """Weight of the loss of unaligned pairs, which compares one deep VGG-19 activation (conv5_2)."""
    generator_start: Literal["pytorch", "kaiming"] = "pytorch"
    """How the generator's weights are drawn: as PyTorch draws its layers, or as He et al. 2015."""
    discriminator_start: Literal["kaiming", "pytorch"] = "kaiming"
    """How the discriminator's weights are drawn."""

    @model_validator(mode="after")
    def _sides_can_be_drawn(self) -> Self:
        smallest, largest = self.short_side
        if largest < smallest:
            raise ValueError(f"short_side must begin with the smaller number, not {list(self.short_side)}")
        if smallest - smallest % 2 < self.crop:
            raise ValueError(f"short_side from {smallest} pixels cannot hold a crop of {self.crop}")
        return self


class IbclnRecipe(_TorchRecipe):
    """The recipe of Li et al. 2020."""

    family: Literal["ibcln2020"]
    """Always 'ibcln2020'."""
    crop: Annotated[int, Field(ge=32, le=2**16, multiple_of=4), WHOLE]
    """Side of the square training picture, in pixels."""
    real_crop: Annotated[float, Field(gt=0, le=1), REAL]
    """Side of the random square taken from a real pair, as a share of its short side, before resizing."""
    cascade: Annotated[int, Field(ge=1, le=100), WHOLE]
    """Steps of the cascade."""
    weight_adversarial: Weight
    """Weight of the adversarial loss."""
    dropout: Annotated[float, Field(ge=0, lt=1), REAL]
    """Dropout probability in training."""
    deviation: Positive = 0.02
    """Standard deviation of the weights at the start; biases start at 0."""


Recipe = Annotated[ZhangRecipe | ErrnetRecipe | IbclnRecipe, Field(discriminator="family")]


class Paper(StrictModel):
    """Where a network was published."""

    title: str
    """Title of the paper."""
    authors: str
    """Its authors."""
    venue: str
    """Conference and year."""
    program: str
    """Address of the authors' program, and its licence."""


class ModelSpec(StrictModel):
    """One file of model_specs/: a network in its own software stack."""

    name: Name
    """How experiments name the model; equals the file's name."""
    title: str
    """What the report calls it."""
    paper: Paper
    """Where it was published."""
    image: Name
    """The image that trains and exports it."""
    features: tuple[str, ...]
    """File names of the pretrained feature weights that its training needs."""
    sees_features: bool = True
    """Whether the network itself sees with them, so that its export needs them too; where not, only its training's
    losses do."""
    export_tolerance: Positive
    """Largest relative error between the native and the exported network, norm(out - ref) / norm(ref)."""
    recipe: Recipe
    """How the paper trained it."""
