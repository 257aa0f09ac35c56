"""A report as one HTML file to mail to somebody: everything inline, pictures scaled down, nothing requested.

It is made of a report's folder and knows nothing of the pages in it: whatever they name is looked up inside the file.
"""

import base64
import hashlib
import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from PIL import Image

from orchestrator.delivery import Delivery
from orchestrator.report import numbers
from orchestrator.report.address import INDEX

_SHELL = Path(__file__).parent / "single"
_PICTURES = {".png", ".jpg", ".jpeg", ".webp"}
_DRAWINGS = {".svg": "image/svg+xml"}
_THUMBNAIL = ".thumb"
_EDGES_PX = (1600, 1280, 1024, 800, 640, 512, 400, 320, 240, 160)
"""What pictures may be scaled to, largest first; the last is taken whatever it comes to."""
_SAMPLE = 24
_QUALITY = 80
_MAIL_BYTES = 18 * 2**20
"""What all pictures may take in the file: with pages and scripts it then passes most mail servers' 25 MB."""


@dataclass(frozen=True)
class SingleFile:
    """What was written.

    Attributes:
        edge_px: Longest edge of its pictures, None where none had to be made smaller.
    """

    path: Path
    size: int
    pictures: int
    edge_px: int | None

    @property
    def sentence(self) -> str:
        """What there is to say of it."""
        edge = "" if self.edge_px is None else f", at most {self.edge_px} pixels"
        return f"{self.path} ({self.size / 1e6:.1f} MB; {numbers.count(self.pictures, 'picture')}{edge})"


def write_single_file(
    folder: Path, target: Path, *, picture_bytes: int = _MAIL_BYTES, overwrite: bool = False
) -> SingleFile:
    """Write a report's folder as one file, beside and renamed.

    Args:
        picture_bytes: What its pictures may take, about.
        overwrite: Replace a file that is there and differs.

    Raises:
        SpecError: Where the file cannot be written.
        ResultExists: Where one is there that differs.
        NoSpace: Where the disk is full.
    """
    delivery = Delivery(target.parent, overwrite=overwrite, option="--single-file")
    delivery.prepare()
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    pictures = [path for path in files if path.suffix.lower() in _PICTURES]
    whole = [path for path in pictures if _whole(path) == path]
    edge = _edge(whole, picture_bytes)
    data = [_scaled(path, edge) for path in whole]
    longest = max((_longest(path) for path in whole), default=0)
    places = {path: number for number, path in enumerate(whole)}
    drawings = [path for path in files if path.suffix.lower() in _DRAWINGS]
    scripts = _texts(folder, files, ".js")
    carried = {
        "pages": _texts(folder, [path for path in files if path.parent == folder], ".html"),
        "scripts": scripts,
        "pictures": {
            **{_name(folder, path): places[_whole(path)] for path in pictures},
            **{_name(folder, path): len(data) + number for number, path in enumerate(drawings)},
        },
        "data": [*data, *(_address(_DRAWINGS[path.suffix.lower()], path.read_bytes()) for path in drawings)],
        "files": _texts(folder, [path for path in files if path.parent == folder], ".csv"),
        "note": _note(edge if longest > edge else None),
    }
    text = _document(carried, scripts.values(), _texts(folder, files, ".css").values(), _icon(drawings))
    delivery.write(text.encode(), target.name)
    return SingleFile(target, target.stat().st_size, len(whole), edge if longest > edge else None)


def single_file_policy(scripts: Iterable[str]) -> str:
    """Return what the file may do, as a content security policy: run just these scripts, and load nothing at all.

    Style elements are allowed: the one in the file, and those that Plotly writes.
    """
    hashes = " ".join(f"'sha256-{_sha256(text)}'" for text in dict.fromkeys(scripts))
    return (
        f"default-src 'none'; script-src {hashes}; img-src data:; style-src 'unsafe-inline'; "
        "base-uri 'none'; form-action 'none'"
    )


def _document(carried: Mapping[str, Any], scripts: Iterable[str], styles: Iterable[str], icon: str) -> str:
    own = (_SHELL / "page.js").read_text(encoding="utf-8")
    style = "\n".join(styles)
    if "</style" in style.lower() or "</script" in own.lower():
        raise ValueError("a style sheet or the file's own script would end its element")
    environment = Environment(loader=FileSystemLoader(_SHELL), autoescape=True, undefined=StrictUndefined)
    environment.policies["json.dumps_kwargs"] = {"allow_nan": False, "separators": (",", ":")}
    return environment.get_template("page.html.jinja").render(
        policy=single_file_policy([own, *scripts]),
        title=_title(carried),
        icon=icon,
        style=Markup(style),
        carried=carried,
        script=Markup(own),
    )


def _title(carried: Mapping[str, Any]) -> Markup:
    """Return the title that is shown until the page is built, escaped already."""
    found = re.search(r"<title>(.*?)</title>", carried["pages"].get(str(INDEX), ""), re.DOTALL)
    return Markup(found[1] if found else "Report")


def _note(edge_px: int | None) -> str:
    said = "Pictures are compressed" if edge_px is None else f"Pictures are scaled down to at most {edge_px} pixels"
    return f"This is a report in one file. {said}: judge details, and differences, by the report's folder."


def _edge(pictures: list[Path], allowed: int) -> int:
    """Return the largest edge at which all pictures take no more than is allowed, judged by some of them."""
    sample = pictures[:: max(1, len(pictures) // _SAMPLE)]
    for edge in _EDGES_PX[:-1]:
        taken = sum(len(_scaled(path, edge)) for path in sample)
        if not sample or taken * len(pictures) / len(sample) <= allowed:
            return edge
    return _EDGES_PX[-1]


def _scaled(path: Path, edge: int) -> str:
    with Image.open(path) as opened:
        small = opened.convert("RGB")
    small.thumbnail((edge, edge), reducing_gap=2.0)
    stream = io.BytesIO()
    small.save(stream, "WEBP", quality=_QUALITY, method=4)
    return _address("image/webp", stream.getvalue())


def _longest(path: Path) -> int:
    with Image.open(path) as opened:
        return max(opened.size)


def _whole(path: Path) -> Path:
    """Return the picture that a thumbnail is of, where it is one: in one file they are the same."""
    stem = path.with_suffix("")
    if stem.suffix != _THUMBNAIL:
        return path
    found = [stem.with_suffix(ending) for ending in sorted(_PICTURES) if stem.with_suffix(ending).is_file()]
    return found[0] if found else path


def _icon(drawings: list[Path]) -> str:
    return next((_address("image/svg+xml", path.read_bytes()) for path in drawings if path.name.startswith("icon")), "")


def _address(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"


def _texts(folder: Path, files: Iterable[Path], ending: str) -> dict[str, str]:
    return {_name(folder, path): path.read_text(encoding="utf-8") for path in files if path.suffix == ending}


def _name(folder: Path, path: Path) -> str:
    """Return a file's address inside the report, as pages write it."""
    return quote(path.relative_to(folder).as_posix())


def _sha256(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
