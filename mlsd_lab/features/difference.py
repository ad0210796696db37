"""What changed from one version of a catalogue to another, and what follows from it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlsd_lab.features.catalogue import Catalogue
from mlsd_lab.features.described import described

if TYPE_CHECKING:
    import pandas as pd

OF_VALUES = ("entity", "windows", "how", "code", "values", "default", "time_to_live")
"""Facts without which values would be others."""
BESIDE = ("owner", "unit", "tags", "personal", "meaning", "reads")


@dataclass(frozen=True)
class Change:
    """One fact of one feature, before and after.

    >>> Change("views", "owner", "ranking", "growth", of_values=False).of_values
    False
    """

    feature: str
    """Its name; "" for what is of the catalogue."""
    what: str
    """"added", "removed", or the fact: owner, windows, code …"""
    before: str
    after: str
    of_values: bool
    """Whether the values that a model reads change with it."""


@dataclass(frozen=True)
class Difference:
    """The changes between two catalogues, and whether a new store and a new model are needed.

    >>> from mlsd_lab.features.feed import FEED
    >>> found = Difference.between(FEED, Catalogue("feed", "2", FEED.features[1:]))
    >>> [(change.feature, change.what) for change in found.changes], found.values_change
    ([('', 'version'), ('user_impressions', 'removed')], True)
    """

    before: str
    """Name and version."""
    after: str
    changes: tuple[Change, ...]
    values_change: bool
    """The fingerprints differ: a store and a model made for the one do not serve the other."""

    @classmethod
    def between(cls, before: Catalogue | dict[str, Any], after: Catalogue | dict[str, Any]) -> "Difference":
        """Compare two catalogues, or what `described` said of them when their code was still there."""
        before, after = (described(one) if isinstance(one, Catalogue) else one for one in (before, after))
        changes = [
            Change("", fact, before[fact], after[fact], True)
            for fact in ("name", "version")
            if before[fact] != after[fact]
        ]
        old, new = before["features"], after["features"]
        changes += [Change(name, "removed", _columns(old[name]), "", True) for name in old if name not in new]
        stale: set[str] = set()  # columns whose values change, so that what is made of them changes too
        for name, facts in new.items():
            if name not in old:
                changes.append(Change(name, "added", "", _columns(facts), True))
                stale.update(facts["columns"])
                continue
            found = list(_changes(name, old[name], facts, stale))
            if any(change.of_values for change in found):
                stale.update(facts["columns"])
            changes += found
        kept = [name for name in old if name in new]
        if kept != (order := [name for name in new if name in old]):
            changes.append(Change("", "order", ", ".join(kept), ", ".join(order), True))
        named = [f"{one['name']} {one['version']}" for one in (before, after)]
        return cls(named[0], named[1], tuple(changes), before["fingerprint"] != after["fingerprint"])

    @property
    def verdict(self) -> str:
        """What follows, in a sentence."""
        if self.values_change:
            return "Values change: fill a store for the new one beside the old one, train on it, then move."
        return "Values stay as they are, and so do stores and models." if self.changes else "Nothing has changed."

    def to_frame(self) -> "pd.DataFrame":
        """Return a row a change."""
        import pandas as pd

        columns = ["feature", "what", "before", "after", "of_values"]
        return pd.DataFrame([vars(change) for change in self.changes], columns=columns)


def _changes(name: str, old: dict[str, Any], new: dict[str, Any], stale: set[str]) -> "list[Change]":
    found = [
        Change(name, fact, _text(old[fact]), _text(new[fact]), fact in OF_VALUES)
        for fact in (*OF_VALUES, *BESIDE)
        if old[fact] != new[fact]
    ]
    if through := [column for column in new["made_of"] if column in stale]:
        found.append(Change(name, "made_of", _text(old["made_of"]), f"{', '.join(through)} changed", True))
    return found


def _columns(facts: dict[str, Any]) -> str:
    return ", ".join(facts["columns"])


def _text(fact: Any) -> str:
    if isinstance(fact, list):
        return ", ".join(str(one) for one in fact)
    return "" if fact is None else str(fact)
