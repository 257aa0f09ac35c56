"""Text from outside, made such that what is seen is what is there."""

_HIDDEN = dict.fromkeys(
    [
        *range(9),
        11,
        12,
        *range(14, 32),
        *range(0x7F, 0xA0),
        *range(0x200E, 0x2010),
        *range(0x202A, 0x202F),
        *range(0x2066, 0x206A),
        *range(0xD800, 0xE000),
    ],
    "\ufffd",
)
"""Control characters, those that turn the direction of what follows, and halves of characters: a name could turn the
number beside it, or speak to the terminal."""


def visible(text: str) -> str:
    """Return a text with a sign in the place of each character that hides or turns others, or that no file can hold."""
    return text.translate(_HIDDEN)
