"""The lines of a conformance run: what an attempt, a comparison of two, or a rule says, about one subject."""

from collections.abc import Iterable, Iterator

from orchestrator.conformance.answers import Wrong, difference
from orchestrator.conformance.check_line import Check, Outcome, failed
from orchestrator.conformance.trial import Attempt
from orchestrator.errors import InputInvalid
from orchestrator.execute.classify import shortened
from orchestrator.store.store import Artifact

_ABOVE = "read the lines above, which its log ends with"
_WORDS = 200
"""Of a refusal, how many letters are shown: it may name hundreds of tensors."""


class CheckLines:
    """Makes the lines about one subject.

    Args:
        subject: Such as 'program my-method'.
    """

    def __init__(self, subject: str) -> None:
        self._subject = subject

    def line(self, title: str, outcome: Outcome, words: str = "", remedy: str | None = None) -> Check:
        """Return a line."""
        return Check(self._subject, title, outcome, words, remedy)

    def wrong(self, title: str, words: str, remedy: str | None) -> Check:
        """Return the line of something that does not hold."""
        return Check(self._subject, title, "failed", words, remedy)

    def not_checked(self, titles: Iterable[str], why: str) -> Iterator[Check]:
        """Yield the lines of what was not looked at, for one reason."""
        yield from (self.line(title, "not checked", why) for title in titles)

    def missing(self, title: str, attempt: Attempt) -> Check:
        """Return the line of an attempt that left nothing."""
        assert attempt.error is not None
        return failed(self._subject, title, attempt.error, _ABOVE)

    def same(self, title: str, artifact: Artifact, attempt: Attempt, remedy: str) -> Check:
        """Return whether an attempt left the bits of an artifact."""
        if attempt.artifact is None:
            return self.missing(title, attempt)
        differing = difference(artifact, attempt.artifact)
        return self.wrong(title, f"other bits in {differing}", remedy) if differing else self.line(title, "passed")

    def rule(self, title: str, problems: Iterator[Wrong]) -> Check:
        """Return the line of a rule; of several mistakes the first remedy is told, and the number of the others."""
        wrong = list(problems)
        if not wrong:
            return self.line(title, "passed")
        words, remedy = wrong[0]
        more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
        return self.wrong(title, words + more, remedy)

    def refusal(self, title: str, attempt: Attempt, accepted: str, remedy: str) -> Check:
        """Return whether an attempt was refused as a bad input is.

        Args:
            accepted: What is wrong where it was not refused, in words.
        """
        match attempt.error:
            case InputInvalid() as error:
                return self.line(title, "passed", shortened(error.message, _WORDS))
            case None:
                return self.wrong(title, accepted, remedy)
            case error:
                return self.wrong(title, f"it ended with '{error.message}', and not as with a bad input", remedy)
