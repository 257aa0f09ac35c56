"""The gallery of a dataset: one card per picture, sorted by script; what a card opens is the viewer's."""

from dataclasses import dataclass

from orchestrator.report import numbers
from orchestrator.report.content import Dataset, ReportContent
from orchestrator.report.lookup import entrants, picture_names
from orchestrator.report.pictures import Shown
from orchestrator.report.views.layers import TRANSMISSION, Layer, ShownPicture, ShownPictures
from orchestrator.report.views.measures import measures
from stagekit.measures import INPUT


@dataclass(frozen=True)
class Choice:
    """One entry of a list of choices.

    Attributes:
        key: Names it inside the page.
    """

    key: str
    text: str


@dataclass(frozen=True)
class GalleryThumbnail:
    """One thumbnail of a card. ratio: height and width in pixels of the picture itself, which keep its place free."""

    side: str
    title: str
    address: str
    height: int
    width: int


@dataclass(frozen=True)
class GalleryCard:
    """One picture of the dataset."""

    anchor: str
    name: str
    size: str
    thumbnails: tuple[GalleryThumbnail, ...]


@dataclass(frozen=True)
class GalleryView:
    """The gallery.

    Attributes:
        metrics: Empty for photographs, which are sorted by nothing but their names.
    """

    metrics: tuple[Choice, ...]
    networks: tuple[Choice, ...]
    cards: tuple[GalleryCard, ...]
    count: str


def gallery_view(content: ReportContent, dataset: Dataset, shown: ShownPictures) -> GalleryView:
    """Return the gallery of a test dataset's page, in the dataset's order."""
    answered = {layer.label for layer in shown.layers}
    networks = [one for one in entrants(content) if not one.control and one.label in answered]
    first = next((layer for layer in shown.layers if layer.title == TRANSMISSION), None)
    names = picture_names(dataset)
    return GalleryView(
        metrics=tuple(Choice(measure.key, measure.title) for measure in measures(content, dataset)),
        networks=tuple(Choice(one.label, one.title) for one in networks),
        cards=tuple(_card(picture, names[picture.picture.id], first) for picture in shown.pictures),
        count=numbers.count(len(shown.pictures), "picture"),
    )


def _card(picture: ShownPicture, name: str, answer: Layer | None) -> GalleryCard:
    item = picture.picture
    thumbnails = [_thumbnail(INPUT, INPUT, picture.shown[INPUT])]
    if answer is not None and answer.key in picture.shown:
        thumbnails.append(_thumbnail("answer", answer.full_title, picture.shown[answer.key]))
    return GalleryCard(picture.anchor, name, numbers.size(item.height, item.width), tuple(thumbnails))


def _thumbnail(side: str, title: str, shown: Shown) -> GalleryThumbnail:
    return GalleryThumbnail(side, title, shown.thumbnail, shown.height, shown.width)
