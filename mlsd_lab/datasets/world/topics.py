"""The topics of a world, and titles that a person can read."""

import numpy as np
from numpy.typing import NDArray

TOPICS = {
    "cooking": ("flatbread", "dumplings", "knife skills", "lentil soup", "a roast dinner", "fermented cabbage"),
    "football": ("free kicks", "the offside rule", "goalkeeping", "pressing", "penalties", "a Sunday league side"),
    "chess": ("the Sicilian", "rook endings", "blitz", "the Queen's Gambit", "forks and pins", "a lost position"),
    "gardening": ("tomatoes", "compost", "pruning roses", "a balcony garden", "slugs", "winter beds"),
    "astronomy": ("Saturn", "a home telescope", "meteor showers", "the dark side of the Moon", "comets", "star maps"),
    "guitar": ("barre chords", "fingerpicking", "a twelve-bar blues", "restringing", "slide guitar", "strumming"),
    "travel": ("the night train", "Lisbon on foot", "hostels", "a border crossing", "island ferries", "packing light"),
    "woodwork": ("dovetails", "a workbench", "sharpening chisels", "a rocking chair", "oak", "spoon carving"),
    "cats": ("a kitten's first week", "indoor cats", "the vet", "cat doors", "an old tomcat", "cats and boxes"),
    "history": ("the Silk Road", "Roman roads", "the printing press", "plague years", "the Hanse", "old maps"),
    "mathematics": ("prime numbers", "infinity", "Bayes' rule", "knots", "the golden ratio", "proof by induction"),
    "running": ("a first marathon", "hill sprints", "sore knees", "trail running", "pacing", "running in the rain"),
    "phones": ("cracked screens", "battery life", "a camera test", "foldables", "old keypads", "repairing a phone"),
    "painting": ("watercolour skies", "mixing greens", "portraits", "a limited palette", "gouache", "sketching"),
    "comedy": ("the office party", "my landlord", "dating apps", "a family lunch", "the gym", "airport security"),
    "sailing": ("reefing", "a first crossing", "knots at sea", "anchoring", "night watch", "a leaking hull"),
}
"""Topic → what its videos are about."""
_HONEST = (
    "{} from the beginning",
    "{}, step by step",
    "{}: a year in three minutes",
    "{}: the usual mistakes",
    "{} for people without time",
    "{}: ask me anything",
    "{} explained to my father",
    "{}, and nobody talks",
    "{}: then and now",
    "{} on a small budget",
    "{}, the long version",
    "{}: what I would do again",
)
_BAIT = (
    "You will NOT believe {}",
    "{}: they lied to us",
    "I tried {} and cried",
    "STOP! Watch this before {}",
)


def titles(topic: NDArray[np.integer], bait: NDArray[np.bool_], rng: np.random.Generator) -> list[str]:
    """Return a title for each video, given its topic (a place in `TOPICS`) and whether it is clickbait.

    Where a title comes up again it gets a part number, so that each stands for one video.

    >>> titles(np.array([2, 2]), np.array([False, True]), np.random.default_rng(3))
    ['Forks and pins: a year in three minutes', 'You will NOT believe the Sicilian']
    """
    about = list(TOPICS.values())
    subject = rng.integers(0, len(about[0]), len(topic)).tolist()
    form = np.where(bait, rng.integers(0, len(_BAIT), len(topic)), rng.integers(0, len(_HONEST), len(topic))).tolist()
    parts: dict[str, int] = {}
    made = []
    for at, of, which, baiting in zip(topic.tolist(), subject, form, bait.tolist(), strict=True):
        title = (_BAIT if baiting else _HONEST)[which].format(about[at][of])
        title = title[0].upper() + title[1:]
        part = parts[title] = parts.get(title, 0) + 1
        made.append(title if part == 1 else f"{title}, part {part}")
    return made
