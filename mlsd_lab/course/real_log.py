"""The same question to a real log: asked anew where KuaiRand's files are, else as it was answered on a stated day."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mlsd_lab.course.quick_framings import quick_framings
from mlsd_lab.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from mlsd_lab.datasets import Log
    from mlsd_lab.framing import Contest

COMMAND = "python -m benchmarks.real_log"


@dataclass(frozen=True)
class Answer:
    """Sentences, and when they were measured; `date` is empty where that was just now.

    >>> Answer(("Seconds win.",), "2026-11-23")
    Seconds win.
    Measured on 23 November 2026; again: python -m benchmarks.real_log, or here, where KuaiRand's files are
    (mlsd-lab data fetch kuairand)
    """

    sentences: tuple[str, ...]
    date: str = ""

    def __repr__(self) -> str:
        if not self.date:
            return "\n".join([*self.sentences, "Measured just now, on the files that are here"])
        day = datetime.fromisoformat(self.date)
        again = f"again: {COMMAND}, or here, where KuaiRand's files are (mlsd-lab data fetch kuairand)"
        return "\n".join([*self.sentences, f"Measured on {day.day} {day:%B %Y}; {again}"])

    def _repr_html_(self) -> str:
        *sentences, when = map(escape, repr(self).splitlines())
        return f"<ul>{''.join(f'<li>{one}</li>' for one in sentences)}</ul><p>{when}</p>"


def on_the_real_log(question: str) -> Answer:
    """Return what KuaiRand says to the question of a notebook; raises `ConfigError` for one that was never asked.

    Its files are looked for in the folder that `MLSD_LAB_KUAIRAND` names, and in `data/kuairand` from the working
    directory upwards.

    >>> on_the_real_log("weather")
    Traceback (most recent call last):
    mlsd_lab.errors.ConfigError: expected a question of framing, features, candidates, found 'weather'
    """
    if question not in QUESTIONS:
        raise ConfigError(f"expected a question of {', '.join(QUESTIONS)}, found {question!r}")
    folder = _folder()
    if folder is None:
        stored = json.loads(files("mlsd_lab.course").joinpath("real_log.json").read_text("utf-8"))[question]
        return Answer(tuple(stored["sentences"]), stored["date"])
    from mlsd_lab.datasets import load

    return Answer(tuple(QUESTIONS[question](load("kuairand", folder))))


def _folder() -> Path | None:
    named = os.environ.get("MLSD_LAB_KUAIRAND")
    places = [Path(named)] if named else [place / "data" / "kuairand" for place in (Path.cwd(), *Path.cwd().parents)]
    return next((place for place in places if any(place.rglob("log_*_pure.csv"))), None)


def _framing(log: "Log") -> list[str]:
    """Hold the contest of notebook 01 among what people were shown on the last day: half of it fills the slate."""
    from mlsd_lab.framing import TASKS

    held, people = _contest(log)
    told = [f"{log!r}: {people} people who were shown six videos or more on the last day, three of them chosen"]
    names = [task.name for task in TASKS]
    for measure in held.measures:
        means = ", ".join(f"{name} {held.brought[name][measure].mean():.2f}" for name in held.brought)
        told.append(f"{measure.replace('_', ' ')} a slate: {means}")
    for one, two, measure in ((names[2], names[0], "watch_minutes"), (names[0], names[2], "completion")):
        lift = held.lift(one, two, measure)
        verdict = f"more than {two}" if lift.low > 0 else f"not clearly more than {two}"
        interval = f"{lift.value:+.2f}, 95 % interval {lift.low:+.2f} to {lift.high:+.2f}"
        told.append(f"{one} brings {verdict} in {measure.replace('_', ' ')} ({interval})")
    return told


def _contest(log: "Log") -> "tuple[Contest, int]":
    from mlsd_lab.evaluation import by_day
    from mlsd_lab.features import Timeline, training_set
    from mlsd_lab.features.feed import FEED
    from mlsd_lab.framing import contest, outcomes

    split, history = by_day(log), Timeline(FEED, log)
    lengths = log.videos["duration_seconds"].to_numpy(np.float64)

    def features(events: "pd.DataFrame") -> "pd.DataFrame":
        asked = events[["user_id", "video_id"]].assign(as_of=events["occurred_at"])
        return training_set(FEED, history, asked).drop(columns="retrieval")

    events = split.train.events
    events = events[events["watch_seconds"].notna() & (lengths[events["video_id"].cat.codes] > 0)]
    sample = events.sample(min(60_000, len(events)), random_state=0)
    watches = sample.assign(duration_seconds=lengths[sample["video_id"].cat.codes])
    seen = features(sample).dropna(axis=1, how="all")
    framings = quick_framings(seen, watches) | {"popular": lambda rows: rows["video_impressions_all"]}
    test = split.test.events
    shown = test.groupby(test["user_id"].cat.codes)["event_id"].transform("size")
    test = test[shown >= 6]
    people = test["user_id"].cat.codes.to_numpy()
    return contest(framings, features(test), outcomes(test, log.videos), people, slots=3), len(np.unique(people))


def _candidates(log: "Log") -> list[str]:
    """Ask each source of notebook 04 for a hundred videos a person, and look which were watched long on the last day.

    Nothing is filtered, as a feed shows again what was seen; judged are the videos that were new to a person.
    """
    from scipy.sparse import csr_matrix

    from mlsd_lab.evaluation import TopK, by_day, compare, mean_of
    from mlsd_lab.retrieval import FirstStage

    split = by_day(log)
    relevant, seen = split.relevant(), split.train.matrix()
    users = np.flatnonzero(np.diff(relevant.indptr) * np.diff(seen.indptr))
    first = FirstStage.fit(split.train)
    found, _ = first.retrieve(users, 100, csr_matrix(seen.shape))
    recall = {name: TopK.judge(each, relevant[users]).recall() for name, each in found.items()}
    means = ", ".join(f"{name} {each.mean():.4f}" for name, each in recall.items())
    told = [f"{log!r}: {len(users)} people who watched something long on the last day", f"recall@100: {means}"]
    for one, two in (("als_exact", "popular"), ("blend", "als_exact"), ("blend", "popular_lately")):
        lift = compare(mean_of(recall[one]), mean_of(recall[two]), len(users))
        verdict = f"more than {two}" if lift.low > 0 else f"not clearly more than {two}"
        told.append(f"{one} finds {verdict} ({lift.value:+.4f}, 95 % interval {lift.low:+.4f} to {lift.high:+.4f})")
    return told


def _features(log: "Log") -> list[str]:
    """Train on today's value and on what was known before, as notebook 03; judge both on the last day, then age it.

    Such a log has no requests: a person's local day is a slate, and its moment is the first exposure.
    """
    import pandas as pd
    from sklearn.ensemble import HistGradientBoostingClassifier
    from threadpoolctl import threadpool_limits

    from mlsd_lab.evaluation import by_day
    from mlsd_lab.features import Timeline, training_set
    from mlsd_lab.features.feed import FEED

    history, split, day = Timeline(FEED, log), by_day(log), log.days()
    opened = log.events["occurred_at"].groupby([log.events["user_id"].cat.codes, day]).transform("min")
    today = pd.Series(split.train.events["known_at"].max() + pd.Timedelta("1us"), log.events.index)
    train, test = split.train.events, split.test.events
    train = train[day[train.index] >= day.max() - pd.Timedelta(days=5)]
    held_out = np.random.default_rng(0).random(len(train)) < 1 / 3

    def read(events: "pd.DataFrame", as_of: "pd.Series[Any]", staleness: str = "0h") -> "pd.DataFrame":
        asked = events[["user_id", "video_id", "surface"]].assign(as_of=as_of[events.index])
        return training_set(FEED, history, asked, pd.Timedelta(staleness)).drop(columns="retrieval")

    own, replay, models, served = {}, {}, {}, read(test, opened)
    for name, as_of in {"before": opened, "today": today}.items():
        seen, labels = read(train, as_of), train["long_view"].to_numpy(bool)
        with threadpool_limits(1, "openmp"):
            models[name] = HistGradientBoostingClassifier(max_iter=60, early_stopping=False).fit(
                seen[~held_out], labels[~held_out]
            )
        own[name] = models[name].predict_proba(seen[held_out])[:, 1]
        replay[name] = models[name].predict_proba(served)[:, 1]
    told = [f"{log!r}: learned from {len(train):,} exposures, {len(test):,} of the last day replayed"]
    flattered = _auc_lead(train[held_out], own["today"], own["before"])
    told.append(f"learned from today's value, the ranker has {flattered} on held-out rows")
    behind = _auc_lead(test, replay["today"], replay["before"])
    told.append(f"learned from today's value, it has {behind} in the replay")
    for age in ("1h", "6h", "24h"):
        old = models["before"].predict_proba(read(test, opened, age))[:, 1]
        lead = _auc_lead(test, old, replay["before"])
        told.append(f"learned from what was known before, and served features {age} old, it has {lead} in the replay")
    return told


def _auc_lead(events: "pd.DataFrame", new: "NDArray[np.float64]", old: "NDArray[np.float64]") -> str:
    """Say whether the new scores have the higher AUC, by how many points, with a paired interval over people."""
    from mlsd_lab.evaluation import auc, compare

    people, user = np.unique(events["user_id"].cat.codes, return_inverse=True)
    liked = events["long_view"].to_numpy(np.float64)
    one, other = (lambda weights, s=s: 100 * auc(liked, s, weights[:, user]) for s in (new, old))
    lead = compare(one, other, users=len(people), rounds=100)
    verdict = ("a higher AUC" if lead.value > 0 else "a lower AUC") if lead.excludes_zero else "no other AUC"
    return f"{verdict} ({lead.value:+.1f} points, 95 % interval {lead.low:+.1f} to {lead.high:+.1f})"


QUESTIONS: dict[str, Callable[["Log"], list[str]]] = {
    "framing": _framing,
    "features": _features,
    "candidates": _candidates,
}
"""What is asked, by the notebook's name for it."""
