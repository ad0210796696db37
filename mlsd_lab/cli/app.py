"""The commands wired into one; a new command is a new file here and a line below."""

import sys
from io import TextIOWrapper

import typer

from mlsd_lab.cli.console import stop
from mlsd_lab.cli.data import data_app
from mlsd_lab.cli.doctor import doctor
from mlsd_lab.cli.erase import erase
from mlsd_lab.cli.features import features_app
from mlsd_lab.cli.features_access import audit, grant, revoke
from mlsd_lab.cli.features_skew import skew
from mlsd_lab.cli.ingest import ingest
from mlsd_lab.cli.interrupted import interrupted
from mlsd_lab.cli.lab import lab, progress
from mlsd_lab.cli.lake import compact, redrive, sql
from mlsd_lab.cli.run import run
from mlsd_lab.cli.size import size
from mlsd_lab.cli.stream import consume, produce
from mlsd_lab.cli.stream_upkeep import correct, status, trim
from mlsd_lab.errors import MlsdLabError

app = typer.Typer(
    help="Build, measure and break a real two-stage video recommender. Start with:  mlsd-lab run",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",  # fills paragraphs; the default keeps the line breaks of the source
    pretty_exceptions_enable=False,
)
for command in (run, size, ingest, sql, redrive, erase, compact, lab, progress, doctor):
    app.command()(command)
app.add_typer(data_app, name="data")
for about_features in (skew, grant, revoke, audit):
    features_app.command()(about_features)
app.add_typer(features_app, name="features")
stream_app = typer.Typer(help="Events as they happen, and a lake that reads them.", no_args_is_help=True)
for command in (produce, consume, status, correct, redrive, trim):
    stream_app.command()(command)
app.add_typer(stream_app, name="stream")


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
        stop(str(error))
    except OSError as error:
        stop(f"cannot use {error.filename or 'a file'}: {error.strerror or error}")
    except RuntimeError as error:
        if not interrupted(error):
            raise
        sys.exit(130)  # as typer ends for any other Ctrl-C
    except MemoryError:
        stop("not enough memory for this; try a smaller log, or close other programs")
