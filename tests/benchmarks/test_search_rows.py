"""The rows about search and ALS, at a small size."""

import json
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from benchmarks import als_curve, page, results
from benchmarks.rows import search_cost
from benchmarks.rows.als_to_recall import first, most
from benchmarks.rows.search_choice import BUDGET, SearchChoice
from benchmarks.rows.search_cost import RECALL, SearchCost, complete, slopes
from tests.needs import faiss


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    faiss()
    return results.measured(SearchCost("search", "Search.", (1, 2, 3), "drawn"), True, lambda _: None)


def test_each_size_has_every_way_with_its_recall_and_the_last_line_the_slopes(found: dict[str, Any]) -> None:
    *sizes, last = found["parts"]
    assert [part["videos"] for part in sizes] == [1_000, 3_000, 9_000]
    for part in sizes:
        assert min(part[f"{way}_recall"] for way in ("annoy_dot", "annoy_augmented", "hnsw")) >= RECALL
        assert part["exact_MB"] == round(part["videos"] * 64 * 4 / 1e6, 1)
    assert last["videos"] == "slope"
    x, y = (np.log([part[name] for part in sizes]) for name in ("videos", "exact_ms"))
    assert last["exact_ms"] == pytest.approx(np.polyfit(x, y, 1)[0], abs=1e-3)
    assert json.loads(json.dumps(found)) == found


def test_the_page_has_a_line_a_size_and_empty_cells_where_nothing_was_measured(found: dict[str, Any]) -> None:
    made = page.text([found])
    assert "| videos | exact ms |" in made
    assert "| 9,000 |" in made
    assert [page.cell(value) for value in (20_000.0, 1_603, 0.45312, None)] == ["20,000", "1,603", "0.453", ""]
    assert complete([{"a": 1}, {"b": 2}]) == [{"a": 1, "b": ""}, {"a": "", "b": 2}]


@pytest.mark.parametrize("source", ["learned", "drawn"])
def test_the_choice_is_the_point_of_highest_recall_within_the_budget_and_says_what_is_lost(source: str) -> None:
    faiss()
    found = results.measured(SearchChoice("choice", "vectors", source), True, lambda _: None)
    points = found["parts"]
    ways = ["exact", "exact by length", "annoy dot, 20 trees", "annoy augmented, 20 trees", "hnsw, 16 links"]
    assert list(dict.fromkeys(point["name"] for point in points)) == ways
    fits = [
        point
        for point in points
        if point["milliseconds"] <= BUDGET.milliseconds and point["p99_milliseconds"] <= BUDGET.p99_milliseconds
    ]
    (chosen,) = (point for point in points if "of all" in point["chosen"])
    assert chosen["recall"] == max(point["recall"] for point in fits)
    assert found["ours"]["median"] == pytest.approx(chosen["milliseconds"] / 1000)
    lost = "nothing" if chosen["low"] == 1 else f"{100 * (1 - chosen['recall']):.1f} %"
    assert f"{lost} of exact search's first 100 is lost" in found["equal"]
    assert found["met"]
    assert json.loads(json.dumps(found)) == found
    assert "| exact |  | 1 |" in page.text([found])


def test_a_slope_is_that_of_logs_and_needs_three_sizes() -> None:
    parts: list[dict[str, int | float | str]] = [
        {"videos": 10**e, "exact_ms": 2.0**e, "hnsw_ms": 1.0} for e in range(3)
    ]
    assert slopes(parts) == [{"videos": "slope", "exact_ms": round(float(np.log10(2)), 3), "hnsw_ms": 0.0}]
    assert slopes(parts[:2]) == []


def test_the_recall_of_a_curve_is_what_a_plain_loop_finds() -> None:
    rng = np.random.default_rng(0)
    users, videos = rng.normal(size=(8, 3)), rng.normal(size=(40, 3))
    seen, relevant = (csr_matrix(rng.random((8, 40)) < share) for share in (0.2, 0.1))
    relevant = csr_matrix(relevant.toarray() & ~seen.toarray())
    shares = []
    for user in np.flatnonzero(np.diff(relevant.indptr)):
        order = [v for v in np.argsort(-(videos @ users[user])).tolist() if not seen[user, v]][:5]
        shares.append(len(set(order) & set(relevant[user].indices.tolist())) / relevant[user].nnz)
    assert als_curve.recall(users, videos, seen, relevant, k=5) == pytest.approx(np.mean(shares))


def test_the_seconds_are_those_of_the_fewest_iterations_that_reach_the_recall() -> None:
    curve = [(1, 0.1, 0.2), (2, 0.2, 0.35), (4, 0.4, 0.3)]
    assert most(curve) == 0.35
    assert first(curve, 0.3) == 0.2


def test_drawn_vectors_are_of_the_shape_asked_for_and_uneven() -> None:
    videos, people = search_cost.vectors("drawn", 500)
    assert videos.shape == (500, 64)
    assert people.shape == (search_cost.QUERIES, 64)
    assert np.linalg.norm(videos, axis=1).std() > 1  # as uneven as learned ones
