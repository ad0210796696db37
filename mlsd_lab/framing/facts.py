"""Figures that circulate about large video services, with their sources, and where they contradict each other."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations

from mlsd_lab.errors import ConfigError
from mlsd_lab.framing.quantity import Quantity
from mlsd_lab.framing.whiteboard import Derived, derive


@dataclass(frozen=True, repr=False)
class Fact:
    """A figure as its source states it; `year` is None where the source carries no date.

    >>> Fact("users", Quantity.of(1_300_000_000, "users"), "The service has 1.3 billion users.", "A lesson", None)
    users = 1,300,000,000 users: The service has 1.3 billion users. (A lesson)
    """

    key: str
    quantity: Quantity
    says: str
    source: str
    year: int | None

    def __post_init__(self) -> None:
        if self.quantity.value <= 0:
            raise ConfigError(f"fact {self.key}: expected more than 0, found {self.quantity}")

    def __repr__(self) -> str:
        source = f"{self.source}, {self.year}" if self.year else self.source
        return f"{self.key} = {self.quantity}: {self.says} ({source})"


_LESSON = "Educative, Machine Learning System Design, lesson on video recommendation"
_BOOK = "Aminian and Xu, Machine Learning System Design Interview"
FACTS = (
    Fact("users", Quantity.of(1_300_000_000, "users"), "The total number of users is 1.3 billion.", _LESSON, None),
    Fact(
        "requests_per_second",
        Quantity.of(10_000_000, "requests/s"),
        "Every second 10 million users ask for recommendations.",
        _LESSON,
        None,
    ),
    Fact("views_per_month", Quantity.of(150_000_000_000, "views/month"), "150 billion views a month.", _LESSON, None),
    Fact("recommended_share", Quantity.of(10, "%"), "10 % of the videos watched were recommended.", _LESSON, None),
    Fact("views_per_page", Quantity.of(2, "views/page"), "A user watches two of a page's videos.", _LESSON, None),
    Fact("catalogue_videos", Quantity.of(10_000_000_000, "videos"), "There are 10 billion videos.", _BOOK, 2023),
    Fact("latency", Quantity.of(200, "ms"), "The answer takes at most 200 ms.", _BOOK, 2023),
)
"""Each as its source states it, whether it is plausible or not."""
_WAYS = (
    ("requests_per_user_day", "requests_per_second / users", "requests/user/day"),
    (
        "requests_per_user_day",
        "views_per_month * recommended_share / views_per_page * requests_per_page / users",
        "requests/user/day",
    ),
)
"""What facts imply, by which formula."""
_ASSUMED = {"requests_per_page": Quantity.of(1, "request/page")}


def fact(key: str) -> Fact:
    """Return one of `FACTS` by its key.

    >>> fact("views_per_page").quantity
    2 views/page
    """
    for one in FACTS:
        if one.key == key:
            return one
    raise ConfigError(f"expected the key of a fact ({', '.join(one.key for one in FACTS)}), found {key!r}")


@dataclass(frozen=True, repr=False)
class Contradiction:
    """Two ways to the same quantity, `larger` and `smaller`, that lie `ratio` times apart, and the facts used.

    >>> contradictions()[0].sources
    ('Educative, Machine Learning System Design, lesson on video recommendation',)
    """

    larger: Derived
    smaller: Derived
    facts: tuple[Fact, ...]

    @property
    def ratio(self) -> float:
        """How many times larger the larger is.

        >>> round(contradictions()[0].ratio, 6)
        3456.0
        """
        return float((self.larger.quantity / self.smaller.quantity).to(""))

    @property
    def sources(self) -> tuple[str, ...]:
        """The names of the sources, each once.

        >>> len(contradictions()[0].sources)
        1
        """
        return tuple(dict.fromkeys(one.source for one in self.facts))

    def __repr__(self) -> str:
        used = [
            f"{source}: " + " ".join(one.says for one in self.facts if one.source == source) for source in self.sources
        ]
        times = f"{self.larger.name}: {Quantity.of(self.ratio).text()} × apart"
        return "\n".join([times, *self.larger.lines[1:], "or", *self.smaller.lines[1:], *used])


def contradictions(facts: Iterable[Fact] = FACTS, apart: float = 2.0) -> list[Contradiction]:
    """Return each two ways of working out the same quantity that lie more than `apart` times apart.

    A way is tried where all its facts are given. A page is taken to be one request.

    >>> contradictions()
    [requests_per_user_day: 3,456 × apart
    = requests_per_second ÷ users
    = 10,000,000 requests/s ÷ 1,300,000,000 users
    = 664.6 requests/user/day
    or
    = views_per_month × recommended_share ÷ views_per_page × requests_per_page ÷ users
    = 150,000,000,000 views/month × 10 % ÷ 2 views/page × 1 request/page ÷ 1,300,000,000 users
    = 0.1923 requests/user/day
    Educative, Machine Learning System Design, lesson on video recommendation: The total number of users is ...]
    """
    given: dict[str, Fact] = {}
    for one in facts:
        if one.key in given:
            raise ConfigError(f"expected each fact once, found {one.key} twice: compare one source at a time")
        given[one.key] = one
    if not apart >= 1:
        raise ConfigError(f"apart: expected a number of at least 1, found {apart}")
    known = _ASSUMED | {key: one.quantity for key, one in given.items()}
    ways = [(derive(name, formula, unit, known), _names(formula)) for name, formula, unit in _WAYS
            if _names(formula) <= set(known)]  # fmt: skip
    found = []
    for (left, of_left), (right, of_right) in combinations(ways, 2):
        smaller, larger = sorted((left, right), key=lambda way: way.value)
        used = tuple(one for key, one in given.items() if key in of_left | of_right)
        if left.name == right.name and larger.quantity > smaller.quantity * apart:
            found.append(Contradiction(larger, smaller, used))
    return found


def _names(formula: str) -> set[str]:
    return set(re.findall(r"[a-z_]+", formula))
