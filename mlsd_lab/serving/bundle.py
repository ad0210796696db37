"""The models that answer together: user vectors, item index, popular videos, ranker, and the features they expect."""

import json
from functools import cached_property
from itertools import zip_longest
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from mlsd_lab.artifacts import atomic_folder, content_sha256, read_arrays, verified, write_manifest
from mlsd_lab.datasets import Log
from mlsd_lab.errors import ArtifactError, ConfigError
from mlsd_lab.evaluation import NOBODY, Popular
from mlsd_lab.features import Catalogue
from mlsd_lab.ranking import BoostedTrees, Logistic, Ranker
from mlsd_lab.retrieval import ALS, AnnoyIndex

_KIND, _INDEX, _ARRAYS, _IDS = "bundle/1", "index", "factors.npz", "user_ids.json"
_RANKERS = {ranker.FILE: ranker for ranker in (BoostedTrees, Logistic)}


class Bundle:
    """Everything that is swapped as one: a vector of one model searched in another's index finds noise.

    `user_factors` (users × dimension) belongs to `index`, whose rows are `video_ids`; `popular` are video codes, most
    popular first. `content_sha256` names the content: equal models have it equal, whenever they are written.

    >>> import pandas as pd, tempfile
    >>> from mlsd_lab.evaluation import Popular
    >>> from mlsd_lab.features import MemoryStore, stream
    >>> from mlsd_lab.features.feed import FEED
    >>> from mlsd_lab.serving import Recommender, Request
    >>> time = pd.date_range("2026-01-01", periods=40, freq="h", tz="UTC")
    >>> users, videos = [f"u{i % 4}" for i in range(40)], [f"v{i % 11}" for i in range(40)]
    >>> frame = pd.DataFrame({"user_id": users, "video_id": videos, "occurred_at": time, "clicked": [True, False] * 20})
    >>> log = Log.from_frames(frame)
    >>> inputs = pd.DataFrame(np.random.default_rng(0).random((40, len(FEED.columns))), columns=list(FEED.columns))
    >>> ranker = Logistic().fit(inputs, log.relevant.to_numpy(float))
    >>> bundle = Bundle.of(log, ALS(factors=4, regularization=1).fit(log), Popular().fit(log), ranker, FEED)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     bundle.save(Path(folder, "bundle"))
    ...     again = Bundle.load(Path(folder, "bundle"), FEED)
    >>> again.content_sha256 == bundle.content_sha256
    True
    >>> recommender = Recommender(again, MemoryStore(FEED, log.videos), shown=3)
    >>> recommender.absorb(stream(log).iloc[:8], offset=0)
    >>> answer = recommender.recommend(Request("r1", "u0", time[20]))
    >>> len(answer.served), answer.degraded
    (3, None)
    """

    def __init__(
        self,
        user_ids: NDArray[np.object_],
        user_factors: NDArray[np.float64],
        video_ids: NDArray[np.object_],
        video_factors: NDArray[np.float64],
        index: AnnoyIndex,
        popular: NDArray[np.int64],
        ranker: Ranker,
        fingerprint: str,
    ) -> None:
        self.user_ids, self.user_factors = user_ids, user_factors
        self.video_ids, self.video_factors = video_ids, video_factors
        self.index, self.popular, self.ranker, self.fingerprint = index, popular, ranker, fingerprint
        self.video_code = {video: code for code, video in enumerate(video_ids.tolist())}
        self._user_code = {user: code for code, user in enumerate(user_ids.tolist())}

    @classmethod
    def of(
        cls,
        log: Log,
        als: ALS,
        popular: Popular,
        ranker: Ranker,
        catalogue: Catalogue,
        index: AnnoyIndex | None = None,
    ) -> Self:
        """Put together what was fitted on a log; users without events are left to the popular list.

        Raises `ConfigError` for a ranker that was fitted on other columns than the catalogue has, or in another order.
        """
        if _other_column(ranker, catalogue):
            raise ConfigError(_other_column(ranker, catalogue))
        known = als.known_
        return cls(
            log.users["user_id"].to_numpy(object)[known],
            als.user_factors_[known],
            log.videos["video_id"].to_numpy(object),
            als.video_factors_,
            index or AnnoyIndex.build(als.video_factors_),
            popular.order_.astype(np.int64),
            ranker,
            catalogue.fingerprint,
        )

    def retrieve(self, user_id: str, k: int) -> NDArray[np.int64]:
        """Return k video codes for a user, best first: from the index, and popular ones where it finds fewer."""
        code = self._user_code.get(user_id)
        if code is None:
            return self.popular[:k]
        found = self.index.search(self.user_factors[code : code + 1], k).videos[0].astype(np.int64)
        found = found[found != NOBODY]
        return found if len(found) == k else np.concatenate([found, self.popular[~np.isin(self.popular, found)]])[:k]

    def retrieval_scores(self, user_id: str, videos: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the inner products that `ALS.scores` gives in training; NaN for a user unknown."""
        code = self._user_code.get(user_id)
        if code is None:
            return np.full(len(videos), np.nan)
        total = np.zeros(len(videos))
        for factor, weight in enumerate(self.user_factors[code]):
            total += weight * self.video_factors[videos, factor]
        return total

    @cached_property
    def content_sha256(self) -> str:
        """SHA-256 over ids, arrays, the features' fingerprint, and the ranker's scores of a fixed probe."""
        rng, shape = np.random.default_rng(0), (1024, len(self.ranker.columns))
        probe = rng.normal(size=shape) * 10.0 ** rng.uniform(-2, 4, shape)  # shares, days and seconds among them
        probe[rng.random(shape) < 0.1] = np.nan
        arrays = (self.user_factors, self.video_factors, self.popular, self.ranker.score(probe))
        found = self.index.search(self.user_factors[:64], 20).videos
        texts = (self.user_ids.tolist(), self.video_ids.tolist(), self.fingerprint, self.ranker.columns)
        return content_sha256(*arrays, found, texts=json.dumps(texts))

    def save(self, folder: Path) -> None:
        """Write the bundle with checksums into a folder that does not exist yet; it appears whole or not at all."""
        with atomic_folder(folder) as draft:
            self.index.save(draft / _INDEX, self.video_ids.tolist())
            np.savez(draft / _ARRAYS, users=self.user_factors, videos=self.video_factors, popular=self.popular)
            (draft / _IDS).write_text(json.dumps(self.user_ids.tolist(), ensure_ascii=False), encoding="utf-8")
            self.ranker.save(draft / self.ranker.FILE)
            write_manifest(draft, _KIND, fingerprint=self.fingerprint, content_sha256=self.content_sha256)

    @classmethod
    def load(cls, folder: Path, catalogue: Catalogue) -> Self:
        """Read a bundle and check every byte; raises `ArtifactError` for one changed or made for other features."""
        facts = verified(folder, _KIND)
        if facts.get("fingerprint") != catalogue.fingerprint:
            made_for = facts.get("fingerprint")
            raise ArtifactError(
                f"{folder}: was made for features {made_for}, the store has {catalogue.fingerprint}; train again"
            )
        files = [name for name in _RANKERS if (folder / name).exists()]
        if len(files) != 1:
            raise ArtifactError(f"{folder}: expected one ranker of {', '.join(_RANKERS)}, found {len(files)}")
        index, video_ids = AnnoyIndex.load(folder / _INDEX)
        arrays = read_arrays(folder / _ARRAYS, ("users", "videos", "popular"))
        _check_shapes(folder, user_ids := _read_ids(folder / _IDS), arrays, index)
        ranker = _RANKERS[files[0]].load(folder / files[0])
        if _other_column(ranker, catalogue):
            raise ArtifactError(f"{folder}: {_other_column(ranker, catalogue)}")
        bundle = cls(
            np.array(user_ids, dtype=object),
            arrays["users"],
            np.array(video_ids, dtype=object),
            arrays["videos"],
            index,
            arrays["popular"],
            ranker,
            facts["fingerprint"],
        )
        if bundle.content_sha256 != facts.get("content_sha256"):
            found, expected = bundle.content_sha256, facts.get("content_sha256")
            raise ArtifactError(f"{folder}: expected content {expected}, found {found}: it gives other answers here")
        return bundle


def _other_column(ranker: Ranker, catalogue: Catalogue) -> str:
    """Say where the ranker's columns first differ from the catalogue's; nothing where they are the same."""
    pairs = zip_longest(catalogue.columns, ranker.columns, fillvalue="nothing")
    for at, (expected, found) in enumerate(pairs):
        if expected != found:
            return f"ranker: expected {expected} as column {at}, as {catalogue.name} has it, found {found}"
    return ""


def _read_ids(path: Path) -> list[str]:
    try:
        ids = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ArtifactError(f"{path}: cannot be read ({error})") from error
    if not isinstance(ids, list) or not all(isinstance(name, str) for name in ids):
        raise ArtifactError(f"{path}: expected a list of ids, found something else")
    return ids


def _check_shapes(folder: Path, user_ids: list[str], arrays: dict[str, NDArray[Any]], index: AnnoyIndex) -> None:
    users, videos, popular = arrays["users"], arrays["videos"], arrays["popular"]
    expected = (len(user_ids), index.dimension), (index.size, index.dimension)
    if (users.shape, videos.shape) != expected or not users.dtype == videos.dtype == np.float64:
        raise ArtifactError(
            f"{folder / _ARRAYS}: expected users and videos as float64 of shapes {expected[0]} and {expected[1]}, "
            f"found {users.dtype} {users.shape} and {videos.dtype} {videos.shape}"
        )
    codes = popular.ndim == 1 and popular.dtype == np.int64
    if not codes or not ((popular >= 0) & (popular < index.size)).all():
        raise ArtifactError(f"{folder / _ARRAYS}: popular: expected codes of {index.size} videos as int64")
