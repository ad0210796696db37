"""`mlsd-lab doctor`: is everything there?"""

import typer

from mlsd_lab.cli.console import say
from mlsd_lab.terminal import escaped


def doctor() -> None:
    """Look at Python, compiler, packages, Annoy's build, cores and memory; say what mends what is wrong."""
    from mlsd_lab.doctor import examine

    faults = 0
    for check in examine():
        faults += not check.fine
        mark = "[green]✓[/]" if check.fine else "[red]✗[/]"
        mend = "" if check.fine else f"\n    mend it with: [bold]{escaped(check.mend)}[/]"
        say(f"{mark} {escaped(check.name)}: {escaped(check.found)}{mend}")
    if faults:
        raise typer.Exit(1)
    say("Everything is there.")
