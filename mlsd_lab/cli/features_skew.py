"""`mlsd-lab features skew`: the audit of serving against training, from a served log and a lake.

The audit of who read features is another, `mlsd-lab features audit`.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from mlsd_lab.cli.catalogue_option import FEED, CatalogueName, catalogue_named
from mlsd_lab.cli.console import progress_bar, say
from mlsd_lab.cli.ingest import LakeRoot
from mlsd_lab.cli.json_file import JsonFile, check_json_file, write_json
from mlsd_lab.terminal import escaped, plain_table

if TYPE_CHECKING:
    import pandas as pd

    from mlsd_lab.features import Skew

_SHOWN = 10  # features in the table
ServedRoot = Annotated[
    str | None, typer.Option("--served", help="Where the table served lies, such as runs/latest. Default: the lake.")
]


def skew(
    served: ServedRoot = None,
    lake: LakeRoot = "lake",
    catalogue: CatalogueName = FEED,
    json_file: JsonFile = None,
) -> None:
    """Compute each served feature value again from the lake, at the position in the stream that it was answered from.

    Exit code 1 where a value differs; 0 where all are equal, also if some were stale. Who read which features is
    another question: features audit. Examples:

      mlsd-lab features skew --served runs/latest --lake lake

      mlsd-lab features skew --lake s3://feed/lake --catalogue my_features:MINE --json skew.json
    """
    from mlsd_lab.features import Timeline, audit
    from mlsd_lab.features.skew_verdict import judge_skew
    from mlsd_lab.ingestion.lake import Lake
    from mlsd_lab.ingestion.warehouse import Warehouse
    from mlsd_lab.serving import ServedLog

    check_json_file(json_file)
    definitions, log = catalogue_named(catalogue), ServedLog(Lake(served or lake))
    log.require(definitions)
    with progress_bar() as on_progress:
        on_progress("read the lake", 0.0)
        warehouse = Warehouse(Lake(lake))
        timeline = Timeline(definitions, warehouse.log(late=True))
        pieces = _watched(log.pieces(definitions), log.rows, on_progress)
        found = audit(timeline, pieces, ties_known=False)
    verdict = judge_skew(found)
    erased = len(warehouse.query("SELECT 1 FROM erased_users"))
    write_json(json_file, {"holds": verdict.holds, "reason": verdict.reason, **found.to_json()})
    _show(found, erased)
    say(f"[{'bold' if verdict.holds else 'bold red'}]{escaped(verdict.reason)}[/]")
    if not verdict.holds:
        raise typer.Exit(1)


def _watched(
    pieces: "Iterable[pd.DataFrame]", rows: int, on_progress: Callable[[str, float], None]
) -> "Iterator[pd.DataFrame]":
    done = 0
    for piece in pieces:
        on_progress("compare", 0.2 + 0.8 * done / max(1, rows))
        yield piece
        done += len(piece)


def _show(found: "Skew", erased: int) -> None:
    frame = found.to_frame()
    table = plain_table("feature", "compared", "differ", "stale", "largest difference", right="right")
    told = frame[(frame["mismatched"] > 0) | (frame["stale"] > 0)]
    for name, compared, mismatched, stale, largest in told.head(_SHOWN).itertuples(index=False):
        gap = f"{largest:.3g}" if largest == largest else "–"
        differ = f"[red]{mismatched:,}[/]" if mismatched else "0"
        table.add_row(escaped(str(name)), f"{compared:,}", differ, f"{stale:,}", gap)
    say(f"{found.rows:,} rows served, {found.compared:,} values compared")
    if len(told):
        say(table)
    if len(told) > _SHOWN:
        say(f"· {len(told) - _SHOWN} more features differ or were stale: --json has them all")
    say(f"· {len(frame) - len(told)} of {len(frame)} features agree everywhere, and none of their values was stale")
    if found.rows:
        half, most = found.lag.loc[0.5], found.lag.loc[0.99]
        say(
            f"· the store was behind by {half['seconds']:,.1f} s and {half['events']:,.0f} events in half of the rows"
            f" or more, by {most['seconds']:,.1f} s and {most['events']:,.0f} events in 1 %"
        )
    if found.moved:
        say(f"· [yellow]{found.moved:,} rows do not stand in this lake where they say[/]: {_reasons(erased)}")
    if len(found.examples):
        first = plain_table("request", "video", "feature", "served", "recomputed", right="right")
        for one in found.examples.itertuples(index=False):
            first.add_row(*(escaped(str(value)) for value in one[1:4]), f"{one.served!r}", f"{one.recomputed!r}")
        say(first)


def _reasons(erased: int) -> str:
    reasons = "the store missed or repeated events, a row was changed, or the lake was corrected, cut or is behind"
    if erased:
        reasons += f"; and {erased:,} ids were erased from it, whose events are still in what was served of videos"
    return f"{reasons}. They are compared at the time of their newest event"
