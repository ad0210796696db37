"""How long do windowed features take? Ours beside DuckDB's ASOF join on running sums, equal on every row.

python benchmarks/windowed_features.py --events 2000000 --labels 200000 --windows 1
python benchmarks/windowed_features.py --events 10000000 --labels 1000000 --windows 3
"""

import argparse
from time import perf_counter

import duckdb
import numpy as np
import pandas as pd

from mlsd_lab.features import Sum, windowed
from mlsd_lab.features.history import History
from mlsd_lab.machine import machine, versions

DAYS = ("7d", "14d", "28d")


def main() -> None:
    """Build and join once each way, compare the sums, print seconds and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("events", 2_000_000), ("labels", 200_000), ("windows", 1), ("users", 100_000)):
        parser.add_argument(f"--{name}", type=int, default=default)
    size = parser.parse_args()
    rng = np.random.default_rng(0)
    times = np.sort(rng.integers(0, 28 * 86_400_000_000, size.events))
    events = pd.DataFrame({"user": rng.integers(0, size.users, size.events), "known_at": times})
    events["watched"] = rng.random(size.events)
    labels = pd.DataFrame({"user": rng.integers(0, size.users, size.labels)})
    labels["as_of"] = rng.integers(0, 28 * 86_400_000_000, size.labels)

    @windowed(entity="user_id", over=DAYS[: size.windows], aggregate=Sum)
    def watched(rows: pd.DataFrame) -> pd.Series:
        """Seconds watched."""
        return rows.watched

    began = perf_counter()
    history = History(events["user"].to_numpy(), watched.contributions(events))
    built = perf_counter()
    as_of = labels["as_of"].to_numpy()
    position = np.searchsorted(times, as_of, side="left")
    starts = [np.searchsorted(times, window.start(as_of), side="left") for window in watched.windows]
    ours = [total[:, 1] for total in history.between(labels["user"].to_numpy(), starts, position)]
    joined = perf_counter()
    print(f"{machine()} {versions()}")
    print(f"{size.events:,} events, {size.labels:,} labels, {size.windows} windows")
    print(f"ours: build {built - began:.2f} s, join {joined - built:.2f} s")

    events["sum"] = watched.contributions(events)[:, 1]
    asof = perf_counter()
    theirs = duckdb_sums(events, labels, watched.windows[0].start(as_of))
    seconds = perf_counter() - asof
    print(
        f"DuckDB ASOF on running sums, the first window alone: {seconds:.2f} s, {seconds / (joined - began):.1f} × ours"
    )
    assert (theirs == ours[0]).all(), "the sums differ"
    print(f"equal on all {size.labels:,} rows")


def duckdb_sums(events: pd.DataFrame, labels: pd.DataFrame, start: np.ndarray) -> np.ndarray:
    """Return each label's sum over its window: running totals at its end less those at its start."""
    connection = duckdb.connect(config={"threads": 2})
    labels = labels.assign(row=np.arange(len(labels)), start=start)
    connection.register("events", events)
    connection.register("labels", labels)
    query = """
        with totals as (
            select user, known_at,
                   sum(sum) over (partition by user order by known_at range unbounded preceding) as total
            from events),
        latest as (select user, known_at, any_value(total) as total from totals group by all)
        select l.row, coalesce(e.total, 0) - coalesce(s.total, 0) as sum
        from labels l
        asof left join latest e on l.user = e.user and l.as_of > e.known_at
        asof left join latest s on l.user = s.user and l.start > s.known_at
        order by l.row"""
    return connection.execute(query).fetchnumpy()["sum"].astype(np.int64)


if __name__ == "__main__":
    main()
