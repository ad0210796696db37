# /// script
# requires-python = ">=3.11"
# dependencies = ["duckdb==2.0.*", "numpy>=2"]
# ///
"""DuckDB: a window's sum as the difference of two ASOF joins on running sums."""

import duckdb
import numpy as np

from benchmarks.child import Arrays, timed

QUERY = """
    with totals as (
        select user, known_at,
               sum(contribution) over (partition by user order by known_at range unbounded preceding) as total
        from events),
    latest as (select user, known_at, any_value(total) as total from totals group by all)
    select l.row, coalesce(e.total, 0) - coalesce(s.total, 0) as sum
    from labels l
    asof left join latest e on l.user = e.user and l.as_of > e.known_at
    asof left join latest s on l.user = s.user and l.start > s.known_at
    order by l.row"""


def work(given: Arrays) -> Arrays:
    """Return each label's sum over its window, in the units of the contributions."""
    connection = duckdb.connect(config={"threads": 2})
    labels = {"row": np.arange(len(given["as_of"])), "user": given["label_user"]}
    connection.register("events", {name: given[name] for name in ("user", "known_at", "contribution")})
    connection.register("labels", labels | {name: given[name] for name in ("as_of", "start")})
    return {"sum": connection.execute(QUERY).fetchnumpy()["sum"].astype(np.int64)}


if __name__ == "__main__":
    timed(work, "duckdb", "numpy")
