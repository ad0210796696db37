"""What a notebook needs from earlier ones: made from a seed, kept with checksums in the learner's folder."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlsd_lab import __version__
from mlsd_lab.artifacts import atomic_folder, read_arrays, verified, write_manifest
from mlsd_lab.course.learner import learner_folder
from mlsd_lab.errors import ArtifactError, ConfigError

if TYPE_CHECKING:
    from mlsd_lab.datasets import Log
    from mlsd_lab.evaluation import Popular
    from mlsd_lab.retrieval import ALS, AnnoyIndex

_KIND, _ARRAYS, _INDEX = "checkpoint/1", "als.npz", "index"
_NAMES = ("users", "videos", "known")


@dataclass(frozen=True)
class Checkpoint:
    """A log and what was learned from all of it: `als` (searched exactly), `popular`, and an Annoy `index`.

    >>> checkpoint("99")
    Traceback (most recent call last):
    mlsd_lab.errors.ConfigError: expected a checkpoint of 00, found '99'
    """

    name: str
    log: "Log"
    als: "ALS"
    popular: "Popular"
    index: "AnnoyIndex"
    said: str = ""  # what was wrong with the one that was kept

    @cached_property
    def titles(self) -> list[str]:
        """The films' titles, in the order of their codes."""
        return self.log.labels()

    def _repr_html_(self) -> str:
        return f"<p>{escape(repr(self))}</p>"  # plain text would be broken inside words

    def __repr__(self) -> str:
        log = f"{len(self.log.events):,} events of {len(self.log.users):,} people and {len(self.log.videos):,} videos"
        learned = f"ALS with {self.als.factors} numbers a vector, popularity, an Annoy index"
        said = f"\n{self.said}" if self.said else ""
        return f"checkpoint {self.name}: {log}; {learned}{said}"


def checkpoint(name: str, on_progress: Callable[[str, float], None] | None = None) -> Checkpoint:
    """Return what notebook `name` starts from, made in seconds; `on_progress` gets stage and share.

    It is kept in `checkpoints/` of the learner's folder, where there is one, and checked byte by byte when it is read;
    a damaged or outdated one is refused and made anew. Damage is told in `said`.

    >>> callable(checkpoint)
    True
    """
    from mlsd_lab.datasets import load
    from mlsd_lab.evaluation import Popular
    from mlsd_lab.retrieval import ALS

    if name != "00":
        raise ConfigError(f"expected a checkpoint of 00, found {name!r}")
    tell = on_progress or (lambda _stage, _share: None)
    tell("load", 0.0)
    log = load("movielens")
    als, popular = ALS(), Popular().fit(log)
    folder = learner_folder()
    place = None if folder is None else folder / "checkpoints" / name
    settings = _settings(als, log)
    said = ""
    if place is not None and place.exists():
        try:
            index = _read(place, als, settings)
            tell("ready", 1.0)
            return Checkpoint(name, log, als, popular, index)
        except _OutdatedError:
            pass
        except ArtifactError as error:
            said = f"The one that was kept is damaged, so it was made anew: {error}"
    index = _made(log, als, tell)
    if place is not None:
        _keep(place, als, index, log, settings)
    tell("ready", 1.0)
    return Checkpoint(name, log, als, popular, index, said)


class _OutdatedError(Exception):
    """Sound, but made by another version or with other settings."""


def _settings(als: "ALS", log: "Log") -> dict[str, Any]:
    chosen = {key: getattr(als, key) for key in ("factors", "regularization", "confidence", "iterations", "seed")}
    return {"version": __version__, "events": len(log.events), **chosen}


def _made(log: "Log", als: "ALS", tell: Callable[[str, float], None]) -> "AnnoyIndex":
    from mlsd_lab.retrieval import AnnoyIndex

    tell("fit ALS", 0.1)
    als.fit(log)
    tell("build the index", 0.8)
    return AnnoyIndex.build(als.video_factors_)


def _keep(place: Path, als: "ALS", index: "AnnoyIndex", log: "Log", settings: dict[str, Any]) -> None:
    import numpy as np

    shutil.rmtree(place, ignore_errors=True)
    with atomic_folder(place) as draft:
        index.save(draft / _INDEX, log.videos["video_id"].astype(str).tolist())
        np.savez(draft / _ARRAYS, users=als.user_factors_, videos=als.video_factors_, known=als.known_)
        write_manifest(draft, _KIND, settings=settings)


def _read(place: Path, als: "ALS", settings: dict[str, Any]) -> "AnnoyIndex":
    """Fill `als` with what was kept, and return the index."""
    from mlsd_lab.retrieval import AnnoyIndex

    if verified(place, _KIND).get("settings") != settings:
        raise _OutdatedError
    index, _ = AnnoyIndex.load(place / _INDEX)
    arrays = read_arrays(place / _ARRAYS, _NAMES)
    if arrays["videos"].shape != (index.size, index.dimension):
        raise ArtifactError(f"{place}: expected factors of shape {index.size, index.dimension}, found others")
    als.user_factors_, als.video_factors_, als.known_ = (arrays[name] for name in _NAMES)
    als.index_ = als.index(als.video_factors_)
    return index
