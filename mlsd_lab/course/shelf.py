"""A shelf to fill: people as they came, videos that could be shown to them, and what each choice would truly bring."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mlsd_lab.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd

    from mlsd_lab.datasets.world import World


@dataclass(frozen=True, eq=False)
class Shelf:
    """Candidates of each person at one moment, so that all of them see the same past of the person.

    >>> shelf = Shelf(None, np.array([[0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]]))
    >>> best, worst = shelf.brings(shelf.chances), shelf.brings(-shelf.chances)
    >>> bool(best > worst)
    True
    """

    rows: "pd.DataFrame"
    """`user_id`, `video_id`, `surface`, `as_of`: label rows for `training_set`, in order of time, a person's together.
    """
    chances: NDArray[np.float64]
    """The true chance that the video is viewed long, were it shown first; shape (people, each)."""

    def brings(self, scores: ArrayLike) -> NDArray[np.float64]:
        """Return how many long views each person's six of highest score would truly bring; scores are one a row.

        The lower a place, the fewer people look at it.
        """
        from mlsd_lab.datasets.world.truth import EXAMINATION

        score = np.asarray(scores, dtype=np.float64)
        if score.size != self.chances.size:
            raise ConfigError(f"scores: expected one a row ({self.chances.size}), found {score.size}")
        best = np.argsort(-score.reshape(self.chances.shape), axis=1, kind="stable")[:, : len(EXAMINATION)]
        brought: NDArray[np.float64] = np.take_along_axis(self.chances, best, axis=1) @ EXAMINATION[: best.shape[1]]
        return brought


def shelf(
    world: "World", people: int, each: int, last: int = 7, newer_than: float | None = None, seed: int = 0
) -> Shelf:
    """Draw people who came in the last days of a world's log, each at one moment, with random videos to choose from.

    `each` different videos a person, evenly from those uploaded by then, with `newer_than` only from those of so many
    days before it. Nobody of the log was shown them: what they would bring is known from the world's truth.

    >>> from mlsd_lab.datasets.world import WorldConfig, simulate
    >>> world = simulate(WorldConfig(users=50, videos=100, events=500, days=3))
    >>> found = shelf(world, people=5, each=10, last=1)
    >>> found.chances.shape, len(found.rows)
    ((5, 10), 50)
    """
    import pandas as pd

    rng, log = np.random.default_rng(seed), world.log
    day = world.truth.days(log.events["occurred_at"])
    came = log.events[day >= world.config.days - last].drop_duplicates("request_id")
    came = came.iloc[rng.permutation(len(came))].drop_duplicates("user_id").head(people).sort_values("occurred_at")
    if len(came) < people or people < 1:
        raise ConfigError(f"people: expected 1 to {len(came)}, who came in the last {last} days, found {people}")
    now = ((came["occurred_at"] - world.truth.start) / pd.Timedelta("1D")).to_numpy(np.float64)
    uploaded = world.truth.people.uploaded_day  # ascending, as the codes
    end = np.searchsorted(uploaded, now)
    begin = np.zeros_like(end) if newer_than is None else np.searchsorted(uploaded, now - newer_than)
    most = max(0, (end - begin).min())
    if not 1 <= each <= most:
        raise ConfigError(f"each: expected 1 to {most}, the videos that there are, found {each}")
    videos = np.stack([rng.choice(np.arange(a, b), each, replace=False) for a, b in zip(begin, end, strict=True)])
    row, users = np.repeat(np.arange(people), each), came["user_id"].cat.codes.to_numpy()
    first, at = np.zeros(len(row), dtype=np.int64), world.truth.days(came["occurred_at"])
    chances = world.truth.chances(users[row], videos.ravel(), first, at[row]).long_view
    rows = pd.DataFrame(
        {
            "user_id": came["user_id"].array[row],
            "video_id": log.videos["video_id"].array[videos.ravel()],
            "surface": came["surface"].array[row],
            "as_of": came["occurred_at"].array[row],
        }
    )
    return Shelf(rows, chances.reshape(people, each))
