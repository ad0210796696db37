"""The small log's models as a bundle, and a recommender that has absorbed what was known before the test day."""

from functools import cache

import pandas as pd

from mlsd_lab.evaluation import Popular, Split, by_day
from mlsd_lab.features import MemoryStore, Timeline, stream, training_set
from mlsd_lab.features.feed import FEED
from mlsd_lab.ranking import BoostedTrees, Logistic, Ranker, from_exposures
from mlsd_lab.retrieval import ALS, AnnoyIndex
from mlsd_lab.serving import Bundle, Recommender, Request
from tests.ranking.small_feed import small_log

TEST_DAY = pd.Timestamp("2026-03-06", tz="UTC")
STRANGER = "nobody has heard of me"


@cache
def split() -> Split:
    return by_day(small_log())


@cache
def timeline() -> Timeline:
    return Timeline(FEED, small_log())


@cache
def events() -> pd.DataFrame:
    return stream(small_log())


@cache
def als() -> ALS:
    """Fitted without u3, a user whom the bundle does not know."""
    train = split().train
    return ALS(factors=8, iterations=3).fit(train.with_events(train.events[train.events["user_id"] != "u3"]))


@cache
def index() -> AnnoyIndex:
    return AnnoyIndex.build(als().video_factors_, trees=10, search_k=10_000)


@cache
def trees() -> BoostedTrees:
    examples = from_exposures(split().train, als())
    return BoostedTrees(trees=10).fit(training_set(FEED, timeline(), examples.rows), examples.labels)


@cache
def logistic() -> Logistic:
    examples = from_exposures(split().train, als())
    return Logistic().fit(training_set(FEED, timeline(), examples.rows), examples.labels)


def bundle_of(ranker: Ranker) -> Bundle:
    return Bundle.of(split().train, als(), Popular().fit(split().train), ranker, FEED, index())


@cache
def bundle() -> Bundle:
    return bundle_of(trees())


def recommender(of: Bundle | None = None, candidates: int = 30, shown: int = 5) -> Recommender:
    """Return a recommender that has absorbed every event known before the test day."""
    made = Recommender(of or bundle(), MemoryStore(FEED, small_log().videos), candidates, shown)
    made.absorb(events()[events()["known_at"] < TEST_DAY], offset=0)
    return made


def request(user: str = "u0", minutes: int = 1, surface: str | None = "home") -> Request:
    return Request(f"{user} after {minutes}", user, TEST_DAY + pd.Timedelta(minutes=minutes), surface)


def a_day_of_requests(number: int = 40) -> list[Request]:
    """Return requests all over the test day, of users in the bundle, of u3, and of a stranger."""
    users = [f"u{at % 50}" if at % 9 else STRANGER for at in range(number)]
    return [request(user, minutes=1 + at * 1440 // number) for at, user in enumerate(users)]
