"""What a check of a log found."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Verdict:
    """How far a log can be trusted, as `ChainedLog.verify` says it.

    >>> Verdict(entries=2, receipt="2 ab…", broken="", mended=()).sound
    True
    """

    entries: int
    """That follow one from the other, from the first on."""
    receipt: str
    """Number and SHA-256 of the last of them: kept elsewhere it proves later that all up to here are as they were."""
    broken: str
    """What is wrong and where, empty where nothing is."""
    mended: tuple[str, ...]
    """Where a crash or a power cut took something, each a sentence."""

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.broken
