import json
from io import StringIO

import numpy as np
import pandas as pd
import pytest

from mlsd_lab.errors import DataError
from mlsd_lab.features import MemoryStore
from mlsd_lab.features.feed import FEED
from mlsd_lab.serving import Bundle, Recommender, play, replay
from tests.ranking.small_feed import small_log
from tests.serving.small_service import a_day_of_requests, bundle, bundle_of, logistic, request, timeline
from tests.serving.test_recommender import Broken, raising


def served_by(of: Bundle) -> pd.DataFrame:
    made = Recommender(of, MemoryStore(FEED, small_log().videos), candidates=30, shown=8)
    return play(made, timeline(), small_log(), a_day_of_requests(), batch=150).served


@pytest.fixture(scope="module")
def served() -> pd.DataFrame:
    return served_by(bundle())


def assert_replays(of: Bundle, served: pd.DataFrame) -> None:
    assert served["request_id"].nunique() == 40
    for _, rows in served.groupby("request_id"):
        again = replay(of, timeline(), rows)
        assert again.index.equals(rows.index)
        assert again["rank"].tolist() == rows["rank"].tolist()
        assert again["score"].to_numpy().tobytes() == rows["score"].to_numpy(np.float64).tobytes()


def test_every_answer_has_the_same_ranks_and_the_same_bits(served: pd.DataFrame) -> None:
    assert_replays(bundle(), served)


def test_a_logistic_ranker_s_answers_too() -> None:
    of = bundle_of(logistic())
    assert_replays(of, served_by(of))


def test_after_a_round_trip_through_csv(served: pd.DataFrame) -> None:
    read = pd.read_csv(StringIO(served.to_csv(index=False)), dtype=str)  # text to numbers without a lost digit
    numbers = read.astype({"score": float, "retrieval_score": float, "rank": int, "position_absorbed": int})
    assert_replays(bundle(), numbers.assign(as_of=pd.to_datetime(read["as_of"])))


def test_after_a_round_trip_through_json(served: pd.DataFrame) -> None:
    text = json.dumps(served.astype({"as_of": str, "newest_known_at": str}).to_dict("records"))
    read = pd.DataFrame(json.loads(text))
    assert_replays(bundle(), read.assign(as_of=pd.to_datetime(read["as_of"])))


def test_in_any_order_of_rows_equal_scores_among_them(served: pd.DataFrame) -> None:
    assert served.duplicated(["request_id", "score"]).any()  # else the order would say nothing
    assert_replays(bundle(), served.sample(frac=1.0, random_state=0))


def test_by_a_bundle_written_and_read_again(served: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("replay") / "bundle"
    bundle().save(folder)
    assert_replays(Bundle.load(folder, FEED), served)


@pytest.mark.parametrize(
    ("column", "value"),
    [("score", 0.123), ("position_absorbed", 0), ("user_id", "u59"), ("retrieval_score", -9.0), ("video_id", "v0")],
)
def test_a_row_that_was_tampered_with_is_found(served: pd.DataFrame, column: str, value: object) -> None:
    found = 0
    for _, rows in served.groupby("request_id"):
        tampered = rows.copy()
        tampered.loc[tampered.index[3], column] = value
        again = replay(bundle(), timeline(), tampered)
        found += bool((again["score"] != tampered["score"]).any())
    assert found == 40 if column == "score" else found > 0


def test_swapped_ranks_are_found_where_scores_differ(served: pd.DataFrame) -> None:
    for _, rows in served.groupby("request_id"):
        swapped = rows["score"].iloc[0] > rows["score"].iloc[-1]
        tampered = rows.assign(rank=rows["rank"].to_numpy()[::-1])
        again = replay(bundle(), timeline(), tampered)["rank"]
        assert (again.tolist() != tampered["rank"].tolist()) == swapped


def test_a_degraded_answer_keeps_its_order_and_its_scores() -> None:
    of = bundle_of(Broken(raising))
    assert_replays(of, served_by(of))


def test_a_served_log_of_several_or_no_requests_is_refused(served: pd.DataFrame) -> None:
    with pytest.raises(DataError, match="expected the rows of one request, found 40"):
        replay(bundle(), timeline(), served)
    with pytest.raises(DataError, match="expected the rows of one request, found 0"):
        replay(bundle(), timeline(), served.iloc[:0])


def test_rows_of_another_bundle_are_refused_with_both_names(served: pd.DataFrame) -> None:
    of = bundle_of(logistic())
    rows = served[served["request_id"] == request("u1", 37).request_id]
    assert len(rows)
    with pytest.raises(
        DataError, match=f"expected rows of bundle {of.content_sha256}, found {bundle().content_sha256}"
    ):
        replay(of, timeline(), rows)
