"""`mlsd-lab run`: the main job, from a log to a report."""

from pathlib import Path
from typing import Annotated, Any

import typer

from mlsd_lab import clock
from mlsd_lab.cli.console import progress_bar, say
from mlsd_lab.cli.data import Folder, Zone
from mlsd_lab.errors import ConfigError
from mlsd_lab.terminal import escaped, shown

DataName = Annotated[
    str, typer.Option("--data", help="movielens or world (offline), kuairand (after a fetch), csv (yours).")
]


def run(
    data: DataName = "movielens",
    path: Folder = None,
    timezone: Zone = None,
    users: Annotated[int | None, typer.Option(help="People in the simulated world. Default 5000.")] = None,
    videos: Annotated[int | None, typer.Option(help="Videos in the simulated world. Default 2000.")] = None,
    events: Annotated[int | None, typer.Option(help="Exposures in the simulated world. Default 300000.")] = None,
    keep_lake: Annotated[
        Path | None, typer.Option(help="Free folder for the lake of events, which mlsd-lab features skew reads.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**31 - 2, help="One seed, one report.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Empty folder for the report. Default: a fresh runs/NNN.")] = None,
) -> None:
    """Learn candidates from a log, judge them against popularity, show what a few real people would get.

    Writes report.json and report.html. Examples:

      mlsd-lab run

      mlsd-lab run --data world --users 50000 --videos 200000 --events 5000000

      mlsd-lab run --keep-lake lake && mlsd-lab features skew --served runs/latest --lake lake

      mlsd-lab run --data csv --path my_log --timezone Europe/Berlin
    """
    from mlsd_lab import pipeline, report
    from mlsd_lab.datasets.world import WorldConfig

    report.check_out(out)
    _check_lake(keep_lake, out)
    given = {"users": users, "videos": videos, "events": events}
    size: dict[str, Any] = {name: count for name, count in given.items() if count is not None}
    world = WorldConfig(seed=seed, **size) if size or data == "world" else None
    config = pipeline.RunConfig(data=data, path=path, timezone=timezone, world=world, seed=seed, keep_lake=keep_lake)
    with progress_bar() as on_progress:
        found = pipeline.run(config, on_progress)
    found.report["machine"]["at"] = clock.now().isoformat(timespec="seconds")
    folder = report.write_report(found.report, found.scoreboard, out, found.bundle, found.served)
    for part in shown(found.report):
        say(part)
    seconds = found.report["timings"]["total_seconds"]
    say(f"\nThe whole report: {escaped(str(folder / 'report.html'))} (and report.json), {seconds:.1f} s")


def _check_lake(lake: Path | None, out: Path | None) -> None:
    """Refuse before the run a place for the lake that is not free, or that the report would take."""
    from mlsd_lab.ingestion.lake import Lake
    from mlsd_lab.report import check_out

    check_out(lake)
    if lake is not None:
        Lake(lake)
        place = lake.resolve()
        if out is not None and (out.resolve() in (place, *place.parents) or place in out.resolve().parents):
            raise ConfigError(f"--keep-lake: expected another folder than that of --out, found {lake}")
