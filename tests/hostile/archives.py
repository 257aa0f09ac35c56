"""Archives that lead elsewhere, are something else, or hold far more than they seem to."""

import bz2
import gzip
import io
import lzma
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from functools import partial

from tests.hostile.guarded import Place
from tests.hostile.row import Arguments, Row

PICTURE = b"\x89PNG\r\n\x1a\n"
Content = Callable[[], bytes]


def given(name: str, content: Content, place: Place) -> Arguments:
    """Write an archive, and take it as a dataset of one's own."""
    (place.given / name).write_bytes(content())
    return ["data", "add", place.given / name, "--name", "own"]


def zipped(files: Mapping[str, bytes], link: str = "", *, compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return a zip archive of files, before which stands a link `inner` where its target is given."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        if link:
            info = zipfile.ZipInfo("inner")
            info.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(info, link)
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


def tarred(files: Mapping[str, bytes], *others: tarfile.TarInfo) -> bytes:
    """Return a tar archive of other members and then files."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for other in others:
            archive.addfile(other)
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return stream.getvalue()


def member(kind: bytes, target: str = "", name: str = "inner", size: int = 0) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, target, size
    return info


def renamed_by_header(name: str) -> bytes:
    """Return a tar archive in which an extended header gives a harmless member another name."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive:
        info = tarfile.TarInfo("harmless.png")
        info.pax_headers = {"path": name}
        info.size = len(PICTURE)
        archive.addfile(info, io.BytesIO(PICTURE))
    return stream.getvalue()


def encrypted() -> bytes:
    content = bytearray(zipped({"a.png": PICTURE}))
    for magic, flags in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        content[content.index(magic) + flags] |= 1
    return bytes(content)


def by_unknown_method() -> bytes:
    content = bytearray(zipped({"a.png": PICTURE}))
    for magic, method in ((b"PK\3\4", 8), (b"PK\1\2", 10)):
        content[content.index(magic) + method] = 97
    return bytes(content)


def other_checksum() -> bytes:
    content = zipped({"a.png": PICTURE}, compression=zipfile.ZIP_STORED)
    right = zlib.crc32(PICTURE)
    return content.replace(struct.pack("<I", right), struct.pack("<I", right ^ 1))


def lying_size() -> bytes:
    """Return a zip archive of ten million zeros that says that they are ten."""
    content = zipped({"a.png": bytes(10**7)})
    return content.replace((10**7).to_bytes(4, "little"), (10).to_bytes(4, "little"))


def million_members() -> bytes:
    """Return a zip archive whose table names one member a million times."""
    content = zipped({"a": b""})
    start, end = content.index(b"PK\1\2"), content.index(b"PK\5\6")
    table = content[start:end] * 2**20
    tail = bytearray(content[end:])
    struct.pack_into("<I", tail, 12, len(table))
    return content[:start] + table + bytes(tail)


def claims_gigabytes() -> bytes:
    info = member(tarfile.REGTYPE, name="a.png", size=2**45)
    return info.tobuf(tarfile.GNU_FORMAT) + bytes(1024)


def endless_name() -> bytes:
    info = member(tarfile.GNUTYPE_LONGNAME, name="././@LongLink", size=2**33)
    return gzip.compress(info.tobuf(tarfile.GNU_FORMAT) + b"a" * 4096)


def zeros(pack: Callable[[bytes], bytes], mebibytes: int) -> bytes:
    """Return a packed tar archive of one file of zeros, without ever holding it."""
    return pack(tarred({"a.png": bytes(mebibytes * 2**20)}))


OUTSIDE = "../decoys/decoy.png"


def rows() -> Iterator[Row]:
    """Yield what archives may hold, in each of their forms."""
    yield from _leading_out()
    yield from _links_and_devices()
    yield from _too_much()
    yield from _something_else()


def _row(name: str, tried: str, content: Content, said: str, id_: str) -> Row:
    return Row(f"archive-{id_}", tried, "data add", partial(given, name, content), said)


def _leading_out() -> Iterator[Row]:
    names = {
        "parent": "../../../decoys/decoy.png",
        "absolute": "/var/decoy.png",
        "down-and-out": "a/../../../../decoys/decoy.png",
        "backslashes": "..\\..\\decoys\\decoy.png",
        "drive": "C:\\decoy.png",
    }
    for word, name in names.items():
        for end, pack in (("zip", zipped), ("tar", tarred)):
            content = partial(pack, {"good.png": PICTURE, name: PICTURE})
            yield _row(
                f"a.{end}", f"write where it must not ({word})", content, "leads out|absolute path", f"{end}-{word}"
            )
    content = partial(renamed_by_header, "../../../decoys/decoy.png")
    yield _row("a.tar", "write outside by a name in an extended header", content, "leads out", "tar-pax-name")
    odd = {"escape": "a\x1b[2Jb.png", "line-end": "a\nerror[x]: b.png", "right-to-left": "a\u202egnp.b"}
    for word, name in odd.items():
        content = partial(zipped, {name: PICTURE})
        said = "control character|no picture|none of the" if word != "right-to-left" else ""
        yield _row("a.zip", "speak to the terminal by a member's name", content, said, f"zip-name-{word}")
    content = partial(zipped, {"a" * 5000: PICTURE})
    yield _row("a.zip", "be named by 5,000 letters", content, "part of more than 255 bytes|name", "zip-name-long")


def _links_and_devices() -> Iterator[Row]:
    link = partial(zipped, {"inner/decoy.png": PICTURE}, "../../../decoys")
    yield _row("a.zip", "write through a link that it brings", link, "holds a link", "zip-link")
    kinds = {
        "link": (tarfile.SYMTYPE, "holds a link"),
        "hard-link": (tarfile.LNKTYPE, "holds a link"),
        "device": (tarfile.CHRTYPE, "special file"),
        "pipe": (tarfile.FIFOTYPE, "special file"),
        "sparse": (tarfile.GNUTYPE_SPARSE, "special file"),
    }
    for word, (kind, said) in kinds.items():
        content = partial(tarred, {"inner/decoy.png": PICTURE}, member(kind, "../../../decoys"))
        yield _row("a.tar", f"bring a {word} and write through it", content, said, f"tar-{word}")


def _too_much() -> Iterator[Row]:
    yield _row("a.zip", "unfold to a million times what it says", lying_size, "damaged or cut off", "zip-lying-size")
    yield _row("a.zip", "have a table of a million members", million_members, "has a header of", "zip-table")
    yield _row("a.tar", "claim to hold 32 TiB", claims_gigabytes, "bytes|damaged|free", "tar-claim")
    yield _row("a.tar.gz", "have a header of 8 GiB", endless_name, "has a header of", "tar-header")
    packers: Mapping[str, Callable[[bytes], bytes]] = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}
    for end, pack in packers.items():
        content = partial(zeros, pack, 64)
        yield _row(
            f"a.tar.{end}", "unfold 64 MiB out of a few KiB", content, "no picture|none|pairs|holds", f"tar-{end}-zeros"
        )


