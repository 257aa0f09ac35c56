"""What a model is: a network, its image, its recipe. Recipes are strict, one class per network family."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from orchestrator.spec.base import Name, StrictModel
from orchestrator.spec.dataset import Synthesis


class RateStep(StrictModel):
    """The learning rate from an epoch on."""

    epoch: int = Field(ge=0)
    """First epoch with this rate, counted from 0."""
    rate: float = Field(gt=0)
    """Learning rate."""


class ShareStep(StrictModel):
    """The share of synthetic samples from an epoch on."""

    epoch: int = Field(ge=0)
    """First epoch with this share, counted from 0."""
    synthetic: float = Field(ge=0, le=1)
    """Share of synthetic samples; the rest are real pairs. Without real pairs every sample is synthetic."""


class ErrnetShareStep(ShareStep):
    """The shares of synthetic and of unaligned samples from an epoch on."""

    unaligned: float = Field(default=0, ge=0, le=1)
    """Share of real pairs whose pictures do not lie exactly on each other; they come from `train.unaligned`."""

    @model_validator(mode="after")
    def _shares_fit(self) -> Self:
        if self.synthetic + self.unaligned > 1:
            raise ValueError("the shares of synthetic and unaligned samples exceed 1 together")
        return self


class _Recipe(StrictModel):
    epochs: int = Field(ge=1)
    """How often the training set is gone through."""
    steps: int | None = Field(default=None, ge=1)
    """Stop after this many optimiser steps; None trains every epoch to its end."""
    limit: int | None = Field(default=None, ge=1)
    """Samples per epoch; None takes what the paper takes."""
    batch: int = Field(ge=1)
    """Samples per step."""
    synthesis: Synthesis
    """How transmission and reflection are blended."""
    sampling: tuple[ShareStep, ...] = Field(min_length=1)
    """Share of synthetic samples, by epoch."""
    rate: tuple[RateStep, ...] = Field(min_length=1)
    """Learning rate of the generator, by epoch."""
    betas: tuple[float, float]
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
    discriminator_rate: float = Field(gt=0)
    """Learning rate of the discriminator."""
    discriminator_every: int = Field(ge=1)
    """The discriminator is updated at every n-th step."""
    width: tuple[int, int]
    """Pictures are resized to a random width in [first, second) pixels, height in proportion."""
    weight_total: float = Field(ge=0)
    """Weight of the total loss against the adversarial one."""
    weight_perceptual: float = Field(ge=0)
    """Weight of the perceptual losses inside the total loss."""
    size_step: int = Field(default=1, ge=1)
    """Widths and heights are rounded to multiples of this many pixels; 1 rounds nothing."""
    generator_start: Literal["identity", "glorot"] = "identity"
    """How the generator's kernels start: as identity kernels, or as Glorot and Bengio 2010."""
    discriminator_deviation: float = Field(default=0.02, gt=0)
    """Standard deviation of the discriminator's kernels at the start."""


class ErrnetRecipe(_TorchRecipe):
    """The recipe of Wei et al. 2019."""

    family: Literal["errnet2019"]
    """Always 'errnet2019'."""
    sampling: tuple[ErrnetShareStep, ...] = Field(min_length=1)
    """Shares of synthetic and unaligned samples, by epoch; the rest are real pairs."""
    short_side: tuple[int, int]
    """Both layers are scaled so that the short side is a random even number in [first, second] pixels."""
    crop: int = Field(ge=32, multiple_of=2)
    """Side of the square crop, in pixels."""
    flip: float = Field(ge=0, le=1)
    """Probability of a left-right flip."""
    adversarial_from: int = Field(ge=0)
    """First epoch with the adversarial loss, counted from 0."""
    weight_vgg: float = Field(ge=0)
    """Weight of the VGG loss."""
    weight_adversarial: float = Field(ge=0)
    """Weight of the adversarial loss, in the generator's and the discriminator's loss."""
    weight_unaligned: float = Field(default=0.1, ge=0)
    """Weight of the loss of unaligned pairs, which compares one deep VGG-19 activation (conv5_2)."""
    generator_start: Literal["pytorch", "kaiming"] = "pytorch"
    """How the generator's weights are drawn: as PyTorch draws its layers, or as He et al. 2015."""
    discriminator_start: Literal["kaiming", "pytorch"] = "kaiming"
    """How the discriminator's weights are drawn."""


class IbclnRecipe(_TorchRecipe):
    """The recipe of Li et al. 2020."""

    family: Literal["ibcln2020"]
    """Always 'ibcln2020'."""
    crop: int = Field(ge=32, multiple_of=4)
    """Side of the square training picture, in pixels."""
    real_crop: float = Field(gt=0, le=1)
    """Side of the random square taken from a real pair, as a share of its short side, before resizing."""
    cascade: int = Field(ge=1)
    """Steps of the cascade."""
    weight_adversarial: float = Field(ge=0)
    """Weight of the adversarial loss."""
    dropout: float = Field(ge=0, lt=1)
    """Dropout probability in training."""
    deviation: float = Field(default=0.02, gt=0)
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
    export_tolerance: float = Field(gt=0)
    """Largest relative error between the native and the exported network, norm(out - ref) / norm(ref)."""
    recipe: Recipe
    """How the paper trained it."""
