"""`overlap.json`: which pictures are trained on and tested on."""

from dataclasses import dataclass, field
from typing import ClassVar, Literal, Mapping, Tuple

from stagekit.results.form import COUNT, Form, Unknown

OverlapAction = Literal["stop", "accept", "drop"]
"""What happens where pictures are trained on and tested on."""

OverlapKind = Literal["same pixels", "near-duplicate"]
"""How two scenes are the same."""


@dataclass(frozen=True)
class ComparedDataset:
    """A dataset that was compared.

    Attributes:
        name: As the experiment calls it.
        pictures: How many different files were looked at.
    """

    name: str
    pictures: int = field(metadata=COUNT)
    unknown: Unknown = field(default_factory=dict)


@dataclass(frozen=True)
class SceneOverlap:
    """A training scene that is a test scene too.

    Attributes:
        train_dataset: Name of the training dataset.
        train_scene: Id of the training scene.
        test_dataset: Name of the test dataset.
        test_scene: Id of the test scene.
        kind: 'same pixels', or 'near-duplicate' for what is cropped, scaled, compressed anew, mirrored or turned.
        layers: Which of the training scene's layers is which of the test scene's, such as 'blended = blended', and
            how that lies against it, such as 'blended = blended mirrored'.
        correlation: Of the detail; 1 for the same pixels.
    """

    train_dataset: str
    train_scene: str
    test_dataset: str
    test_scene: str
    kind: OverlapKind
    layers: Tuple[str, ...]
    correlation: float
    unknown: Unknown = field(default_factory=dict)


@dataclass(frozen=True)
class OverlapFile(Form):
    """What came of comparing training and test pictures, written by `overlap`.

    Attributes:
        action: What is done about scenes that are found.
        train: The training datasets, by what they are trained as.
        test: The test datasets.
        overlaps: What was found.
        dropped: Ids of the scenes to be left out of the training, by what they are trained as.
    """

    FILE_NAME: ClassVar[str] = "overlap.json"

    action: OverlapAction
    train: Mapping[str, ComparedDataset]
    test: Tuple[ComparedDataset, ...]
    overlaps: Tuple[SceneOverlap, ...]
    dropped: Mapping[str, Tuple[str, ...]]
    unknown: Unknown = field(default_factory=dict)
