"""What a ranker learns from: rows of a user and a video at a moment, with what came of it."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mlsd_lab.datasets import Log
from mlsd_lab.evaluation import NOBODY, Split
from mlsd_lab.retrieval import ALS


@dataclass(frozen=True)
class Examples:
    """Label rows for `training_set`, their labels, and the group (one request) that each row belongs to.

    `rows` has `user_id`, `video_id`, `as_of`, `surface`, `retrieval_score`; `negatives` names where the rows without
    success come from: `exposures`, shown and left, or `retrieved`, found by the retriever and never shown.

    >>> len(Examples(pd.DataFrame({"user_id": ["ann"]}), np.array([1.0]), np.array([0]), "exposures").labels)
    1
    """

    rows: pd.DataFrame
    labels: NDArray[np.float64]
    groups: NDArray[np.int64]
    negatives: Literal["exposures", "retrieved"]

    def sampled(self, most: int, seed: int) -> "Examples":
        """Return all rows, or whole groups drawn at random, in their order, that have at most so many.

        >>> rows = pd.DataFrame({"user_id": ["ann", "ann", "bob", "bob"]})
        >>> Examples(rows, np.zeros(4), np.array([0, 0, 1, 1]), "exposures").sampled(3, seed=0).rows.user_id.tolist()
        ['ann', 'ann']
        """
        if len(self.labels) <= most:
            return self
        names, group, sizes = np.unique(self.groups, return_inverse=True, return_counts=True)
        order = np.random.default_rng(seed).permutation(len(names))
        keep = np.isin(group, order[np.cumsum(sizes[order]) <= most])
        return Examples(self.rows[keep], self.labels[keep], self.groups[keep], self.negatives)


def from_exposures(log: Log, retriever: ALS) -> Examples:
    """Make a row of each exposure; a user's local day is a group, asked for at its first exposure.

    All rows of a group share that moment as `as_of`, as the candidates of one slate do: a feature of the user that
    moved inside the group would be pushed down after each success. `retriever` must be fitted on earlier days only.

    >>> time = pd.to_datetime(["2026-01-01 10:00", "2026-01-01 11:00"], utc=True)
    >>> frame = pd.DataFrame({"user_id": "ann", "video_id": ["v", "w"], "occurred_at": time, "clicked": [True, False]})
    >>> log = Log.from_frames(frame)
    >>> examples = from_exposures(log, ALS(factors=2).fit(log))
    >>> examples.labels.tolist(), examples.rows.as_of.dt.hour.tolist()
    ([1.0, 0.0], [10, 10])
    """
    events = log.events
    user, video = events["user_id"].cat.codes.to_numpy(), events["video_id"].cat.codes.to_numpy()
    groups = pd.DataFrame({"user": user, "day": log.days().to_numpy()}).groupby(["user", "day"]).ngroup().to_numpy()
    rows = pd.DataFrame(
        {
            "user_id": events["user_id"].astype(object),
            "video_id": events["video_id"].astype(object),
            "as_of": events["occurred_at"].groupby(groups).transform("min"),
            "surface": events["surface"].astype(object) if "surface" in events else None,
            "retrieval_score": retriever.scores(user, video),
        }
    )
    return Examples(rows, log.relevant.to_numpy(np.float64), groups, "exposures")


def from_candidates(split: Split, retriever: ALS, k: int) -> Examples:
    """Make a row of each candidate of each test user, found by a retriever fitted on the split's training events.

    A candidate is a success when it is among the user's relevant test events; the moment is the first of these. For
    logs without exposures. A user of whose relevant test videos none was found is kept, without a success.

    >>> time = pd.to_datetime(["2026-01-01", "2026-01-02", "2026-01-03"], utc=True)
    >>> frame = pd.DataFrame({"user_id": "ann", "video_id": ["a", "b", "c"], "occurred_at": time, "rating": 5.0})
    >>> from mlsd_lab.evaluation import leave_last_out
    >>> split = leave_last_out(Log.from_frames(frame))
    >>> from_candidates(split, ALS(factors=2, regularization=0.1).fit(split.train), k=5).labels.tolist()
    [1.0]
    """
    log, seen = split.train, split.train.matrix()
    test = split.test.events[split.test.relevant.to_numpy()]
    moment = test.groupby(test["user_id"].cat.codes)["occurred_at"].min()
    users = moment.index.to_numpy()
    found = retriever.retrieve(users, k, seen)
    row, column = np.nonzero(found.videos != NOBODY)
    user, video = users[row], found.videos[row, column]
    wanted = set(zip(test["user_id"].cat.codes.tolist(), test["video_id"].cat.codes.tolist(), strict=True))
    labels = [(u, v) in wanted for u, v in zip(user.tolist(), video.tolist(), strict=True)]
    rows = pd.DataFrame(
        {
            "user_id": log.users["user_id"].astype(object).to_numpy()[user],
            "video_id": log.videos["video_id"].astype(object).to_numpy()[video],
            "as_of": moment.array[row],
            "surface": None,
            "retrieval_score": retriever.scores(user, video),
        }
    )
    return Examples(rows, np.array(labels, dtype=np.float64), row.astype(np.int64), "retrieved")
