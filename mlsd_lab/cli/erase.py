"""`mlsd-lab erase`: a person who asks to be forgotten, out of lake, stores and served log."""

from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlsd_lab import clock
from mlsd_lab.cli.catalogue_option import FEED, catalogue_named
from mlsd_lab.cli.console import say
from mlsd_lab.cli.ingest import LakeRoot
from mlsd_lab.cli.json_file import JsonFile, check_json_file, write_json
from mlsd_lab.errors import ConfigError
from mlsd_lab.terminal import escaped, plain_table

if TYPE_CHECKING:
    from mlsd_lab.features.stores.erase_from_store import ErasedFromStore
    from mlsd_lab.features.stores.keyed_store import KeyedStore


def erase(
    user: Annotated[str, typer.Option(help="The id of the user who asks to be erased.")],
    lake: LakeRoot = "lake",
    store: Annotated[str | None, typer.Option(help="Folder of online stores, or redis://HOST:PORT/NUMBER.")] = None,
    catalogue: Annotated[
        list[str] | None, typer.Option(metavar="MODULE:NAME", help="Of a store there; once for each.")
    ] = None,
    served: Annotated[
        list[str] | None, typer.Option(help="Where a table served lies that is not in the lake; once for each.")
    ] = None,
    json_file: JsonFile = None,
) -> None:
    """Erase a user from the lake (all tables and their earlier versions), from online stores, and from served logs.

    Late copies stay out: the SHA-256 of the id is kept for that. What the sources hold is theirs to erase. Where it was
    stopped, or somebody was at work, run it again. Examples:

      mlsd-lab erase --user u0042 --lake lake --json erased.json

      mlsd-lab erase --user u0042 --lake lake --store stores --served runs/001
    """
    from mlsd_lab.features.stores.erase_from_store import erase_from_store
    from mlsd_lab.ingestion.erase import erase as erased
    from mlsd_lab.ingestion.lake import Lake
    from mlsd_lab.ingestion.shape import SERVED
    from mlsd_lab.ingestion.stream.redis_stream import RedisStream

    check_json_file(json_file)
    if catalogue and not store:
        raise ConfigError("--catalogue: expected the place of that catalogue's store too, with --store; found none")
    lakes = {one.root: one for one in map(Lake, [lake, *(served or [])])}
    Lake(lake).require()
    for place in served or []:
        if not Lake(place).has(SERVED.name):
            raise ConfigError(f"--served: expected where a table served lies, such as runs/001, found none in {place}")
    with ExitStack() as open_stores:
        stores = [open_stores.enter_context(closing(one)) for one in _stores(store, catalogue or [FEED])]
        tables = [(root, table) for root, one in lakes.items() for table in erased(one, user, clock.now())]
        kept = [erase_from_store(one, user) for one in stores]
        left = sorted(_names(str(store), stores) - {one.store for one in kept})
    place = RedisStream.address(store) if store and "://" in store else str(store)
    found = {"user": user, "tables": [{"lake": root, **vars(one)} for root, one in tables]}
    write_json(json_file, found | {"stores": [vars(one) for one in kept], "stores left alone": left})
    shown = plain_table("where", "table", "rows erased", "partitions rewritten", "old files removed", right="right")
    for root, table in tables:
        shown.add_row(escaped(root), table.table, f"{table.rows:,}", f"{table.partitions:,}", f"{table.files:,}")
    for row in kept:
        shown.add_row(escaped(place), row.store, f"{row.rows:,}", "", "")
    say(shown)
    if not sum(one.rows for _, one in tables) + sum(one.rows for one in kept):
        say(f"· [yellow]No row was of the user {escaped(user)}[/], or none any more: is the id right?")
    _say_what_stays(kept, left, place, lake)
    say("The click files, the profile database and the API keep what they have: ask their owners too.")


def _stores(place: str | None, catalogues: list[str]) -> "list[KeyedStore]":
    """Open the stores before anything is erased: a wrong name is refused in time."""
    import pandas as pd

    from mlsd_lab.features import open_store

    nothing = pd.DataFrame({"video_id": []})  # a store finds a user's rows without knowing videos
    named = [catalogue_named(name) for name in catalogues] if place else []
    return [open_store(str(place), one, nothing, filled=True) for one in named]


def _names(place: str, stores: "list[KeyedStore]") -> set[str]:
    from mlsd_lab.features import RedisStore

    if not stores:
        return set()
    if isinstance(stores[0], RedisStore):
        return set(stores[0].names())
    return {path.stem for path in Path(place).expanduser().glob("*.db")}


def _say_what_stays(kept: "list[ErasedFromStore]", left: list[str], place: str, lake: str) -> None:
    for name in left:
        say(f"· [yellow]{escaped(name)} at {escaped(place)} was left alone[/]: name its catalogue with --catalogue")
    for one in kept:
        if one.in_sums:
            say(
                f"· {escaped(one.store)}: the totals of {', '.join(one.in_sums)} still contain what the user added."
                f" Make it anew: mlsd-lab features backfill --lake {escaped(lake)} --store NEW"
            )
    if kept and "://" in place:
        say("· A server with an append-only file or snapshots has older states there until it rewrites them.")
