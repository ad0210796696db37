"""What was measured once, elsewhere, beside a peer: for notebooks that cannot take that long."""

import json
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from typing import Any

from mlsd_lab.course.units import number
from mlsd_lab.errors import ConfigError


@dataclass(frozen=True)
class Stored:
    """A row of `make bench`: what ours took, what the peer took on the same input, when, where, and how to repeat it.

    >>> Stored({"name": "sums", "ours": {"median": 2.0}, "peer": None, "ratio": None, "date": "2026-11-23",
    ...         "machine": {"cores": 2}, "command": "python -m benchmarks run sums"})
    sums: 2 s. Measured on 23 November 2026, 2 cores; again: python -m benchmarks run sums
    """

    row: dict[str, Any]

    @property
    def seconds(self) -> float:
        """The median of ours."""
        return float(self.row["ours"]["median"])

    def __repr__(self) -> str:
        row = self.row
        said = f"{row['name']}: {number(self.seconds)} s"
        if row["peer"] is not None:
            peer, ratio = row["peer"], number(row["ratio"])
            said += f", {peer['name']} {number(peer['seconds']['median'])} s, {ratio} × ours"
        date = datetime.fromisoformat(row["date"])
        where = f"Measured on {date.day} {date:%B %Y}, {row['machine']['cores']} cores"
        return f"{said}. {where}; again: {row['command']}"


def stored(name: str) -> Stored:
    """Return the last result of a benchmark by its name, as it lies in the package.

    >>> stored("no_such_row")
    Traceback (most recent call last):
    mlsd_lab.errors.ConfigError: expected a benchmark of ..., found 'no_such_row'
    """
    rows = {
        row["name"]: row for row in json.loads(files("mlsd_lab.course").joinpath("measured.json").read_text("utf-8"))
    }
    if name not in rows:
        raise ConfigError(f"expected a benchmark of {', '.join(rows)}, found {name!r}")
    return Stored(rows[name])
