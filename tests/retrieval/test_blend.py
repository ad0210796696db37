import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mlsd_lab.errors import ConfigError
from mlsd_lab.evaluation import NOBODY, Candidates, Popular
from mlsd_lab.retrieval import ALS, Blend, Fresh, ItemKNN, Retriever
from mlsd_lab.retrieval.blend import blended
from mlsd_lab.retrieval.first_stage import QUOTAS
from tests.retrieval.retriever_contract import NEWCOMER, USERS, RetrieverContract, a_log, lists


class TestBlend(RetrieverContract):
    def make(self) -> Retriever:
        sources: dict[str, Retriever] = {
            "als": ALS(factors=4, regularization=0.1),
            "knn": ItemKNN(),
            "popular": Popular(),
            "fresh": Fresh(),
        }
        return Blend(sources, {"als": 5, "knn": 2, "popular": 2, "fresh": 1})


def a_list(videos: list[int]) -> Candidates:
    return Candidates(np.array([videos], dtype=np.int32).reshape(1, -1), -np.arange(len(videos), dtype=float)[None])


SHORT_LISTS = st.lists(
    st.permutations(range(9)).flatmap(lambda p: st.integers(0, 9).map(lambda n: p[:n])), min_size=1, max_size=4
)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(given_lists=SHORT_LISTS, quotas=st.lists(st.integers(1, 5), min_size=4, max_size=4), k=st.integers(1, 12))
@example(given_lists=[[0], [1], [2], [3, 4, 5, 6]], quotas=[1, 1, 1, 3], k=4)  # the last gets one of its two
def test_quotas_are_filled_but_for_rounding_no_video_comes_twice_and_nothing_is_left_while_there_is_room(
    given_lists: list[list[int]], quotas: list[int], k: int
) -> None:
    found = {str(at): a_list(videos) for at, videos in enumerate(given_lists)}
    shares = {name: float(quotas[int(name)]) for name in found}
    result = blended(found, shares, k)
    (row,) = lists(result.candidates)
    everything = {video for videos in given_lists for video in videos}
    assert len(row) == len(set(row)) == min(k, len(everything))
    for name, videos in zip(found, given_lists, strict=True):
        assured = np.ceil((k - len(found) / 2) * shares[name] / sum(shares.values()) - 0.5 - 1e-9)
        assert set(videos[: max(0, int(assured))]) <= set(row)
    for video, sources, scores in zip(row, result.sources(0), result.scores[0], strict=False):
        assert sources == [name for name, videos in zip(found, given_lists, strict=True) if video in videos]
        for at, videos in enumerate(given_lists):
            assert scores[at] == -videos.index(video) if video in videos else np.isnan(scores[at])


def test_the_main_job_s_quotas_are_filled_at_every_length() -> None:
    found = {name: a_list(list(range(200 * at, 200 * at + 200))) for at, name in enumerate(QUOTAS)}
    (row,) = lists(blended(found, QUOTAS, k=200).candidates)
    source = np.array(row) // 200
    for k in range(1, 201):
        taken = np.bincount(source[:k], minlength=len(QUOTAS))
        assert (taken >= np.floor(k * np.array(list(QUOTAS.values())) / 10 + 1e-9)).all()


def test_a_source_s_score_stands_beside_its_candidate() -> None:
    log = a_log()
    als, popular = ALS(factors=4, regularization=0.1).fit(log), Popular().fit(log)
    users = np.array([3, 8])
    table = Blend({"als": als, "popular": popular}).blended(users, 10).to_frame()
    assert table.groupby("row")["rank"].max().tolist() == [9, 9]
    from_als = table[table["als"].notna()]
    assert from_als["als"].to_numpy() == pytest.approx(als.scores(users[from_als["row"]], from_als["video"]))
    from_popular = table[table["popular"].notna()]
    assert from_popular["popular"].tolist() == popular.counts_[from_popular["video"]].tolist()
    assert table[["als", "popular"]].notna().any(axis=1).all()


def test_a_source_without_candidates_leaves_its_room_to_the_others() -> None:
    log = a_log()
    blend = Blend({"als": ALS(factors=4), "popular": Popular()}).fit(log)
    assert lists(blend.retrieve(np.array([NEWCOMER]), 10)) == lists(
        Popular().fit(log).retrieve(np.array([NEWCOMER]), 10)
    )


def test_one_source_alone_is_that_source() -> None:
    log = a_log()
    users = np.arange(USERS + 1)
    alone = ItemKNN().fit(log).retrieve(users, 9)
    assert lists(Blend({"knn": ItemKNN()}).fit(log).retrieve(users, 9)) == lists(alone)


def test_filling_has_no_source() -> None:
    result = blended({"a": a_list([4, NOBODY])}, {"a": 1}, k=2)
    assert result.candidates.videos.tolist() == [[4, NOBODY]]
    assert result.sources(0) == [["a"]]
    assert np.isnan(result.scores[0, 1]).all()


def test_a_video_that_a_source_has_twice_takes_its_first_place_and_score() -> None:
    videos = np.random.default_rng(0).permutation(np.repeat(np.arange(100), 3)).tolist()
    result = blended({"a": a_list(videos)}, {"a": 1}, k=100)
    (row,) = lists(result.candidates)
    assert row == list(dict.fromkeys(videos))
    assert result.scores[0, :, 0].tolist() == [-videos.index(video) for video in row]


def test_lists_of_other_users_are_refused() -> None:
    two = Candidates(np.zeros((2, 1), dtype=np.int32), np.zeros((2, 1)))
    with pytest.raises(ConfigError, match=r"expected lists for the same users, found \[1, 2\] of them"):
        blended({"a": a_list([1]), "b": two}, {"a": 1, "b": 1}, k=3)


@pytest.mark.parametrize("quotas", [{"a": 1.0}, {"a": 1.0, "b": 0.0}, {"a": 1.0, "b": -1.0}, {"a": 1.0, "b": np.inf}])
def test_each_source_needs_a_quota(quotas: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="1 or more sources and for each a quota above 0, found sources a, b"):
        Blend({"a": Popular(), "b": Popular()}, quotas)
