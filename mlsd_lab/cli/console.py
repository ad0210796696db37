"""What is said at the terminal: the only module that prints."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn

from mlsd_lab.terminal import escaped

if TYPE_CHECKING:
    from rich.console import Console

CLOSED_PIPE = 141  # the exit code where whoever read the output left, as a shell gives it to other tools


def say(thing: Any) -> None:
    """Print rich markup, which is never broken into lines, or a table, which fits the terminal.

    >>> say("[bold]Everything[/] is there.")
    Everything is there.
    """
    console(soft_wrap=isinstance(thing, str)).print(thing)


def stop(sentence: str) -> NoReturn:
    """End with a sentence on stderr, as it is, and exit code 2.

    >>> stop("expected a data set, found 'netflix'")
    Traceback (most recent call last):
    SystemExit: 2
    """
    console(stderr=True, soft_wrap=True).print(f"[red]mlsd-lab:[/] {escaped(sentence)}")
    sys.exit(2)


def console(**options: Any) -> "Console":
    """Return a console that shows what stands in data as it stands.

    >>> console().print(":smile: 3")
    :smile: 3
    """
    from rich.console import Console

    class _Console(Console):
        def on_broken_pipe(self) -> NoReturn:
            try:
                super().on_broken_pipe()
            finally:  # its own exit code, 1, is a finding of some commands
                sys.exit(CLOSED_PIPE)

    return _Console(highlight=False, emoji=False, **options)  # ":smile:" in a title stays what it is


@contextmanager
def progress_bar() -> Iterator[Callable[[str, float], None]]:
    """Draw a bar with the stage at work; where nobody watches, print nothing.

    >>> with progress_bar() as on_progress:
    ...     on_progress("learn candidates", 0.5)
    """
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    watched = console(stderr=True)
    columns = (TextColumn("{task.description:<24}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=watched, transient=True, disable=not watched.is_terminal) as bar:
        task = bar.add_task("start", total=1.0)
        yield lambda stage, share: bar.update(task, description=stage, completed=share)


@contextmanager
def live_line() -> Iterator[Callable[[str], None]]:
    """Keep one line of rich markup up to date; where nobody watches, print nothing.

    >>> with live_line() as show:
    ...     show("1,000 read")
    """
    watched = console(stderr=True)
    if not watched.is_terminal:
        yield lambda _line: None
        return
    with watched.status("") as line:
        yield line.update
