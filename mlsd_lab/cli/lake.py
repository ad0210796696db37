"""`mlsd-lab sql | redrive | compact`: what one does with a lake once it is there."""

from datetime import datetime
from typing import Annotated

import typer

from mlsd_lab import clock
from mlsd_lab.cli.console import say
from mlsd_lab.cli.ingest import LakeRoot
from mlsd_lab.cli.json_file import JsonFile, check_json_file, write_json
from mlsd_lab.terminal import escaped, plain_table


def sql(
    query: Annotated[str, typer.Argument(help="One SELECT.", metavar="SELECT…")],
    lake: LakeRoot = "lake",
    rows: Annotated[int, typer.Option(min=1, help="Show at most so many rows.")] = 20,
    json_file: JsonFile = None,
) -> None:
    """Ask the warehouse over a lake: fact_events, dim_users, dim_videos, users_history, videos_history, dead_letters.

    Times are in UTC. Examples:

      mlsd-lab sql "SELECT event_date, count(*) AS events FROM fact_events GROUP BY 1 ORDER BY 1"

      mlsd-lab sql "SELECT reason, count(*) FROM dead_letters GROUP BY 1"
    """
    from mlsd_lab.ingestion.lake import Lake
    from mlsd_lab.ingestion.warehouse import Warehouse

    check_json_file(json_file)
    found = Warehouse(Lake(lake)).query(query)
    table = plain_table(*map(str, found.columns))
    for row in found.head(rows).itertuples(index=False):
        table.add_row(*(escaped(str(value)[:200]) for value in row))
    say(table)
    if len(found) > rows:
        say(f"{rows:,} of {len(found):,} rows; more with --rows")
    if json_file is not None:
        import json

        write_json(json_file, json.loads(found.to_json(orient="records", date_format="iso")))


def redrive(lake: LakeRoot = "lake") -> None:
    """Try the dead letters again, once what was wrong is mended: the contract in a new version, or a clock.

    What is good now goes where it belongs; the rest stays. Example:

      mlsd-lab redrive --lake lake
    """
    from mlsd_lab.ingestion.dead_letters import redrive as tried_again
    from mlsd_lab.ingestion.lake import Lake

    into = Lake(lake)
    into.require()
    table = plain_table("source", "tried", "kept", "duplicates", "still dead", right="right")
    for one in tried_again(into, clock.now()):
        table.add_row(one.source, *(f"{count:,}" for count in (one.tried, one.kept, one.duplicates, one.dead)))
    say(table if table.row_count else "There are no dead letters.")


def compact(
    lake: LakeRoot = "lake",
    keep_hours: Annotated[int, typer.Option(min=0, help="Versions so young stay reachable by time travel.")] = 168,
    drop_before: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Drop events of earlier days (UTC), for good.")
    ] = None,
) -> None:
    """Join small files, and remove what no version of the last hours needs.

    Examples:

      mlsd-lab compact --lake lake

      mlsd-lab compact --lake lake --keep-hours 24 --drop-before 2026-01-01
    """
    from mlsd_lab.ingestion.lake import Lake
    from mlsd_lab.ingestion.upkeep import compact as compacted

    table = plain_table("table", "files before", "files after", "old files removed", "rows dropped", right="right")
    for one in compacted(Lake(lake), keep_hours, drop_before.date() if drop_before else None):
        table.add_row(
            one.table, *(f"{count:,}" for count in (one.files_before, one.files_after, one.removed, one.rows_dropped))
        )
    say(table)
