"""The row of each video in some table, found in one step."""

from collections.abc import Iterable, Sequence
from itertools import count

import numpy as np
from numpy.typing import NDArray


class VideoRows(dict[str, int]):
    """Which row each video has; −1 is that of any other. An id that is no text is found by its text.

    >>> VideoRows(["v", "7"]).of(["7", "new", 7, "v"]).tolist()
    [1, -1, 1, 0]
    """

    def __init__(self, videos: Iterable[str]) -> None:
        super().__init__(zip(videos, count(), strict=False))

    def of(self, videos: Sequence[str]) -> NDArray[np.int64]:
        """Return the row of each video."""
        return np.fromiter(map(self.__getitem__, videos), dtype=np.int64, count=len(videos))

    def __missing__(self, video: object) -> int:
        return self.get(str(video), -1)
