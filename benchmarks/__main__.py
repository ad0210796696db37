"""Measure ours beside peers: python -m benchmarks run | peers | list | page.

A row is a measurement: both sides work on the same input by turns, and the ratio counts only when the outputs are
equal. Results go into mlsd_lab/course/measured.json, and from there into docs/performance.md.

  python -m benchmarks peers                build the peers' environments (needs the network, once)
  python -m benchmarks run                  measure every row, some minutes
  python -m benchmarks run metrics growth   measure the rows whose names contain one of these words
  python -m benchmarks run --small          try all of it out in a minute; nothing is stored
  python -m benchmarks list                 say what the rows are
  python -m benchmarks page                 write docs/performance.md again from there
"""

import argparse
import sys
from functools import partial
from time import perf_counter

from benchmarks import page, results
from benchmarks.environment import NotHereError, build, peer_scripts, python_of, requirements
from benchmarks.row import Row
from benchmarks.rows import (
    als_to_recall,
    growth,
    hot_keys,
    ingest_cases,
    job_growth,
    lake_forms,
    lake_ingest,
    last_value_join,
    main_job,
    metrics,
    online_read,
    search_choice,
    search_cost,
    streams,
    windowed_features,
    world_generation,
)
from mlsd_lab.errors import ConfigError, MlsdLabError

ROWS: tuple[Row, ...] = (
    *windowed_features.ROWS,
    *last_value_join.ROWS,
    *online_read.ROWS,
    *metrics.ROWS,
    *main_job.ROWS,
    *world_generation.ROWS,
    *lake_ingest.ROWS,
    *ingest_cases.ROWS,
    *lake_forms.ROWS,
    *streams.ROWS,
    *hot_keys.ROWS,
    *als_to_recall.ROWS,
    *search_cost.ROWS,
    *search_choice.ROWS,
    *growth.ROWS,
    *job_growth.ROWS,
)


def main() -> None:
    """Read the command line and do what it says; exit code 1 when a row failed, 2 for a command that cannot be."""
    parser = argparse.ArgumentParser(
        "python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="run | peers | list | page")
    running = commands.add_parser("run", help="measure rows and store them")
    running.add_argument("words", nargs="*", help="parts of the rows' names; none for all")
    running.add_argument("--small", action="store_true", help="at a small size, storing nothing")
    for name, line in (
        ("peers", "build environments"),
        ("list", "say what there is"),
        ("page", "write docs/performance.md"),
    ):
        commands.add_parser(name, help=line)
    given = parser.parse_args()
    try:
        if given.command == "run":
            sys.exit(1 if run(chosen(given.words), given.small) else 0)
        elif given.command == "peers":
            build_peers()
        elif given.command == "list":
            show_rows()
        else:
            page.write(results.stored())
    except MlsdLabError as error:
        print(error, file=sys.stderr)
        sys.exit(2)


def chosen(words: list[str], rows: tuple[Row, ...] = ROWS) -> list[Row]:
    """Return the rows whose names contain one of the words, all of them without any."""
    names = ", ".join(row.name for row in rows)
    for word in words:
        if not any(word in row.name for row in rows):
            raise ConfigError(f"expected a part of one of {names}; found {word!r}")
    return [row for row in rows if not words or any(word in row.name for word in words)]


def run(rows: list[Row], small: bool) -> int:
    """Measure each row and store it; return how many failed. What is not here keeps its last result."""
    failed = 0
    names = [row.name for row in ROWS]
    for row in rows:
        began = perf_counter()
        try:
            found = results.measured(row, small, partial(say, row.name))
        except NotHereError as missing:
            last = next((each["date"] for each in results.stored() if each["name"] == row.name), None)
            say(row.name, f"{missing}; {f'the result of {last} stays' if last else 'no result is stored'}")
            continue
        except MlsdLabError as error:
            failed += 1
            print(f"{row.name}: FAILED: {error}", file=sys.stderr)
            continue
        took = perf_counter() - began
        ratio = f", {found['ratio']:.3g} × as fast as {found['peer']['name']}" if found["ratio"] else ""
        target = f", {found['target']}: {'met' if found['met'] else 'NOT met'}" if found["target"] and not small else ""
        seconds = f"{found['ours']['median']:.3g} s" if "median" in found["ours"] else "done"
        say(row.name, f"{seconds}{ratio}{target}, measured in {took:.0f} s")
        if not small:
            results.store(found, names)
            page.write(results.stored())
    return failed


def build_peers() -> None:
    """Build the environment of each peer that has none, or one made for another header."""
    for script in peer_scripts():
        try:
            say(script.stem, f"is there: {python_of(script)}")
        except NotHereError:
            say(script.stem, f"installing {' '.join(requirements(script))}")
            build(script)


def show_rows() -> None:
    """Print each row's name, its target and what it is."""
    for row in ROWS:
        print(f"{row.name}{f' ({row.target})' if row.target else ''}\n    {row.what}")


def say(name: str, sentence: str) -> None:
    """Print a line of progress at once."""
    print(f"{name}: {sentence}", flush=True)


if __name__ == "__main__":
    main()