def _something_else() -> Iterator[Row]:
    whole = partial(zipped, {"a.png": bytes(range(256)) * 40})
    others: Mapping[str, tuple[str, Content, str]] = {
        "empty": ("a.zip", bytes, "is empty"),
        "page": ("a.zip", lambda: b"<!DOCTYPE html><html>please log in</html>", "web page"),
        "cut": ("a.zip", lambda: whole()[:400], "damaged or cut off"),
        "tar-cut": ("a.tar", lambda: tarred({"a.png": bytes(5000)})[:2000], "damaged or cut off"),
        "encrypted": ("a.zip", encrypted, "is encrypted"),
        "unknown-method": ("a.zip", by_unknown_method, "compress|method|damaged"),
        "other-checksum": ("a.zip", other_checksum, "damaged"),
        "rar": ("a.rar", lambda: b"Rar!\x1a\x07\x01\0" + bytes(50), "RAR"),
        "7z": ("a.7z", lambda: b"7z\xbc\xaf\x27\x1c" + bytes(50), "7z"),
        "zip-named-rar": ("a.rar", whole, "is a zip archive, whatever its name says.* rename it to a.zip"),
        "zip-named-7z": ("a.7z", whole, "is a zip archive, whatever its name says"),
        "zip-named-tar": ("a.tar", whole, "zip"),
        "zeros": ("a.zip", lambda: bytes(5000), "damaged|no archive"),
        "table-at-the-end-only": ("a.zip", lambda: b"PK\5\6" + b"\xff" * 18, "damaged"),
    }
    for word, (name, content, said) in others.items():
        yield _row(name, f"be taken for a good archive ({word})", content, said, word)
