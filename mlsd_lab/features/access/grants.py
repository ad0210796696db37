"""Who may read what: the sum of all grants and revocations so far."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mlsd_lab.features.catalogue import Catalogue

if TYPE_CHECKING:
    import pandas as pd


class Grants:
    """Columns by role and catalogue; what is not here is not allowed.

    >>> from mlsd_lab.features.feed import FEED
    >>> grants = Grants([{"what": "grant", "role": "analyst", "catalogue": "feed", "columns": ["user_relevant_7d"],
    ...                   "personal": []}])
    >>> grants.refused("analyst", FEED, ["user_relevant_7d"])  # granted when it was not personal
    ('user_relevant_7d',)
    """

    def __init__(self, entries: Iterable[Mapping[str, Any]]) -> None:
        self.changes = 0
        self._columns: dict[tuple[str, str], dict[str, bool]] = {}  # whether the column was granted as personal
        for entry in entries:
            self.changes += 1
            if entry["what"] == "grant":
                held = self._columns.setdefault((entry["role"], entry["catalogue"]), {})
                held.update({column: column in entry.get("personal", ()) for column in entry["columns"]})
            elif entry["what"] == "revoke":
                for column in entry["columns"]:
                    self._columns.get((entry["role"], entry["catalogue"]), {}).pop(column, None)

    def of(self, role: str, catalogue: str) -> tuple[str, ...]:
        """Return the columns that a role was granted of a catalogue of this name."""
        return tuple(self._columns.get((role, catalogue), {}))

    def roles(self, catalogue: str) -> tuple[str, ...]:
        """Return the roles that may read something of a catalogue of this name."""
        return tuple(sorted(role for (role, name), held in self._columns.items() if name == catalogue and held))

    def refused(self, role: str, catalogue: Catalogue, columns: Sequence[str]) -> tuple[str, ...]:
        """Return those of some columns that the role may not read: not granted, or personal and not granted as such."""
        held, personal = self._columns.get((role, catalogue.name), {}), catalogue.personal
        return tuple(c for c in columns if c not in held or (c in personal and not held[c]))

    def to_frame(self) -> "pd.DataFrame":
        """Return a row a role and column."""
        import pandas as pd

        rows = [
            (role, catalogue, column, personal)
            for (role, catalogue), held in sorted(self._columns.items())
            for column, personal in held.items()
        ]
        return pd.DataFrame(rows, columns=["role", "catalogue", "column", "personal"])
