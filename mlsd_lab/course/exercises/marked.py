"""A learner's mask, in whatever clothes it comes: arrays, lists, ones and zeros."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]


def marked(returned: Any, rows: int, likely: Mapping[int, str], whose: str) -> Mask | str:
    """Return an answer as a mask of so many rows, or a sentence that says what it is instead.

    `likely` says what a wrong number of entries may be the number of, `whose` ends the sentence on that.

    >>> marked([True, False], 2, {}, ".").tolist()
    [True, False]
    >>> marked([True], 2, {1: "is how many are late"}, ".")
    '1 entries for 2 rows: 1 is how many are late; a mask keeps the place of every row.'
    """
    asked = f"expected True or False for each of the {rows} rows, found"
    if returned is None:
        return f"{asked} nothing (is a return missing?)."
    try:
        found = np.asarray(returned)
    except (TypeError, ValueError, OverflowError):
        return f"{asked} {type(returned).__name__}."
    if found.ndim != 1:
        shape = f"an array of shape {found.shape}" if found.ndim else type(returned).__name__
        return f"{asked} {shape}."
    if found.dtype == object and len(found) and all(isinstance(entry, bool | np.bool_) for entry in found):
        found = found.astype(bool)
    if found.dtype.kind in "iu" and len(found) == rows and np.isin(found, (0, 1)).all():
        found = found.astype(bool)
    if found.dtype.kind in "iu":
        return f"{found.tolist()[:rows]} looks like a list of row numbers: {asked} {len(found)} whole numbers."
    if found.dtype != bool:
        return f"{asked} {len(found)} entries of type {found.dtype}."
    if len(found) != rows:
        which = f"{len(found)} {likely[len(found)]}; " if len(found) in likely else ""
        return f"{len(found)} entries for {rows} rows: {which}a mask keeps the place of every row{whose}"
    return found


def mistaken(mask: Mask, right: Mask, confusions: Mapping[str, Mask]) -> tuple[int, str]:
    """Return the first row that a wrong mask judges wrongly, and the confusion that marks just the same, "" for none.

    >>> mistaken(np.array([True, True]), np.array([True, False]), {"all": np.array([True, True])})
    (1, 'all')
    """
    row = int(np.flatnonzero(mask != right)[0])
    return row, next((name for name, found in confusions.items() if (mask == found).all()), "")
