"""What a library says of a wrong value, without the words that are the library's own; imports nothing."""

_PREFIXES = ("Value error, ", "Assertion failed, ")
_SHOULD = "Input should be "


def plain_words(message: str) -> str:
    """Return pydantic's message for one mistake in plain words, as the end of 'Invalid value for X: ...'."""
    for prefix in _PREFIXES:
        message = message.removeprefix(prefix)
    return f"it must be {message.removeprefix(_SHOULD)}" if message.startswith(_SHOULD) else message
