import numpy as np

from mlsd_lab.datasets.world.topics import TOPICS, titles


def test_each_title_stands_for_one_video_and_speaks_of_its_topic() -> None:
    rng = np.random.default_rng(0)
    topic = rng.integers(0, len(TOPICS), 5_000)
    made = titles(topic, rng.random(5_000) < 0.1, rng)
    assert len(set(made)) == len(made)
    subjects = list(TOPICS.values())
    for title, place in zip(made, topic, strict=True):
        assert any(subject.lower() in title.lower() for subject in subjects[place])


def test_clickbait_is_titled_so() -> None:
    topic = np.zeros(200, int)
    honest, bait = (set(titles(topic, np.full(200, b), np.random.default_rng(0))) for b in (False, True))
    assert not honest & bait


def test_topics_have_as_many_subjects_each() -> None:
    assert {len(subjects) for subjects in TOPICS.values()} == {6}
