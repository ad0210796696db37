"""What an online store is: it absorbs the stream, and answers at its newest position."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mlsd_lab.features.catalogue import Catalogue
from mlsd_lab.features.past import NEVER

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Lookup:
    """Feature values of a slate, and from where in the stream they were answered.

    >>> Lookup(("age",), np.array([[1.5]]), position=7, tile=492_000).to_frame()["age"].tolist()
    [1.5]
    """

    columns: tuple[str, ...]
    values: NDArray[np.float64]
    """Shape (videos, columns)."""
    position: int
    """How many events of the stream the store had absorbed."""
    tile: int
    """Whole hours since 1970 at `as_of`: with the position it fixes where every window begins and ends."""
    expired_by_video: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    """How many values of each had outlived their time to live: the feature's default stands there, or NaN."""
    defaulted_by_video: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    """How many values of each were none, so that the default stands there."""
    newest: int = NEVER
    """When the newest event absorbed became known, microseconds UTC, the lowest int64 for none: with this a position
    is found again in a stream that was corrected."""

    @property
    def expired(self) -> int:
        """How many values had outlived their time to live, over all videos."""
        return int(self.expired_by_video.sum())

    @property
    def defaulted(self) -> int:
        """How many values were none and became the default, over all videos."""
        return int(self.defaulted_by_video.sum())

    def to_frame(self) -> "pd.DataFrame":
        """Return the values as a table, a row a video."""
        import pandas as pd

        return pd.DataFrame(self.values, columns=list(self.columns))


class OnlineStore(Protocol):
    """Running totals of every entity of a catalogue, absorbed in stream order and read at the position reached.

    An answer comes from one position, whatever is absorbed meanwhile. `position` and `mark` are those of this handle's
    last own batch (or of its opening): a batch after which another writer came first is refused by `ConflictError`,
    and the handle then stands where the other one left the store.

    >>> from mlsd_lab.features import MemoryStore
    >>> from mlsd_lab.features.feed import FEED
    >>> import pandas as pd
    >>> store: OnlineStore = MemoryStore(FEED, pd.DataFrame({"video_id": ["v"]}))
    >>> store.position, store.mark
    (0, None)
    """

    catalogue: Catalogue

    @property
    def position(self) -> int:
        """How many events of the stream were absorbed."""

    @property
    def newest(self) -> int:
        """When the newest of them became known, in microseconds UTC; the lowest int64 where there is none."""

    @property
    def mark(self) -> Any:
        """What came with the newest batch: JSON-ready, the caller's own, such as where a consumer stands."""

    def absorb(self, batch: "pd.DataFrame", offset: int, mark: Any = None) -> None:
        """Add a batch of the stream (as `features.stream` makes it) whose first event stands at position `offset`.

        Events below the position already reached are ignored, so a batch may come twice; `mark` is kept with them, and
        also when there are none, but not with a batch that ends below that position. Raises `DataError` for a gap, for
        a batch that is not in stream order, or for a value that a feature refuses; the store is then as it was.
        """

    def lookup(
        self,
        user_id: str,
        video_ids: Sequence[str],
        as_of: datetime,
        surface: str | None = None,
        retrieval_score: NDArray[np.float64] | None = None,
        columns: Sequence[str] | None = None,
    ) -> Lookup:
        """Return the catalogue's features of one user and several videos, in one batch.

        `as_of` (with a time zone) must be after the newest event absorbed, else `ConfigError`: what a store has already
        added up it cannot take apart. Unknown users and videos have an empty past. With `columns` only these come, in
        their order, and nothing is read or counted that they are not made of.
        """

    def erase(self, user_id: str) -> int:
        """Remove what is kept by user of one of them, and return how many rows that was.

        What they added to the totals of videos, creators, topics and surfaces stays in those sums until the store is
        made anew from a lake without them.
        """

    def close(self) -> None:
        """Let go of files and connections."""
