"""The same question to a real log: asked anew where KuaiRand's files are, else as it was answered on a stated day."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mlsd_lab.course.quick_framings import quick_framings
from mlsd_lab.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd

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
    mlsd_lab.errors.ConfigError: expected a question of framing, candidates, found 'weather'
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

    Nothing is filtered: a feed shows again what was seen, and people do watch it again.
    """
    from contextlib import nullcontext

    from scipy.sparse import csr_matrix

    from mlsd_lab.evaluation import TopK, by_day, compare, mean_of
    from mlsd_lab.retrieval import FirstStage

    split = by_day(log)
    relevant, seen = split.relevant(), split.train.matrix()
    users = np.flatnonzero(np.diff(relevant.indptr) * np.diff(seen.indptr))
    first = FirstStage.fit(split.train, lambda *_: nullcontext())
    found, _ = first.retrieve(users, 100, csr_matrix(seen.shape), lambda *_: nullcontext())
    recall = {name: TopK.judge(each, relevant[users]).recall() for name, each in found.items()}
    means = ", ".join(f"{name} {each.mean():.4f}" for name, each in recall.items())
    told = [f"{log!r}: {len(users)} people who watched something long on the last day", f"recall@100: {means}"]
    for one, two in (("als_exact", "popular"), ("blend", "als_exact"), ("blend", "popular_lately")):
        lift = compare(mean_of(recall[one]), mean_of(recall[two]), len(users))
        verdict = f"more than {two}" if lift.low > 0 else f"not clearly more than {two}"
        told.append(f"{one} finds {verdict} ({lift.value:+.4f}, 95 % interval {lift.low:+.4f} to {lift.high:+.4f})")
    return told


QUESTIONS: dict[str, Callable[["Log"], list[str]]] = {"framing": _framing, "candidates": _candidates}
"""What is asked, by the notebook's name for it."""
