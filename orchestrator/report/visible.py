"""Text from outside, made such that what is seen is what is there."""

_HIDDEN = dict.fromkeys(
    [*range(9), 11, 12, *range(14, 32), 127, *range(0x202A, 0x202F), *range(0x2066, 0x206A)], "\ufffd"
)
"""Control characters, and those that turn the direction of what follows: a name could turn the number beside it."""


def visible(text: str) -> str:
    """Return a text with a sign in the place of each character that hides or turns others."""
    return text.translate(_HIDDEN)
