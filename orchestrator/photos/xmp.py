"""XMP data of a result: that of its photograph, without what it tells of further pictures that its file held."""

from xml.dom import minidom
from xml.parsers.expat import ExpatError

_ATTACHED = (
    "http://ns.adobe.com/hdr-gain-map/1.0/",
    "http://ns.apple.com/HDRGainMap/1.0/",
    "http://ns.google.com/photos/1.0/container/",
    "http://ns.google.com/photos/1.0/container/item/",
)
"""Namespaces of properties that tell of gain maps and of other pictures behind the first.

Source: Android, Ultra HDR image format 1.1; Adobe, Gain map specification 1.0.
"""
_CAMERA = "http://ns.google.com/photos/1.0/camera/"
_MOVING = ("MotionPhoto", "MicroVideo")
"""How names of properties begin that tell of a film behind the picture. Source: Android, Motion photo format 1.0."""


def without_attachments(xmp: bytes) -> bytes | None:
    """Return XMP data without properties of what a result does not hold; None where those cannot be taken out.

    Data that tell of nothing of this kind come back as they are, damaged ones too.
    """
    if not any(space.encode() in xmp for space in (*_ATTACHED, _CAMERA)):
        return xmp
    if b"<!DOCTYPE" in xmp or b"<!ENTITY" in xmp:
        return None
    try:
        # Some programs fill the end with zero bytes.
        return _freed(minidom.parseString(xmp.rstrip(b"\0")))
    except (ExpatError, RecursionError, ValueError):
        return None


def _freed(document: minidom.Document) -> bytes:
    elements: list[minidom.Element] = list(document.getElementsByTagName("*"))
    for element in elements:
        for attribute in list(element.attributes.values()):
            if _is_attached(attribute) or _declares_attached(attribute):
                element.removeAttributeNode(attribute)
    for element in elements:
        if _is_attached(element) and element.parentNode is not None:
            element.parentNode.removeChild(element)
    return b"".join(node.toxml().encode() for node in document.childNodes)


def _is_attached(node: minidom.Element | minidom.Attr) -> bool:
    name = node.localName or ""
    return node.namespaceURI in _ATTACHED or (node.namespaceURI == _CAMERA and name.startswith(_MOVING))


def _declares_attached(attribute: minidom.Attr) -> bool:
    return attribute.name.startswith("xmlns") and attribute.value in _ATTACHED
