"""The one exception of readers that take files apart; who calls them tells the user which file it was."""


class Malformed(Exception):
    """What is read is not in its form, or one of its parts contradicts another."""
