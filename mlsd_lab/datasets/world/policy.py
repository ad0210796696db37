"""The feed that was there before ours: it shows what it believes people like, explores a little, and notes how."""

import numpy as np
from numpy.typing import NDArray

from mlsd_lab.datasets.world.config import SLOTS, Drift
from mlsd_lab.datasets.world.population import Population
from mlsd_lab.datasets.world.topics import TOPICS
from mlsd_lab.datasets.world.truth import VIRAL_TOPIC, viral

EXPLORED = 0.01 + 0.01 * np.arange(SLOTS)
"""P(a video is drawn evenly from all that are there | position), outside the surface that does nothing else."""
_BELIEF = 3.0  # how sharply the feed follows the taste that it sees
_FRESH_DAYS, _FRESH_BOOST, _VIRAL_BOOST = 3.0, 2.0, 5.0


class Policy:
    """Draws slates without repetition and knows the propensity of each draw.

    A slot is filled evenly from all available videos with probability e(position), else by topic as the person likes
    topics, then by reach within the topic. `propensity` is P(this video at this position | person, day, earlier
    positions): a video that is in the slate already is drawn anew.

    >>> from mlsd_lab.datasets.world.config import WorldConfig
    >>> people = Population.draw(WorldConfig(users=20, videos=150), np.random.default_rng(0))
    >>> policy = Policy(people, Drift())
    >>> video, propensity = policy.on_day(0).draw(np.array([3]), np.array([2]), np.array([0]), np.random.default_rng(1))
    >>> video.shape, int((video >= 0).sum()), bool((propensity[0, :2] > 0).all())
    ((1, 6), 2, True)
    """

    def __init__(self, people: Population, drift: Drift) -> None:
        self.people, self.drift = people, drift
        self.by_topic = np.argsort(people.topic, kind="stable")
        self.first = np.searchsorted(people.topic[self.by_topic], np.arange(len(TOPICS) + 1))
        liking = np.exp(_BELIEF * np.einsum("ud,td->ut", people.taste, people.topic_centre), dtype=np.float64)
        self.belief = liking / liking.sum(axis=1, keepdims=True)

    def on_day(self, day: int) -> "PolicyOfDay":
        """Return the policy with the videos of one day."""
        return PolicyOfDay(self, day)


class PolicyOfDay:
    """The policy as it is on one day: what is uploaded by then, how fresh it is.

    >>> PolicyOfDay.__name__
    'PolicyOfDay'
    """

    def __init__(self, policy: Policy, day: int) -> None:
        self.people = people = policy.people
        self.by_topic, self.belief = policy.by_topic, policy.belief
        if viral(policy.drift, np.array([day]))[0]:
            boosted = self.belief * np.where(np.arange(len(TOPICS)) == VIRAL_TOPIC, _VIRAL_BOOST, 1)
            self.belief = boosted / boosted.sum(axis=1, keepdims=True)
        self.believed = np.cumsum(self.belief, axis=1)
        age = day - people.uploaded_day
        self.available = int(np.searchsorted(people.uploaded_day, day, side="right"))  # videos stand in that order
        weight = people.reach * (1 + _FRESH_BOOST * np.exp(-np.clip(age, 0, None) / _FRESH_DAYS)) * (age >= 0)
        ordered = weight[policy.by_topic].astype(np.float64)
        self.reached = np.cumsum(ordered)
        edges = np.concatenate([[0], self.reached])[policy.first]
        self.low, self.within = edges[:-1], np.diff(edges)
        shown = np.flatnonzero(ordered > 0)
        self.last = shown[np.searchsorted(shown, policy.first[1:]) - 1]
        self.weight = np.where(age >= 0, weight, 0) / self.within[people.topic]

    def draw(
        self,
        user: NDArray[np.integer],
        length: NDArray[np.integer],
        surface: NDArray[np.integer],
        rng: np.random.Generator,
    ) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """Return videos and propensities, (slates, slots), for slates of these lengths; past its end -1 and 0."""
        shape = (len(user), SLOTS)
        video, propensity = np.full(shape, -1, np.int32), np.zeros(shape)
        for position in range(SLOTS):
            rows = np.flatnonzero(length > position)
            even = np.where(surface[rows] == 2, 1.0, EXPLORED[position])
            earlier = video[rows, :position]
            drawn = np.empty(len(rows), np.int32)
            left = np.arange(len(rows))
            while len(left):
                drawn[left] = self._once(user[rows[left]], even[left], rng)
                left = left[(earlier[left] == drawn[left, None]).any(axis=1)]
            taken = np.zeros(len(rows))
            for column in range(position):
                taken += self.chance(user[rows], earlier[:, column], even)
            video[rows, position] = drawn
            propensity[rows, position] = self.chance(user[rows], drawn, even) / (1 - taken)
        return video, propensity

    def chance(
        self, user: NDArray[np.integer], video: NDArray[np.integer], even: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return P(this video is drawn for this person), where a share `even` of draws is even; repeats not yet out."""
        believed = self.belief[user, self.people.topic[video]]
        return (1 - even) * believed * self.weight[video] + even / self.available

    def _once(
        self, user: NDArray[np.integer], even: NDArray[np.float64], rng: np.random.Generator
    ) -> NDArray[np.int64]:
        evenly, which, within = rng.random((3, len(user)))
        topic = np.minimum((self.believed[user] <= which[:, None]).sum(axis=1), len(TOPICS) - 1)
        place = np.searchsorted(self.reached, self.low[topic] + within * self.within[topic], side="right")
        by_reach = self.by_topic[np.minimum(place, self.last[topic])]
        return np.where(evenly < even, (within * self.available).astype(np.int64), by_reach)
