"""Within which bands do the notebooks' pinned values lie? Measured over seeds, written to mlsd_lab/course/bands.json.

python -m benchmarks.seed_bands --seeds 20
"""

import argparse
import json
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier as Trees
from threadpoolctl import threadpool_limits

import mlsd_lab.course
from mlsd_lab.course.pin import bands_of
from mlsd_lab.course.quick_framings import quick_framings
from mlsd_lab.course.shelf import shelf
from mlsd_lab.datasets import Log, load
from mlsd_lab.datasets.world import Drift, World, WorldConfig, simulate
from mlsd_lab.evaluation import Popular, Split, TopK, auc, by_day, coverage, leave_last_out, shuffled
from mlsd_lab.features import Timeline, training_set
from mlsd_lab.features.feed import FEED
from mlsd_lab.framing import contest, outcomes, users_an_arm
from mlsd_lab.pipeline import RunConfig
from mlsd_lab.retrieval import ALS, AnnoyIndex, Backfill, Content, ContentTower, ExactIndex, Retriever

COMMAND = "python -m benchmarks.seed_bands --seeds {}"


def main() -> None:
    """Fit and judge once a seed, as the main job does; write centre and half width of each value."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20)
    seeds = parser.parse_args().seeds
    values: dict[str, list[float]] = {}
    for seed in range(seeds):
        for name, value in {**movielens(seed), **framing(seed), **features(seed), **candidates(seed)}.items():
            values.setdefault(name, []).append(value)
        print(f"seed {seed}: " + ", ".join(f"{name} {found[-1]:.4f}" for name, found in values.items()))
    path = Path(mlsd_lab.course.__file__).with_name("bands.json")
    path.write_text(json.dumps(bands_of(values, COMMAND.format(seeds)), indent=1, sort_keys=True) + "\n", "utf-8")
    print(path.read_text("utf-8"))


def movielens(seed: int) -> dict[str, float]:
    """Return recall at 100, in percent, of the retrievers of notebook 00, fitted with this seed."""
    split, config = leave_last_out(load("movielens")), RunConfig()
    relevant, seen = split.relevant(), split.train.matrix()
    users = np.flatnonzero(np.diff(relevant.indptr))
    popular, als = Popular().fit(split.train), ALS(seed=seed).fit(split.train)
    index = AnnoyIndex.build(als.video_factors_, "dot", config.annoy_trees, config.annoy_search_k, seed)
    retrievers: dict[str, Retriever] = {
        "popular": popular,
        "als": Backfill(als, popular),
        "als_annoy": Backfill(als.searched_by(index), popular),
    }
    recalls = {}
    for name, retriever in retrievers.items():
        found = retriever.retrieve(users, config.k, seen)
        recalls[f"{name}.recall_at_100"] = 100 * float(np.nanmean(TopK.judge(found, relevant[users]).recall()))
    return recalls


def framing(seed: int) -> dict[str, float]:
    """Return what notebook 01 pins, with another sample to learn from, another shuffle and another start of ALS."""
    world = simulate(WorldConfig(4_000, 1_500, 200_000, days=21, drift=Drift(taste_shift=17)))
    log, history = world.log, Timeline(FEED, world.log)
    split = by_day(log, days=7)
    first = log.events[log.days() < log.days().min() + np.timedelta64(7, "D")]
    minutes = outcomes(first, log.videos).watch_minutes.groupby(first.user_id.cat.codes.to_numpy()).sum()
    return {
        "framing.users_an_arm": users_an_arm(minutes.mean(), minutes.std(), lift=0.01),
        "framing.minutes_ratio": _minutes_ratio(world, split, history, seed),
        **_leak(log, split, seed),
    }


def features(seed: int) -> dict[str, float]:
    """Return what notebook 03 pins, in points and percent, with another sample and other people."""
    world = simulate(WorldConfig(users=5_000, videos=3_000, events=300_000))
    log, history, split = world.log, Timeline(FEED, world.log), by_day(world.log, days=7)
    learned = split.train.days() >= log.days().min() + pd.Timedelta(days=14)
    sample = split.train.events[learned].sample(60_000, random_state=seed)
    week = split.test.events.sample(20_000, random_state=seed)
    opened = log.events.groupby("request_id").occurred_at.transform("min")
    today = pd.Series(split.train.events.known_at.max() + pd.Timedelta("1us"), log.events.index)
    liked, held_out = sample.long_view.to_numpy(bool), np.random.default_rng(seed).random(60_000) < 1 / 3

    def read(rows: pd.DataFrame) -> pd.DataFrame:
        return training_set(FEED, history, rows).drop(columns="retrieval")

    def joined(events: pd.DataFrame, as_of: pd.Series) -> pd.DataFrame:
        return read(events[["user_id", "video_id", "surface"]].assign(as_of=as_of[events.index]))

    models, own, replay = {}, {}, {}
    for name, as_of in (("before", opened), ("today", today)):
        seen = joined(sample, as_of)
        with threadpool_limits(1, "openmp"):
            models[name] = Trees(max_iter=60, early_stopping=False).fit(seen[~held_out], liked[~held_out])
        own[name] = auc(liked[held_out], models[name].predict_proba(seen[held_out])[:, 1])
        replay[name] = auc(week.long_view.to_numpy(float), models[name].predict_proba(joined(week, opened))[:, 1])
    for_you = shelf(world, 2_000, 40, seed=seed)
    now = read(for_you.rows)

    def brings(seen: pd.DataFrame, model: str = "before") -> float:
        return float(for_you.brings(models[model].predict_proba(seen)[:, 1]).mean())

    shares = [name for name in now if "relevant" in name or "completion" in name]
    in_percent = now.assign(**100 * now[shares])
    return {
        "features.own_leap": 100 * (own["today"] - own["before"]),
        "features.replay_lead": 100 * (replay["today"] - replay["before"]),
        "features.today_loses": 100 - 100 * brings(now, "today") / brings(now),
        "features.percent_bug": 100 - 100 * brings(in_percent) / brings(now),
    }


def candidates(seed: int) -> dict[str, float]:
    """Return what notebook 04 pins, in percent, with other starts of ALS and other videos without events."""
    log = load("movielens")
    split = leave_last_out(log)
    users = np.flatnonzero(np.diff(split.relevant().indptr))
    found = ALS(seed=seed).fit(split.train).retrieve(users, 100, split.train.matrix())
    vectors = ALS(seed=seed).fit(log).video_factors_
    nearest = ExactIndex(vectors).search(vectors, k=1).videos[:, 0]
    return {
        "candidates.never_proposed": 100 - 100 * coverage(found, len(log.videos)),
        "candidates.not_its_own_nearest": 100 * float(np.mean(nearest != np.arange(len(vectors)))),
        **_new_videos(seed),
    }


def _new_videos(seed: int) -> dict[str, float]:
    """Return how far the content tower, and content alone, come from chance to the best there are."""
    world = simulate(WorldConfig(2_000, 2_000, 150_000))
    events, held = world.log.events, np.random.default_rng(seed).random(2_000) < 0.2
    train = world.log.with_events(events[~held[events.video_id.cat.codes]])
    tower = ContentTower(ALS(seed=seed)).fit(train)
    viewers, new = np.flatnonzero(tower.als.known_)[:1_000], tower.new_
    content = Content().fit(train).retrieve(viewers, 2_000)
    first = {"content": content.kept(np.isin(content.videos, new), 10), "tower": tower.retrieve(viewers, 10)}
    true = world.truth.long_views(viewers, np.tile(new, (len(viewers), 1)), day=27)
    chance, best = true.mean(), np.sort(true, axis=1)[:, -10:].mean()
    good = {name: world.truth.long_views(viewers, each.videos, day=27).mean() for name, each in first.items()}
    return {f"candidates.{name}": 100 * (each - chance) / (best - chance) for name, each in good.items()}


def _minutes_ratio(world: World, split: Split, history: Timeline, seed: int) -> float:
    log, week = world.log, split.test.events

    def features(events: pd.DataFrame) -> pd.DataFrame:
        asked = events[["user_id", "video_id"]].assign(as_of=events.occurred_at)
        return training_set(FEED, history, asked).drop(columns="retrieval")

    sample = split.train.events.sample(60_000, random_state=seed)
    watches = sample.assign(duration_seconds=log.videos.duration_seconds.to_numpy()[sample.video_id.cat.codes])
    monday = week.occurred_at.min().normalize()
    answers = world.offers(people=1_500, each=40, at=monday, seed=0)
    users = answers.user_id.cat.codes.to_numpy()
    brings = outcomes(answers, log.videos)
    held = contest(quick_framings(features(sample), watches), features(answers), brings, users)
    minutes = held.means()["watch_minutes"]
    return float(minutes["seconds watched"] / minutes["will watch half"])


def _leak(log: Log, split: Split, seed: int) -> dict[str, float]:
    mixed = shuffled(log, share=0.35, seed=seed, leaks=True)
    week = split.test.events
    both = log.with_events(week[week.event_id.isin(mixed.test.events.event_id)])
    liked = log.with_events(both.events[both.relevant.to_numpy()]).matrix() > 0
    viewers = np.flatnonzero(liked.getnnz(axis=1))
    models = [ALS(seed=seed).fit(train) for train in (split.train, mixed.train)]
    honest, flattered = (TopK.judge(als.retrieve(viewers, 50), liked[viewers]).recall().mean() for als in models)
    return {"framing.honest_recall": 100 * honest, "framing.leak": 100 * (flattered - honest)}


if __name__ == "__main__":
    main()
