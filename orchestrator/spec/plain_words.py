"""Counted things in words, and what a library says of a wrong value without its own words; imports nothing."""

_PREFIXES = ("Value error, ", "Assertion failed, ")
_SHOULD = "Input should be "


def plain_words(message: str) -> str:
    """Return pydantic's message for one mistake in plain words, as the end of 'Invalid value for X: ...'."""
    for prefix in _PREFIXES:
        message = message.removeprefix(prefix)
    return f"it must be {message.removeprefix(_SHOULD)}" if message.startswith(_SHOULD) else message


def count(number: int, singular: str, plural: str | None = None) -> str:
    """Return '1 picture', '12 pictures' or '1,234,567 parameters'."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"
