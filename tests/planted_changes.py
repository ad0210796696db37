"""Does strict nbval notice? Changes planted in a copy, one at a time, each of which must turn the notebooks red.

python tests/planted_changes.py [NUMBER…]

The notebooks cannot see an audit that compares a column with itself, serving without the seen-filter, a checker that
accepts everything, a limit of the map of designs (all its numbers are live), or a kill that kills nothing: the tests of
these parts do.
"""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

ROOT = Path(__file__).resolve().parent.parent
_SECONDS = 900
_WHO = "\nimport sys; open({!r}, 'a').write(sys.argv[0])\n"  # a copy tells who imports it


@dataclass(frozen=True)
class Change:
    """A slip: in one file of the package, the one place that says `old` says `new`."""

    what: str
    file: str
    old: str
    new: str


CHANGES = (
    Change(
        "ALS regularization 30 → 10", "retrieval/als.py", "regularization: float = 30.0", "regularization: float = 10.0"
    ),
    Change("ALS's default seed", "retrieval/als.py", "seed: int = 0,", "seed: int = 1,"),
    Change("64 factors → 48", "retrieval/als.py", "factors: int = 64", "factors: int = 48"),
    Change(
        "recall divided by k",
        "evaluation/topk.py",
        "return self._per_user(self._first(k).sum(axis=1), self.relevant)",
        "return self._per_user(self._first(k).sum(axis=1), np.full(len(self.relevant), k or self.hits.shape[1]))",
    ),
    Change("a band in % shown as a share", "course/units.py", '"%": ("share", 0.01)', '"%": ("share", 1.0)'),
    Change("the split holds out the last two", "evaluation/split.py", "last: int = 1", "last: int = 2"),
    Change(
        "retrieval without the seen-filter",
        "retrieval/first_stage.py",
        "found[name] = retriever.retrieve(users, k, seen)",
        "found[name] = retriever.retrieve(users, k)",
    ),
    Change(
        "a starter is the solution",
        "course/exercises/ex_0_1.py",
        "return scores  # change this line",
        "return np.where(raters > most, -np.inf, scores)",
    ),
    Change("Annoy's node budget halved", "pipeline.py", "search_k: int = 40_000", "search_k: int = 20_000"),
    Change(
        "popularity with a half-life",
        "evaluation/popularity.py",
        "half_life_days: float | None = None",
        "half_life_days: float | None = 7.0",
    ),
    Change("measure gives milliseconds as seconds", "course/measure.py", "median(taken)", "median(taken) * 1000"),
    Change("the split trains on its test", "evaluation/split.py", "row < first[user], rel", "row <= first[user], rel"),
    Change(
        "a window loses its first tile, online only",
        "features/stores/tiles.py",
        "newest // self.tile - (edge // self.tile - 1)",
        "newest // self.tile - edge // self.tile",
    ),
    Change(
        "training features hold what is known at the moment itself (<= for <)",
        "features/timeline.py",
        "return places(self.known_at, moment)",
        "return places(self.known_at, moment + 1)",
    ),
    Change("the checkpoint fitted less", "course/checkpoint.py", "ALS(), Pop", "ALS(iterations=10), Pop"),
    Change("the run's seed", "pipeline.py", "seed: int = 0\n", "seed: int = 1\n"),
    Change("a month has 31 days", "framing/quantity.py", '"month": ("s", 30 * _DAY)', '"month": ("s", 31 * _DAY)'),
    Change(
        "an index of half the bytes",
        "framing/capacity.py",
        '"bytes_per_float32": Quantity.of(4, ',
        '"bytes_per_float32": Quantity.of(2, ',
    ),
    Change("a published figure misquoted", "framing/facts.py", "10_000_000, ", "1_000_000, "),
    Change("the test is one-sided", "framing/experiment.py", "1 - level / 2", "1 - level"),
    Change(
        "half watched means nine tenths", "framing/tasks.py", "(_watched(watches) >= 0.5)", "(_watched(watches) >= 0.9)"
    ),
    Change(
        "slates from the bottom of the list",
        "framing/tasks.py",
        "np.lexsort((-scores, person))",
        "np.lexsort((scores, person))",
    ),
    Change(
        "slates of three", "framing/tasks.py", "- first[person[order]] < slots", "- first[person[order]] < slots / 2"
    ),
    Change(
        "the time split looks at when it happened",
        "evaluation/split.py",
        'train = log.days("known_at") < first',
        'train = log.days("occurred_at") < first',
    ),
    Change(
        "tastes never shift",
        "datasets/world/truth.py",
        "later = np.flatnonzero(day >= ",
        "later = np.flatnonzero(day > 99 + ",
    ),
    Change(
        "copies are looked for in the batch alone",
        "ingestion/admit.py",
        "_drop_stored(connection, table) if table.rows else",
        "_drop_stored(connection, table) if table.rows < 0 else",
    ),
    Change(
        "the position is not committed",
        "ingestion/ingest.py",
        'state = {"position": batch.position,',
        'state = {"position": before.get("position"),',
    ),
    Change(
        "a number may have any size",
        "ingestion/parsing.py",
        'return " AND ".join(bounds) or "true"',
        'return "true"',
    ),
    Change(
        "who is gone from the profiles stays",
        "ingestion/ingest.py",
        "gone = sorted({name for (name,) in alive} - present)",
        "gone = sorted(present - present)",
    ),
    Change(
        "an erasure keeps earlier versions",
        "ingestion/erase.py",
        "return Erased(table.shape.name, int(rows), partitions, table.vacuum(0))",
        "return Erased(table.shape.name, int(rows), partitions, 0)",
    ),
    Change(
        "compaction joins nothing", "ingestion/upkeep.py", "for size in files) > 1:", "for size in files) > 10_000:"
    ),
    Change(
        "an event may be twice as late as is allowed",
        "ingestion/stream/consume.py",
        "greatest(newest, $before) - $lateness",
        "greatest(newest, $before) - 2 * $lateness",
    ),
    Change(
        "the correction leaves late events where they are",
        "ingestion/stream/correct.py",
        "    if admitted.rows:",
        "    if admitted.rows < 0:",
    ),
    Change(
        "the stream takes copies",
        "ingestion/stream/sqlite_stream.py",
        "            if content not in contents:",
        "            if content not in contents or contents:",
    ),
    Change(
        "the position is not in the sink's commit",
        "ingestion/stream/lake_sink.py",
        "admit(connection, self._events), {self._source: state})",
        "admit(connection, self._events), {})",
    ),
    Change(
        "a store takes no late events",
        "features/stores/store_sink.py",
        "WHERE NOT correction)",
        "WHERE false)",
    ),
    Change(
        "late against the event before, not the newest",
        "course/arrivals.py",
        "occurred_at.cummax().shift()",
        "occurred_at.shift()",
    ),
    Change(
        "a training set as stale as a store is fresh all the same",
        "features/timeline.py",
        "- staleness // timedelta(microseconds=1)",
        "- 0 * (staleness // timedelta(microseconds=1))",
    ),
    Change("a shelf shows the worst six", "course/shelf.py", "np.argsort(-score", "np.argsort(score"),
    Change(
        "a shelf of new videos has all of them",
        "course/shelf.py",
        "np.searchsorted(uploaded, now - newer_than)",
        "np.searchsorted(uploaded, now - 1000 * newer_than)",
    ),
    Change(
        "the audit looks at what was known, not at what was absorbed",
        "features/skew_audit.py",
        "recomputed = self._timeline.features(served, position)",
        "recomputed = self._timeline.features(served, now)",
    ),
    Change(
        "a role reads whatever it asks for",
        "features/access/grants.py",
        "return tuple(c for c in columns if c not in held or (c in personal and not held[c]))",
        "return tuple(c for c in columns if c not in columns or (c in personal and not held))",
    ),
    Change(
        "a store forgets nobody",
        "features/stores/keyed_store.py",
        "            if theirs:\n",
        "            if theirs is None:\n",
    ),
    Change(
        "a snapshot gives each video another's values",
        "features/stores/snapshot.py",
        "VideoRows(videos), values",
        "VideoRows(videos[::-1]), values",
    ),
    Change(
        "ALS scores by angle",
        "retrieval/als.py",
        "self.index_ = self.index(self.video_factors_)",
        "self.index_ = self.index((self.video_factors_.T / (1e-9 + np.linalg.norm(self.video_factors_, axis=1))).T)",
    ),
    Change(
        "logQ is left out",
        "retrieval/two_towers.py",
        "offset = np.log(share) if self.logq else np.zeros(len(share))",
        "offset = np.zeros(len(share))",
    ),
    Change("the tower learns from nothing", "retrieval/content_tower.py", "Ridge(alpha=100.0,", "Ridge(alpha=1e9,"),
    Change(
        "a filter that keeps no promise",
        "retrieval/filtered_index.py",
        "        if len(left):\n            _put(found, left, self._looked_at",
        "        if len(left) < 0:\n            _put(found, left, self._looked_at",
    ),
    Change(
        "a blend in which every source stands first",
        "retrieval/blend.py",
        "np.arange(w) + 0.5) * total / quotas[name]",
        "np.arange(w) + 0.5) * total",
    ),
    Change(
        "exact search by length stops too early",
        "retrieval/by_length_index.py",
        "* reach >= last",
        "* reach >= 9 * last",
    ),
    Change(
        "a stranger's vector is solved from nothing",
        "retrieval/als.py",
        "np.arange(history.shape[0]), history)",
        "np.arange(history.shape[0]), history * 0)",
    ),
    Change(
        "covered is what is shown twice",
        "evaluation/spread.py",
        "return (exposures > 0).sum(axis=-1)",
        "return (exposures > 1).sum(axis=-1)",
    ),
)


