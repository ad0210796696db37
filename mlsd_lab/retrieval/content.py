"""Videos that are about what a person's videos were about: the source that needs nobody else's events."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mlsd_lab.datasets import Log
from mlsd_lab.errors import ConfigError, DataError
from mlsd_lab.retrieval.fresh import uploaded
from mlsd_lab.retrieval.from_history import FromHistory

if TYPE_CHECKING:
    import pandas as pd
    from scipy.sparse import csr_matrix

COLUMNS = ("topic", "creator_id", "title")
_WORDS = {"token_pattern": r"(?u)\w+"}


class Content(FromHistory):
    """Scores a video by what it has in common with the sum of a person's videos: topic, creator, words of the title.

    What is rare counts more (tf-idf by scikit-learn). `fit` learns `features_`, sparse of shape (videos, terms) with
    rows of length one. Columns without words are left out; with none of them it raises `DataError`.
    What was uploaded after the log's newest `known_at` is not there yet.

    >>> import pandas as pd
    >>> frame = pd.DataFrame({"user_id": ["ann"], "video_id": ["a"]})
    >>> videos = pd.DataFrame({"video_id": list("abc"), "title": ["Two cats", "Dogs", "Cats again"]})
    >>> log = Log.from_frames(frame.assign(occurred_at=pd.Timestamp("2026-01-01", tz="UTC")), videos)
    >>> found = Content().fit(log).retrieve(np.array([0]), k=2, seen=log.matrix())
    >>> log.labels()[found.videos[0, 0]], len(found.videos[0][found.videos[0] >= 0])
    ('Cats again', 1)
    """

    def __init__(self, columns: Sequence[str] = COLUMNS) -> None:
        if not columns or isinstance(columns, str):
            raise ConfigError(f"columns: expected names of columns of videos, found {columns!r}")
        self.columns = tuple(columns)

    def learn(self, log: Log, history: "csr_matrix") -> None:  # noqa: ARG002
        """Read the videos' texts; events only say what time it is."""
        self.features_ = content_features(uploaded(log), self.columns)

    def scores_of(self, history: "csr_matrix") -> NDArray[np.float64]:
        """Multiply the sum of each history's features with each video's; what has nothing in common has no score."""
        profiles = (history.sign() @ self.features_).toarray()
        scores = np.ascontiguousarray((self.features_ @ profiles.T).T)  # sparse by dense: most terms are in a profile
        scores[scores <= 0] = -np.inf
        return scores


def content_features(videos: "pd.DataFrame", columns: Sequence[str] = COLUMNS) -> "csr_matrix":
    """Return tf-idf of the columns' words, sparse of shape (videos, terms), rows of length one or zero.

    A word of one column is another term than the same word of another. A creator's id is one term, however it is spelt.

    >>> import pandas as pd
    >>> content_features(pd.DataFrame({"topic": ["cats", "cats", "dogs"]})).shape
    (3, 2)
    """
    from scipy.sparse import hstack
    from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer

    found = []
    for column in columns:
        if column not in videos:
            continue
        texts = videos[column].astype(object).where(videos[column].notna(), "").astype(str)
        if texts.str.contains(r"\w").any():
            words = {"token_pattern": r"(?s).+", "lowercase": False} if column == "creator_id" else _WORDS
            found.append(CountVectorizer(**words, binary=True, dtype=np.float64).fit_transform(texts))
    if not found:
        raise DataError(f"videos: expected one of the columns {', '.join(columns)} with words, found none")
    return TfidfTransformer().fit_transform(hstack(found, format="csr"))
