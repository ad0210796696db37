"""`mlsd-lab ingest`: click log, profile database and third-party API into a lake."""

from pathlib import Path
from typing import Annotated

import typer

from mlsd_lab import clock
from mlsd_lab.cli.console import progress_bar, say
from mlsd_lab.cli.json_file import JsonFile, check_json_file, write_json
from mlsd_lab.errors import ConfigError
from mlsd_lab.terminal import escaped, plain_table

LakeRoot = Annotated[
    str, typer.Option("--lake", envvar="MLSD_LAB_LAKE", help="A folder, or s3://BUCKET/PREFIX (AWS_… variables).")
]


def ingest(
    lake: LakeRoot = "lake",
    clicks: Annotated[
        Path | None,
        typer.Option(help="Folder of JSON-lines files, plain or gzip, of events: event_id, user_id, video_id, …"),
    ] = None,
    profiles: Annotated[
        str | None, typer.Option(help="sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DB, table users.")
    ] = None,
    metadata: Annotated[str | None, typer.Option(help="http(s)://… of the paged API of videos.")] = None,
    bad_share: Annotated[
        float, typer.Option(min=0, max=1, help="More bad records in a batch than this share, and ten, stop the run.")
    ] = 0.1,
    json_file: JsonFile = None,
) -> None:
    """Read what is new in each source, check it against its contract, and write it to the lake, each record once.

    Stopped at any moment, even by kill -9, it goes on where it was: run it again. Bad records go to dead_letters with
    the reason (mlsd-lab redrive). Examples:

      mlsd-lab ingest --lake lake --clicks logs/

      mlsd-lab ingest --lake s3://feed/lake --profiles postgresql://reader@localhost/app --metadata http://127.0.0.1:8080
    """
    from mlsd_lab.ingestion.click_log import ClickLog
    from mlsd_lab.ingestion.ingest import ingest as bring_in
    from mlsd_lab.ingestion.intake import summary
    from mlsd_lab.ingestion.lake import Lake
    from mlsd_lab.ingestion.metadata_api import MetadataApi
    from mlsd_lab.ingestion.profiles import Profiles
    from mlsd_lab.ingestion.source import Source

    check_json_file(json_file)
    sources: list[Source] = []
    if clicks is not None:
        sources.append(ClickLog(clicks))
    if profiles is not None:
        sources.append(Profiles(profiles))
    if metadata is not None:
        sources.append(MetadataApi(metadata))
    if not sources:
        raise ConfigError("ingest: expected a source, found none; name one with --clicks, --profiles or --metadata")
    into = Lake(lake)
    with progress_bar() as on_progress:
        found = bring_in(into, sources, clock.now(), bad_share, on_progress=on_progress)
        if json_file is not None:
            on_progress("hash of the rows", 0.95)
            write_json(json_file, summary(into, found))
    table = plain_table("source", "into", "read", "kept", "duplicates", "dead", "erased", "a second", right="right")
    for one in found:
        numbers = (f"{count:,}" for count in vars(one.counts).values())
        table.add_row(one.source, one.table, *numbers, f"{one.per_second:,}" if one.per_second else "–")
    say(table)
    if any(one.counts.dead for one in found):
        reasons = "SELECT source, reason, count(*) FROM dead_letters GROUP BY ALL"
        say(f'· [yellow]Some records were refused[/], and why: mlsd-lab sql --lake {escaped(lake)} "{reasons}"')
    for one in found:
        for note in one.notes:
            say(f"· {escaped(note)}")
        if one.trouble is not None:
            say(f"· [yellow]{escaped(one.trouble)}[/] The lake's {one.table} are {_age(one.age_seconds or 0)} old.")
    say(f"The lake is {escaped(into.root)}. Ask it: mlsd-lab sql --lake {escaped(lake)} 'SELECT …'")


def _age(seconds: float) -> str:
    hours = seconds / 3600
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min" if hours < 2 else f"{hours:.1f} h"
