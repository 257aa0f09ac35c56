"""Videos of a scene behind a glass that is moved: every frame is blended, and one picture is the truth of them all."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import PurePosixPath

from orchestrator.datasets.identifiers import shown_name
from orchestrator.datasets.raw.reading import Grouping, Reading, stem
from orchestrator.datasets.raw.tree import RawTree
from orchestrator.spec.published import Layout

Video = tuple[PurePosixPath, str]
"""The folder of a group, and the name of a video in it."""


def read_frames(tree: RawTree, layout: Layout) -> Iterator[Reading]:
    """Yield what the layout makes of the whole tree, all groups together, where it holds a frame or a truth.

    GROUP/TAG_NAME/VIDEO_TAG.*, where TAG is one of the layout's for transmissions, is the truth of every file in
    GROUP/VIDEO whose name begins with one of its tags for blended pictures.
    """
    truths: dict[Video, list[PurePosixPath]] = defaultdict(list)
    frames: dict[Video, list[PurePosixPath]] = defaultdict(list)
    passed_over = []
    for file in tree.files:
        video = _video_of_truth(file, layout)
        if video is not None:
            truths[video].append(file)
        elif _begins(stem(file), layout.blended) and len(file.parts) > 1:
            frames[file.parent.parent, file.parent.name].append(file)
        else:
            passed_over.append(file)
    if truths or frames:
        yield _reading(layout, truths, frames, passed_over)


def _reading(
    layout: Layout,
    truths: dict[Video, list[PurePosixPath]],
    frames: dict[Video, list[PurePosixPath]],
    passed_over: list[PurePosixPath],
) -> Reading:
    place = PurePosixPath(".")
    missing = [
        *(
            []
            if truths
            else [f"truths called GROUP/{_either(layout.transmission)}_NAME/VIDEO_{_either(layout.transmission)}"]
        ),
        *([] if frames else [f"frames called GROUP/VIDEO/{_either(layout.blended)}_NUMBER"]),
    ]
    if missing:
        return Reading(layout, place, missing=tuple(missing), nearness=1)
    grouping = Grouping()
    for (group, video), files in frames.items():
        for file in files:
            scene = str(group / video / stem(file))
            grouping.add(scene, "blended", file)
            for truth in truths.get((group, video), []):
                grouping.add(scene, "transmission", truth)
    alone = [
        f"{shown_name(str(files[0]))} is the truth of no frame"
        for video, files in truths.items()
        if video not in frames
    ]
    problems = [*grouping.problems(["blended", "transmission"]), *alone]
    return Reading(
        layout, place, grouping.raw_scenes(), problems=tuple(problems), passed_over=tuple(passed_over), nearness=2
    )


def _video_of_truth(file: PurePosixPath, layout: Layout) -> Video | None:
    """Return the video whose truth a file is; None where it is none."""
    if len(file.parts) < 2 or not _begins(file.parent.name, layout.transmission):
        return None
    for tag in layout.transmission:
        name = stem(file)
        if name.casefold().endswith(f"_{tag}".casefold()) and len(name) > len(tag) + 1:
            return file.parent.parent, name[: -len(tag) - 1]
    return None


def _begins(name: str, tags: tuple[str, ...]) -> bool:
    return any(name.casefold().startswith(f"{tag}_".casefold()) for tag in tags)


def _either(tags: tuple[str, ...]) -> str:
    return " or ".join(tags)
