"""`mlsd-lab stream status | correct | trim`: what one does with a stream that runs into a lake."""

from datetime import timedelta
from time import perf_counter, sleep
from typing import Annotated

import typer

from mlsd_lab.cli.console import live_line, say
from mlsd_lab.cli.ingest import LakeRoot
from mlsd_lab.cli.interrupted import until_interrupted
from mlsd_lab.cli.json_file import JsonFile, check_json_file, write_json
from mlsd_lab.cli.stream import Lateness, StreamPlace
from mlsd_lab.terminal import plain_table


def status(
    stream: StreamPlace = "stream.db",
    lake: LakeRoot = "lake",
    lateness: Lateness = 60,
    watch: Annotated[bool, typer.Option("--watch", help="Look again each second, with rates, until Ctrl-C.")] = False,
    json_file: JsonFile = None,
) -> None:
    """Say what a stream holds, how far a lake has read it, the watermark, and what waits in the lake.

    Example:

      mlsd-lab stream status --watch
    """
    from mlsd_lab.ingestion.lake import Lake
    from mlsd_lab.ingestion.stream.open_stream import open_stream
    from mlsd_lab.ingestion.stream.redis_stream import RedisStream
    from mlsd_lab.ingestion.stream.stream_status import stream_status

    check_json_file(json_file)
    source, into, allowed = open_stream(stream), Lake(lake), timedelta(minutes=lateness)
    found, at = stream_status(source, into, allowed), perf_counter()
    with live_line() as show, until_interrupted():
        while watch:
            sleep(1)
            before, earlier = found, at
            found, at = stream_status(source, into, allowed), perf_counter()
            came, read = (
                (now - then) / (at - earlier) for now, then in ((found.end, before.end), (found.offset, before.offset))
            )
            show(f"{came:,.0f} a second come in · {read:,.0f} are read · lag {found.lag:,} · {found.late:,} late")
    source.close()
    table = plain_table("stream", RedisStream.address(stream) if "://" in stream else stream)
    table.add_row("records held", f"{found.end - found.begin:,}, offsets {found.begin:,} to {found.end:,}")
    table.add_row("read by the lake", f"up to offset {found.offset:,}; lag {found.lag:,}")
    table.add_row("watermark", "none yet" if found.watermark is None else f"{found.watermark:%F %T} UTC")
    table.add_row("events in the lake", f"{found.events:,}")
    table.add_row("late, waiting", f"{found.late:,}" + ", for: mlsd-lab stream correct" * bool(found.late))
    table.add_row("dead letters", f"{found.dead:,}" + ", for: mlsd-lab stream redrive" * bool(found.dead))
    say(table)
    write_json(json_file, {**vars(found), "lag": found.lag, "watermark": found.watermark and str(found.watermark)})


def correct(lake: LakeRoot = "lake") -> None:
    """Bring the late events into the lake's events, which are then what batch ingestion would have made of them.

    Example:

      mlsd-lab stream correct --lake lake
    """
    from mlsd_lab.ingestion.lake import Lake
    from mlsd_lab.ingestion.stream.correct import correct as corrected

    into = Lake(lake)
    into.require()
    done = corrected(into)
    replaced = f"{done.replaced:,} in the place of a copy that was known later"
    say(f"{done.late:,} late events: {done.new:,} new, {replaced}, {done.copies:,} that the lake had.")


def trim(
    stream: StreamPlace = "stream.db",
    lake: LakeRoot = "lake",
    keep: Annotated[int, typer.Option(min=0, help="Newest records to keep: copies of these are dropped.")] = 1_000_000,
) -> None:
    """Let old records of a stream go, of those that the lake has read; copies of what is gone are for the lake to find.

    Example:

      mlsd-lab stream trim --keep 5000000
    """
    from mlsd_lab.ingestion.lake import Lake
    from mlsd_lab.ingestion.stream.open_stream import open_stream
    from mlsd_lab.ingestion.stream.stream_status import stream_status

    source = open_stream(stream)
    found = stream_status(source, Lake(lake))
    gone = source.trim(max(0, min(found.offset, found.end - keep)))
    source.close()
    say(f"{gone:,} records are gone, {found.end - found.begin - gone:,} are left.")
