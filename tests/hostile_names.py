"""Names that no file and no stage may lead anybody by, for all tests of what lies inside a folder."""

import pytest

OUTSIDE = [
    pytest.param("", id="empty"),
    pytest.param(".", id="itself"),
    pytest.param("..", id="parent"),
    pytest.param("../a", id="beside"),
    pytest.param("a/../../b", id="down-and-out"),
    pytest.param("a/../b", id="down-and-up"),
    pytest.param("/etc/hostname", id="absolute"),
    pytest.param("//a", id="two-slashes"),
    pytest.param("a//b", id="empty-part"),
    pytest.param("a/", id="slash-at-end"),
    pytest.param("./a", id="dot"),
    pytest.param("a/./b", id="dot-inside"),
    pytest.param("a\0b", id="nul"),
    pytest.param("a\nb", id="line-end"),
    pytest.param("a\x1b[31mb", id="escape"),
    pytest.param("a\x9bb", id="escape-of-8-bits"),
    pytest.param("a\x7f", id="delete"),
    pytest.param("a" * 256, id="long"),
    pytest.param("ä" * 128, id="long-in-bytes"),
]
"""No paths inside a folder."""

NOT_PLAIN = [
    *OUTSIDE,
    pytest.param("a/b", id="two-parts"),
    pytest.param("a\\b", id="backslash"),
    pytest.param("C:a", id="drive"),
    pytest.param(".hidden", id="hidden"),
    pytest.param("-rf", id="option"),
    pytest.param("~", id="home"),
    pytest.param("a b", id="space"),
    pytest.param("a*", id="glob"),
    pytest.param("[red]a", id="markup"),
    pytest.param("u\u0308", id="letter-and-mark-apart"),
    pytest.param("\u0301a", id="mark-on-nothing"),
    pytest.param("a\u200bb", id="invisible"),
    pytest.param("a\ufe0f", id="variation"),
    pytest.param("a\u3164", id="invisible-letter"),
    pytest.param("a\u3000b", id="wide-space"),
    pytest.param("a\uff0fb", id="wide-slash"),
    pytest.param("窗" * 65, id="long-id-in-bytes"),
    pytest.param("a\u202eb", id="right-to-left"),
    pytest.param("a" * 129, id="long-id"),
]
"""No ids, and no names that files are called after."""