def main(numbers: list[str]) -> int:
    """Run the notebooks unchanged, then with each change; return 1 when a change stays green or the first is red."""
    missed = []
    for number in [0, *map(int, numbers or range(1, len(CHANGES) + 1))]:
        change = CHANGES[number - 1] if number else None
        began = perf_counter()
        said = _mismatch(change)
        if (said is None) == bool(number):
            missed.append(number)
        what, colour = change.what if change else "nothing", "green" if said is None else "red"
        print(f"{number:>2} {what:<68} {colour:<6}{perf_counter() - began:>4.0f} s  {said or ''}", flush=True)
    print(f"not as expected: {', '.join(map(str, missed))}" if missed else "each change was noticed")
    return int(bool(missed))


def _mismatch(change: Change | None) -> str | None:
    """Return the first failing cell of a copy with this change, and what it says; None where all pass."""
    with TemporaryDirectory(prefix="planted_") as folder:
        copy = Path(folder)
        for name in ("mlsd_lab", "notebooks"):
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", copy)
        if change:
            _plant(change, copy / "mlsd_lab" / change.file)
        importer = copy / "imported_by"
        with (copy / "mlsd_lab" / "__init__.py").open("a", encoding="utf-8") as file:
            file.write(_WHO.format(str(importer)))
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "--nbval", "notebooks/", "--exitfirst", "--color=no"],
            cwd=copy,
            env={**os.environ, "PYTHONPATH": str(copy)},
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        if done.returncode not in (0, 1) or "ipykernel" not in importer.read_text(encoding="utf-8"):
            raise RuntimeError(f"expected a kernel to run the copy, found\n{done.stdout}{done.stderr}")
    return _first_failure(done.stdout) if done.returncode else None


def _plant(change: Change, path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    if text.count(change.old) != 1:
        raise ValueError(f"{change.file}: expected {change.old!r} once, found it {text.count(change.old)} times")
    path.write_text(text.replace(change.old, change.new), encoding="utf-8")


def _first_failure(said: str) -> str:
    """Return the first failing cell and its mismatch: an error, or what it gave (-) or should have (+)."""
    plain = re.sub(r"\x1b\[[\d;]*m", "", said)
    cell = re.search(r"(\w+)\.ipynb::(Cell \d+)", plain)
    traceback = plain.partition("\nTraceback:\n")[2].strip() or plain[-150:]
    differs = re.search(r"^ +[-+] .*|^\w*(Error|Exception): .*", traceback, re.MULTILINE)
    line = differs[0] if differs else traceback.splitlines()[0]
    return f"{' '.join(cell.groups()) if cell else '?'}: {re.sub('<[^>]*>', ' ', line).strip()[:150]}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
