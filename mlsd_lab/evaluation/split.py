"""Divides a log into what a system may learn from and what it is judged on."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from mlsd_lab.datasets import Log
from mlsd_lab.errors import ConfigError, DataError

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


_TIME = {
    "by_day": "nothing known after the test began is in training",
    "leave_last_out": "within a person only the past is in training; of other people, also what came later",
    "shuffled": "the future is in training",
}


@dataclass(frozen=True)
class Split:
    """Training and test events of one log, how they were divided, and how many events are in neither.

    >>> from mlsd_lab.datasets import Log
    >>> import pandas as pd
    >>> times = pd.to_datetime(["2026-01-01 10:00", "2026-01-02 10:00", "2026-01-03 10:00"], utc=True)
    >>> log = Log.from_frames(pd.DataFrame({"user_id": "ann", "video_id": ["a", "b", "c"], "occurred_at": times}))
    >>> split = by_day(log)
    >>> len(split.train.events), len(split.test.events), split.left_out
    (2, 1, 0)
    """

    kind: str
    train: Log
    test: Log
    left_out: int
    """Events in neither: not yet known when the test began, or later than a user's held-out event."""

    def relevant(self) -> "csr_matrix":
        """Return the relevant test videos of each user, as sparse users × videos, without those seen in training.

        A seen-filter never returns the latter, so no list could hold them.
        """
        from scipy.sparse import csr_matrix

        test = self.test.with_events(self.test.events[self.test.relevant.to_numpy()]).matrix() > 0
        unseen = csr_matrix(test > test.multiply(self.train.matrix() > 0))
        unseen.eliminate_zeros()
        return unseen

    def summary(self) -> dict[str, str | int]:
        """Return the kind, what it does to time, and the number of events in each part, as a report gives them."""
        parts = {"train_events": len(self.train.events), "test_events": len(self.test.events)}
        return {"kind": self.kind, "time": _TIME[self.kind], **parts, "left_out": self.left_out}


def by_day(log: Log, days: int = 1) -> Split:
    """Test on the last local days, train on what was *known* before they began (by `known_at`).

    A watch that began before midnight and ended after it is in neither; an event that was known before the test began
    is training, even if the phone's clock says later. Raises `DataError` when one of the two is empty.

    >>> import pandas as pd
    >>> day = pd.to_datetime(["2026-01-01"], utc=True)
    >>> by_day(Log.from_frames(pd.DataFrame({"user_id": [1], "video_id": [1], "occurred_at": day})))
    Traceback (most recent call last):
    mlsd_lab.errors.DataError: expected a log of at least 2 local days, found 2026-01-01 to 2026-01-01 (UTC)
    """
    if days < 1:
        raise ConfigError(f"days: expected 1 or more test days, found {days}")
    occurred = log.days()
    first = occurred.max() - np.timedelta64(days - 1, "D")
    train = log.days("known_at") < first
    test = (occurred >= first) & ~train
    if not train.any() or not test.any():
        if len(occurred) == 0 or occurred.min() < first:
            raise DataError(f"expected events known before the last {days} local days and in them, found none")
        span = f"{occurred.min():%Y-%m-%d} to {occurred.max():%Y-%m-%d} ({log.datasheet.timezone})"
        raise DataError(f"expected a log of at least {days + 1} local days, found {span}")
    return _split("by_day", log, train.to_numpy(), test.to_numpy())


def leave_last_out(log: Log, last: int = 1) -> Split:
    """Test on each user's last relevant event (or last few), train on what that user did before them.

    For logs in which a cut in global time leaves few users with a past. What a user did after the held-out event is in
    neither; of events at one time the later `event_id` is the last. Time across users is *not* respected: say so.

    >>> import pandas as pd
    >>> times = pd.to_datetime(["2026-01-01", "2026-01-02", "2026-01-03"], utc=True)
    >>> frame = pd.DataFrame({"user_id": "ann", "video_id": ["a", "b", "c"], "occurred_at": times, "rating": [5, 4, 1]})
    >>> leave_last_out(Log.from_frames(frame)).test.events.video_id.tolist()
    ['b']
    """
    user = log.events["user_id"].cat.codes.to_numpy()
    row = np.arange(len(user))
    relevant = log.relevant.to_numpy()
    if last < 1:
        raise ConfigError(f"last: expected 1 or more held-out events a user, found {last}")
    count = np.bincount(user[relevant], minlength=len(log.users))
    order = row[relevant][np.argsort(user[relevant], kind="stable")]  # by user, each in stream order
    ends = np.cumsum(count)
    first = np.full(len(log.users), len(user))  # for users with nothing relevant: all of theirs is training
    some = count > 0
    first[some] = order[ends[some] - np.minimum(last, count[some])]
    return _split("leave_last_out", log, row < first[user], relevant & (row >= first[user]))


def shuffled(log: Log, share: float, seed: int, *, leaks: bool = False) -> Split:
    """Test on a random share of the events, which lets a system learn from the future: only to measure that leak.

    Raises `ConfigError` unless `leaks=True` says that the caller knows.

    >>> shuffled(None, share=0.1, seed=0)
    Traceback (most recent call last):
    mlsd_lab.errors.ConfigError: a random split trains on the future it is tested on; use by_day, or pass leaks=True ...
    """
    if not leaks:
        raise ConfigError(
            "a random split trains on the future it is tested on; "
            "use by_day, or pass leaks=True to measure by how much that flatters"
        )
    if not 0 < share < 1:
        raise ConfigError(f"share: expected a number between 0 and 1, found {share}")
    test = np.random.default_rng(seed).random(len(log.events)) < share
    return _split("shuffled", log, ~test, test)


def make_split(log: Log, kind: Literal["by_day", "leave_last_out"]) -> Split:
    """Divide a log in the way its datasheet names.

    >>> make_split(None, "at_random")
    Traceback (most recent call last):
    mlsd_lab.errors.ConfigError: split: expected by_day or leave_last_out, found 'at_random'
    """
    ways = {"by_day": by_day, "leave_last_out": leave_last_out}
    if kind not in ways:
        raise ConfigError(f"split: expected by_day or leave_last_out, found {kind!r}")
    return ways[kind](log)


def _split(kind: str, log: Log, train: np.ndarray, test: np.ndarray) -> Split:
    begin = int(train.sum())
    prefix = bool(train[:begin].all())  # then a view of the log will do, and no copy
    events = log.events.iloc[:begin] if prefix else log.events[train]
    return Split(kind, log.with_events(events), log.with_events(log.events[test]), int((~train & ~test).sum()))
