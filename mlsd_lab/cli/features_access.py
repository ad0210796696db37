"""`mlsd-lab features grant | revoke | audit`: who may read which features, and who did.

The audit of served values is another, `mlsd-lab features skew`.
"""

import getpass
from collections import deque
from collections.abc import Callable
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlsd_lab import clock
from mlsd_lab.cli.catalogue_option import FEED, CatalogueName, catalogue_named
from mlsd_lab.cli.console import live_line, say
from mlsd_lab.cli.json_file import JsonFile, check_json_file, write_json
from mlsd_lab.errors import ConfigError
from mlsd_lab.terminal import escaped, plain_table

if TYPE_CHECKING:
    from mlsd_lab.features import Access
    from mlsd_lab.features.access.grants import Grants

Folder = Annotated[
    Path, typer.Option("--access", envvar="MLSD_LAB_ACCESS", help="Folder of the grants, and of the log of reads.")
]
Role = Annotated[str, typer.Argument(help="Who reads: a team, a job, a service.")]
Names = Annotated[list[str], typer.Argument(metavar="NAME...", help="Columns, features, tag:WORD, or all.")]
Actor = Annotated[str | None, typer.Option(help="Who types this, as the log will say. Default: your login.")]


def grant(
    role: Role,
    names: Names,
    personal: Annotated[
        bool, typer.Option("--personal", help="Yes, also those named that are personal data; all and tags never are.")
    ] = False,
    catalogue: CatalogueName = FEED,
    access: Folder = Path("access"),
    actor: Actor = None,
) -> None:
    """Let a role read features, as they are now: one that comes later, or becomes personal, needs a grant of its own.

    Examples:

      mlsd-lab features grant analyst all

      mlsd-lab features grant ranker user_relevant user_completion_7d --personal
    """
    columns = _opened(access).grant(role, catalogue_named(catalogue), names, _typed_by(actor), personal)
    say(f"{escaped(role)} may read {', '.join(columns)}.")


def revoke(
    role: Role,
    names: Names,
    catalogue: CatalogueName = FEED,
    access: Folder = Path("access"),
    actor: Actor = None,
) -> None:
    """Take features from a role; `all` is all that it was granted. Readers that are open notice at their next read.

    Example:

      mlsd-lab features revoke ranker user_relevant
    """
    columns = _opened(access).revoke(role, catalogue_named(catalogue), names, _typed_by(actor))
    say(f"{escaped(role)} may no longer read {', '.join(map(escaped, columns))}.")


def audit(
    role: Annotated[str | None, typer.Option(help="Of this role alone.")] = None,
    feature: Annotated[str | None, typer.Option(help="About this column or feature of --catalogue alone.")] = None,
    user: Annotated[str | None, typer.Option(help="Online reads about the user with this id alone.")] = None,
    refused: Annotated[bool, typer.Option("--refused", help="What was refused alone.")] = False,
    newest: Annotated[int, typer.Option("--rows", min=0, help="Show so many, the newest.")] = 20,
    receipt: Annotated[str, typer.Option(help="Of an earlier audit: what was there then must still be.")] = "",
    catalogue: CatalogueName = FEED,
    access: Folder = Path("access"),
    json_file: JsonFile = None,
) -> None:
    """Show the log of access: who was granted, refused and given what; exit code 1 where it is not whole.

    Reads are those of personal data. Values that differ between training and serving are found by features skew.
    Examples:

      mlsd-lab features audit --refused --role analyst

      mlsd-lab features audit --receipt "12 5a6c… 40031 99e0…"
    """
    from mlsd_lab.features.access.chosen import chosen

    files = [access / f"{name}.log{end}" for name in ("grants", "reads") for end in ("", ".anchor")]
    check_json_file(json_file, *map(str, (*files, access / "users.key")))
    if not any(file.exists() for file in files):
        raise ConfigError(f"--access: expected a folder with grants.log or reads.log, found neither in {access}")
    if user is not None and not (access / "users.key").exists():
        raise ConfigError(f"--user: expected the key of users' names in {access}, found none: nobody can be named")
    opened = _opened(access)
    named, unknown = catalogue_named(catalogue), None
    try:
        columns = {*chosen(named, [feature])[feature]} if feature else None
    except ConfigError as error:  # unless the log knows it: one that the catalogue had before
        columns, unknown = {str(feature)}, error
    wanted = {
        "catalogue": named.name if feature else None,
        "role": role,
        "user": None if user is None else opened.user_name(user),
        "what": "refused" if refused else None,
    }
    with live_line() as show:
        seen = _Newest(newest, {name: value for name, value in wanted.items() if value is not None}, columns, show)
        verdict = opened.verify(receipt, seen.look)
    shown = seen.entries()
    if unknown is not None and not shown and verdict.sound:
        raise unknown
    found = {"entries": verdict.entries, "receipt": verdict.receipt, "broken": verdict.broken, "mended": verdict.mended}
    write_json(json_file, found | {"shown": shown})
    say(_table(shown) if shown else "There is no such entry.")
    for sentence in verdict.mended:
        say(f"[yellow]{escaped(sentence)}[/]")
    if not verdict.sound:
        say(f"[red]The log is not whole:[/] {escaped(verdict.broken)}")
        raise typer.Exit(1)
    if role is not None:
        _say_granted(opened.grants(), role, named.name)
    say(f"{verdict.entries:,} entries follow one from the other. Keep this receipt elsewhere: {verdict.receipt}")


