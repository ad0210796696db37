"""A sentence that the measurement picks: both are written, one is shown."""

import os
from dataclasses import dataclass
from html import escape

from mlsd_lab.course.live import Verdict
from mlsd_lab.errors import ConfigError

_STEADY = 3.0  # times from the threshold, measured when the notebooks are built


@dataclass(frozen=True)
class Claim:
    """The sentence that holds; between ⟨ ⟩ where it may differ from run to run.

    >>> Claim("4.1", True, "Annoy is the faster one.", live=True)
    ⟨Annoy is the faster one.⟩
    """

    key: str
    holds: bool
    sentence: str
    live: bool

    def __repr__(self) -> str:
        return f"⟨{self.sentence}⟩" if self.live else self.sentence

    def _repr_html_(self) -> str:
        return f"<p>{escape(repr(self))}</p>"  # plain text would be broken inside words


def claim(key: str, verdict: object, yes: str, no: str, steady: bool = False) -> Claim:
    """Return `yes` or `no` as the verdict has it: a bool from pinned numbers, or a `Verdict` on a live one.

    A live sentence is masked unless it is `steady`: at least 3 × from its threshold, which the notebook build checks.
    Raises `ConfigError` for a verdict of another kind, and in the build for one that is called steady and is not.

    >>> claim("4.1", 0.39 > 0.3, yes="More than popularity finds.", no="Popularity finds as much.")
    More than popularity finds.
    """
    live = isinstance(verdict, Verdict)
    if not live and type(verdict).__name__ not in ("bool", "bool_"):
        raise ConfigError(f"{key}: expected True, False or the comparison of a live number, found {verdict!r}")
    building = os.environ.get("MLSD_LAB_BUILD") == "1"
    if isinstance(verdict, Verdict) and steady and building and verdict.margin < _STEADY:
        raise ConfigError(
            f"{key}: expected a margin of {_STEADY:g} × for a steady claim, found {verdict.margin:.2f} ×; "
            "leave out steady=True or claim less"
        )
    holds = bool(verdict)
    return Claim(key, holds, yes if holds else no, live and not steady)
