"""From what the business wants to what can be measured offline, one tree a prompt."""

from dataclasses import dataclass

from mlsd_lab.errors import ConfigError


@dataclass(frozen=True)
class MetricTree:
    """A goal, the online metric that stands for it, what must not get worse, and what is measured before a test.

    >>> metric_tree("video-feed").online
    'satisfied minutes a person a week'
    """

    brief: str
    task: str
    """What is given, what is predicted, and what is decided by it."""
    goal: str
    online: str
    guardrails: tuple[str, ...]
    offline: tuple[str, ...]
    label: str
    """What the model learns to predict."""
    known_after: str
    """How long after the decision the label is known, and whom it is never known of."""
    if_wrong: str
    """What each kind of error costs."""

    def __repr__(self) -> str:
        lines = [f"business goal: {self.goal}", f"└─ online metric: {self.online}"]
        lines += [f"   ├─ guardrail: {name}" for name in self.guardrails]
        lines += [f"   ├─ offline metric: {name}" for name in self.offline]
        lines += [f"   └─ label: {self.label}", f"      known: {self.known_after}"]
        return "\n".join([f"task: {self.task}", *lines, f"if it is wrong: {self.if_wrong}"])


TREES = (
    MetricTree(
        "video-feed",
        "a person, a video and a moment → the chance of a long view, and its minutes → an order of six",
        "people come back because the feed was worth their time",
        "satisfied minutes a person a week",
        ("people active on a day", "reports and hides a thousand exposures", "share of exposures of small creators"),
        ("recall of the candidates, on a split by time", "NDCG and calibration of the ranker, on exposures"),
        "a long view, weighted by minutes; a survey now and then",
        "when the watch ends and the phone reports; never of what was not shown",
        "a dull video costs seconds; a feed of bait costs people, weeks later",
    ),
    MetricTree(
        "ad-clicks",
        "a person, an ad and a page → the chance of a click → a bid of chance × value, and an auction",
        "revenue that advertisers and readers are both willing to keep up",
        "revenue a thousand auctions",
        ("ads hidden or reported", "advertisers' cost of a sale", "page load time"),
        ("calibration, since bids are multiplied by the chance", "log loss, on a split by time"),
        "a click; a purchase, where the advertiser reports it",
        "a click within minutes, a purchase within days; what came too late looks like a no",
        "too high a chance is paid by the advertiser, too low a one by us: every error has a price",
    ),
    MetricTree(
        "event-recommendation",
        "a person and an event to come → the chance of a sign-up → a message, or none",
        "people go to events that they would have missed",
        "tickets and sign-ups a person a month",
        ("cancellations", "messages muted", "share of events with nobody recommended to"),
        ("recall of events signed up for", "the same for events that were new after the training"),
        "a sign-up; later, whether the person came",
        "days, up to the event itself; an event that is over teaches nothing about itself",
        "one bad message too many and all are muted; a good event missed is gone",
    ),
    MetricTree(
        "harmful-content",
        "a post in words, pictures or sound → a chance for each kind of harm → remove, show less, or ask a reviewer",
        "fewer people see harmful posts, and few harmless posts are taken down",
        "views of harmful posts a million views",
        ("appeals that are granted", "reviewers' hours", "time until a report is looked at"),
        ("precision and recall at the reviewers' capacity", "the same by kind of harm and by language"),
        "a reviewer's verdict",
        "hours to days; known only of posts that somebody looked at, unless some are drawn at random",
        "a harmful post missed is seen by many, a harmless one removed silences a person: two costs, two thresholds",
    ),
    MetricTree(
        "similar-listings",
        "a listing looked at, and a candidate → the chance that it is booked in this session → a row of others",
        "guests find a place to stay that suits them",
        "bookings a search session",
        ("cancellations", "share of bookings of new hosts", "complaints"),
        ("rank of the place finally booked, on sessions after the training", "coverage of listings"),
        "a booking in the same session; clicks as the weaker sign",
        "minutes for clicks, days for bookings, weeks for cancellations",
        "little at once: the traveller scrolls on; but new hosts who are never shown never get a booking",
    ),
)


def metric_tree(brief: str) -> MetricTree:
    """Return the tree of a brief by its name.

    >>> metric_tree("weather")
    Traceback (most recent call last):
    mlsd_lab.errors.ConfigError: expected a brief of video-feed, ..., similar-listings, found 'weather'
    """
    trees = {tree.brief: tree for tree in TREES}
    if brief not in trees:
        raise ConfigError(f"expected a brief of {', '.join(trees)}, found {brief!r}")
    return trees[brief]
