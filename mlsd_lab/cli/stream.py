"""`mlsd-lab stream produce | consume`: records into an event stream, and from there into a lake."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, sleep
from typing import TYPE_CHECKING, Annotated

import typer

from mlsd_lab import clock
from mlsd_lab.cli.console import live_line, say
from mlsd_lab.cli.ingest import LakeRoot
from mlsd_lab.cli.interrupted import until_interrupted
from mlsd_lab.cli.json_file import JsonFile, check_json_file, write_json
from mlsd_lab.errors import ConflictError, StorageError
from mlsd_lab.terminal import escaped, plain_table

if TYPE_CHECKING:
    from tenacity import Retrying

    from mlsd_lab.ingestion.stream.consume import Consumed

Show = Callable[[str], None]
StreamPlace = Annotated[
    str, typer.Option("--stream", envvar="MLSD_LAB_STREAM", help="A file, or redis://HOST:PORT/NUMBER.")
]
Lateness = Annotated[
    float, typer.Option(min=0, max=52_560_000, help="Minutes an event may be late by and still count as on time.")
]
Patience = Annotated[float, typer.Option(min=0, help="Seconds to try again in, where stream or lake cannot be used.")]


def produce(
    stream: StreamPlace = "stream.db",
    clicks: Annotated[
        Path | None, typer.Option(help="Folder of JSON-lines files, plain or gzip. Default: a simulated feed.")
    ] = None,
    events: Annotated[int, typer.Option(min=100, help="Events of the simulated feed, with defects.")] = 100_000,
    rate: Annotated[float, typer.Option(min=0, help="Records a second; 0 for as fast as it goes.")] = 0,
    batch: Annotated[int, typer.Option(min=1, help="Records an append; each append is synced to the disk.")] = 1_000,
    patience: Patience = 60,
) -> None:
    """Append records to a stream: what was acknowledged is on the disk, what the stream holds already is dropped.

    Stopped at any moment, run it again: what came through the first time is a copy then. Examples:

      mlsd-lab stream produce --events 200000 --rate 5000

      mlsd-lab stream produce --stream redis://127.0.0.1:6379/0 --clicks logs/
    """
    from mlsd_lab.ingestion.stream.open_stream import open_stream

    into, began, sent, new = open_stream(stream), perf_counter(), 0, 0
    with live_line() as show, TemporaryDirectory(prefix="mlsd_lab_feed_") as folder, until_interrupted():
        if clicks is None:
            show(f"simulating {events:,} events")
            clicks = _feed(Path(folder, "clicks"), events)
        began, patient = perf_counter(), _patient(patience, show)
        for records in _records(clicks, batch):
            receipt = patient(into.append, records)
            sent, new = sent + len(records), new + receipt.taken
            show(f"{sent:,} acknowledged · {sent / (perf_counter() - began):,.0f} a second · {sent - new:,} copies")
            if rate:
                _pause(began + sent / rate - perf_counter())
    seconds = perf_counter() - began
    into.close()
    say(f"{sent:,} records acknowledged in {seconds:.1f} s, {new:,} of them new. Next: mlsd-lab stream consume")


def consume(
    stream: StreamPlace = "stream.db",
    lake: LakeRoot = "lake",
    lateness: Lateness = 60,
    every: Annotated[float, typer.Option(min=0, help="Seconds from commit to commit; each one makes files.")] = 1.0,
    batch: Annotated[int, typer.Option(min=1, max=10_000_000, help="Records a commit at the most.")] = 100_000,
    follow: Annotated[bool, typer.Option("--follow", help="At the stream's end wait for more, until Ctrl-C.")] = False,
    patience: Patience = 60,
    json_file: JsonFile = None,
) -> None:
    """Read what is new in a stream into a lake: events on time, late ones apart, what is no event with the reason.

    The position is committed with the events, so it may be stopped at any moment and run again. Examples:

      mlsd-lab stream consume --lake lake

      mlsd-lab stream consume --stream redis://127.0.0.1:6379/0 --lake s3://feed/lake --follow --every 10
    """
    from mlsd_lab.ingestion.lake import Lake
    from mlsd_lab.ingestion.stream.consume import consume as pieces_of
    from mlsd_lab.ingestion.stream.lake_sink import LakeSink
    from mlsd_lab.ingestion.stream.open_stream import open_stream

    check_json_file(json_file)
    source, sink, began = open_stream(stream), LakeSink(Lake(lake)), perf_counter()
    total = dict.fromkeys(("read", "on_time", "late", "dead"), 0)

    def wait() -> bool:
        sleep(0.1 if follow else 0)
        return follow

    def pieces() -> "Iterator[Consumed]":
        return pieces_of(source, sink, clock.now, timedelta(minutes=lateness), batch, wait=wait)

    with live_line() as show, until_interrupted():
        for one in _after_trouble_anew(pieces, _patient(patience, show)):
            total = {name: before + getattr(one, name) for name, before in total.items()}
            watermark = "none yet" if one.watermark is None else f"{one.watermark:%F %T}"
            came = f"{total['read']:,} read · {total['late']:,} late · {total['dead']:,} dead"
            show(f"{came} · {one.per_second:,} a second · lag {one.lag:,} · watermark {watermark}")
            if follow and one.lag < batch:
                _pause(every - one.seconds)
    source.close()
    table = plain_table("read", "on time", "late", "dead", "seconds", right="right")
    table.add_row(*(f"{count:,}" for count in total.values()), f"{perf_counter() - began:.1f}")
    say(table)
    write_json(json_file, total)
    if total["late"]:
        say(f"Late events wait: mlsd-lab stream correct --lake {escaped(lake)}")


def _pause(seconds: float) -> None:
    sleep(min(max(0.0, seconds), 1e6))  # the system's own sleep refuses centuries


def _feed(folder: Path, events: int) -> Path:
    """Write the click files of a simulated feed, a person for 50 events and a video for 100."""
    from mlsd_lab.datasets.click_files import write_click_files
    from mlsd_lab.datasets.world import WorldConfig, simulate
    from mlsd_lab.ingestion.through_lake import DEFECTS

    world = simulate(WorldConfig(users=max(50, events // 50), videos=max(100, events // 100), events=events))
    write_click_files(world.log, folder, DEFECTS)
    return folder


def _records(clicks: Path, batch: int) -> Iterator[list[bytes]]:
    from mlsd_lab.ingestion.click_log import ClickLog

    for piece in ClickLog(clicks, batch_bytes=2**24).since(None):
        lines = piece.lines.split(b"\n")[:-1]
        yield from (lines[at : at + batch] for at in range(0, len(lines), batch))
        for note in (*piece.notes, *(f"not sent: {letter.origin}: {letter.reason}" for letter in piece.dead)):
            say(f"· {escaped(note)}")


def _patient(seconds: float, show: Show) -> "Retrying":
    """Call again what fails because a disk is full, a server down or another writer first; at last let it fail."""
    from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

    return Retrying(
        retry=retry_if_exception_type((StorageError, ConflictError)),
        wait=wait_fixed(0.5),
        stop=stop_after_delay(seconds),
        before_sleep=lambda state: show(escaped(f"trying again: {state.outcome and state.outcome.exception()}")),
        reraise=True,
    )


def _after_trouble_anew(pieces: "Callable[[], Iterator[Consumed]]", patient: "Retrying") -> "Iterator[Consumed]":
    """Yield pieces; a generator that raised has ended, so the next try begins another where the sink stands."""
    current = pieces()

    def following() -> "Consumed | None":
        nonlocal current
        try:
            return next(current, None)
        except (StorageError, ConflictError):
            current = pieces()
            raise

    while (one := patient(following)) is not None:
        yield one