class _Newest:
    """The newest entries that are wanted: of each log in its order, also where a clock was set back."""

    def __init__(
        self, keep: int, wanted: dict[str, str], columns: set[str] | None, show: Callable[[str], None]
    ) -> None:
        self._keep, self._wanted, self._columns, self._show = keep, wanted, columns, show
        self._logs = {log: deque[tuple[str, dict[str, Any]]](maxlen=keep) for log in ("changes", "reads")}
        self._latest, self._checked = dict.fromkeys(self._logs, ""), 0

    def look(self, entry: dict[str, Any]) -> None:
        self._checked += 1
        if self._checked % 10_000 == 0:
            self._show(f"{self._checked:,} entries checked")
        log = "changes" if entry["what"] in ("grant", "revoke") else "reads"
        self._latest[log] = max(self._latest[log], str(entry.get("at")))
        asked = self._columns is None or not self._columns.isdisjoint(entry.get("columns", ()))
        if asked and all(entry.get(name) == value for name, value in self._wanted.items()):
            self._logs[log].append((self._latest[log], entry))

    def entries(self) -> list[dict[str, Any]]:
        merged = sorted((*self._logs["changes"], *self._logs["reads"]), key=itemgetter(0))
        return [entry for _, entry in merged[-self._keep :]]


def _say_granted(grants: "Grants", role: str, catalogue: str) -> None:
    if held := grants.of(role, catalogue):
        say(escaped(f"{role} may now read of {catalogue}: {', '.join(held)}."))
    else:
        others = ", ".join(grants.roles(catalogue)) or "nobody"
        say(escaped(f"{role} may now read of {catalogue}: nothing; who may: {others}."))


def _table(entries: list[dict[str, Any]]) -> Any:
    table = plain_table("at", "what", "role", "of", "columns", "by, for")
    for entry in entries:
        columns = entry.get("refused", entry.get("columns", [entry.get("why", "")]))
        rows = f" ({entry['rows']:,} rows {entry['how']})" if "rows" in entry and "how" in entry else ""
        said = ", ".join(filter(None, (entry.get("actor"), entry.get("purpose"))))
        cells = [str(entry.get("at"))[:19], entry["what"], entry.get("role", ""), entry.get("catalogue", "")]
        table.add_row(*map(_printable, [*cells, ", ".join(columns) + rows, said]))
    return table


def _printable(text: str) -> str:
    """Return text as markup that shows it, with a dot for what would move the cursor or change colours."""
    return escaped("".join(letter if letter.isprintable() else "·" for letter in text))


def _opened(folder: Path) -> "Access":
    from mlsd_lab.features import Access

    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"--access: expected a folder, found the file {folder}")
    return Access(folder, clock.now)


def _typed_by(actor: str | None) -> str:
    if actor is not None:
        return actor
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError) as error:
        raise ConfigError("--actor: expected who types this, since the system does not say") from error
