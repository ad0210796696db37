"""`mlsd-lab lab` and `mlsd-lab progress`: the course, and how far one is."""

from pathlib import Path
from typing import Annotated

import typer

from mlsd_lab.cli.console import say
from mlsd_lab.terminal import escaped, plain_table

CourseFolder = Annotated[
    Path | None, typer.Option(help="Your own folder. Default: the one you are in, else my_course.", show_default=False)
]


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
    say(escaped(f"{open_copies(folder)!r}. How far you are: mlsd-lab progress --folder {folder}"))
    if start:
        raise typer.Exit(open_lab(folder))


def progress(folder: CourseFolder = None) -> None:
    """Show what you predicted, solved and wrote, notebook by notebook, and how often your ranges held the truth."""
    from mlsd_lab.course.learner import learner_folder
    from mlsd_lab.course.progress import progress_in

    found = progress_in(folder or learner_folder() or Path("my_course"))
    table = plain_table("notebook", "ranges held", "exercises solved", "words of design", right="right")
    for row in found.rows:
        table.add_row(row.notebook, f"{row.held} of {row.guesses}", f"{row.solved} of {row.tried}", str(row.words))
    say(table)
    say(repr(found))
