"""Which entity a row is about, as a number: of a log's events, and of rows that are asked about."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mlsd_lab.features.past import Entity

if TYPE_CHECKING:
    import pandas as pd

    from mlsd_lab.datasets import Log

Ints = NDArray[np.int64]
Codes = dict[str, Ints]
_OF_VIDEOS = ("creator_id", "topic")


class EntityCodes:
    """Numbers for the ids, creators, topics and surfaces of a log, −1 for a null and for what is not in it.

    The log's categories number ids, and a video's number leads to its creator and topic: texts are only compared where
    rows come with ids that are no categories. `videos` holds creators and topics, a value a video; `entities` are the
    keys that numbers are wanted for.

    >>> import pandas as pd
    >>> from mlsd_lab.datasets import Log
    >>> time = pd.to_datetime(["2026-01-01", "2026-01-02"], utc=True)
    >>> log = Log.from_frames(pd.DataFrame({"user_id": ["bob", "ann"], "video_id": ["v", "w"], "occurred_at": time}))
    >>> videos, key = {"topic": np.array(["sport", None], dtype=object)}, ("user_id", "topic")
    >>> codes = EntityCodes(log, videos, [key])
    >>> codes.joined(key, codes.of(log.events)).tolist()
    [1, -1]
    >>> asked = codes.of(pd.DataFrame({"user_id": ["ann", "new"], "video_id": ["v", "v"]}))
    >>> codes.joined(key, asked).tolist()
    [0, -1]
    """

    def __init__(self, log: "Log", videos: dict[str, NDArray[Any]], entities: Iterable[Entity]) -> None:
        import pandas as pd

        wanted = {name for entity in entities for name in entity}
        texts = {name: log.events[name].cat.categories for name in ("user_id", "video_id")}
        if "surface" in wanted:
            surfaces = log.events.get("surface", pd.Series(dtype=object)).astype("category").cat.categories
            texts["surface"] = pd.Index([*map(str, surfaces)], dtype=object).unique()
        of_video = {name: pd.factorize(videos[name]) for name in _OF_VIDEOS if name in wanted}
        self._texts = texts
        self._of_video = {name: np.append(code, -1).astype(np.int64) for name, (code, _) in of_video.items()}
        self._size = {name: len(each) for name, each in texts.items()}
        self._size |= {name: len(each) for name, (_, each) in of_video.items()}

    def of(self, rows: "pd.DataFrame") -> Codes:
        """Return the numbers of each row by name; rows have `user_id`, `video_id`, and `surface` where one is known."""
        codes = {
            name: _places(texts, rows[name]) if name in rows else np.full(len(rows), -1)
            for name, texts in self._texts.items()
        }
        return codes | {name: of_video[codes["video_id"]] for name, of_video in self._of_video.items()}

    def joined(self, entity: Entity, codes: Codes) -> Ints:
        """Return one number a row for all columns of a key, −1 where one of them has none."""
        code = codes[entity[0]]
        for name in entity[1:]:
            absent = (code < 0) | (codes[name] < 0)
            code = np.where(absent, -1, code * max(1, self._size[name]) + codes[name])
        return code


def _places(texts: "pd.Index", column: "pd.Series") -> Ints:
    """Return where each value stands among some texts, itself as text: a whole number may be an id."""
    import pandas as pd

    if isinstance(column.dtype, pd.CategoricalDtype) and column.cat.categories.equals(texts):
        return column.cat.codes.to_numpy(np.int64)
    code, distinct = pd.factorize(column)
    return np.append(texts.get_indexer(pd.Index([*map(str, distinct)], dtype=object)), -1)[code]
