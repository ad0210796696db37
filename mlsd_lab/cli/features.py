"""`mlsd-lab features list | describe | diff | backfill`: the catalogue, and the stores that are made of it.

Other commands of the group are files of their own.
"""

import json
from difflib import get_close_matches
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mlsd_lab.cli.catalogue_option import FEED, CatalogueName, catalogue_named
from mlsd_lab.cli.console import progress_bar, say
from mlsd_lab.cli.ingest import LakeRoot
from mlsd_lab.cli.json_file import JsonFile, check_json_file, write_json
from mlsd_lab.errors import ConfigError
from mlsd_lab.terminal import escaped, plain_table

if TYPE_CHECKING:
    from rich.table import Table

features_app = typer.Typer(
    help="Features: what there is, what changed, and the stores made of them.", no_args_is_help=True
)
StorePlace = Annotated[
    str, typer.Option("--store", envvar="MLSD_LAB_STORE", help="A folder of stores, or redis://HOST:PORT/NUMBER.")
]


@features_app.command("list")
def features_list(
    catalogue: CatalogueName = FEED,
    tag: Annotated[str | None, typer.Option(help="Only those with this tag.")] = None,
    reads: Annotated[
        str | None, typer.Option(help="Only those made of this source column, such as watch_seconds.")
    ] = None,
) -> None:
    """List the features of a catalogue: of whom, over which windows, who answers for them, what they mean.

    Examples:

      mlsd-lab features list --reads watch_seconds

      mlsd-lab features list --catalogue my_features:MINE --tag taste
    """
    chosen = catalogue_named(catalogue)
    tags = sorted({tag for feature in chosen.features for tag in feature.about.tags})
    if tag is not None and tag not in tags:
        raise ConfigError(f"--tag: expected a tag of {chosen.name}, one of {', '.join(tags) or 'none'}; found {tag!r}")
    fed = chosen.columns if reads is None else chosen.lineage().feeds(reads)
    table = plain_table("feature", "windows", "entity", "owner", "meaning")
    for feature in chosen.features:
        if (tag is None or tag in feature.about.tags) and not set(fed).isdisjoint(feature.columns):
            entity = " × ".join(getattr(feature, "entity", ())) or "–"
            windows = ", ".join(window.name for window in getattr(feature, "windows", ())) or "–"
            mark = "[red]personal:[/] " if feature.columns[0] in chosen.personal else ""
            told = (escaped(text) for text in (feature.name, windows, entity, feature.about.owner))
            table.add_row(*told, mark + escaped(feature.meaning))
    say(f"[bold]{escaped(chosen.name)} {escaped(chosen.version)}[/], fingerprint {chosen.fingerprint[:12]}")
    say(table if table.row_count else "There is none such.")


@features_app.command("describe")
def features_describe(
    name: Annotated[str | None, typer.Argument(help="A feature, or one of its columns.")] = None,
    catalogue: CatalogueName = FEED,
    page: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a page of all features, as HTML.")] = None,
    json_file: JsonFile = None,
) -> None:
    """Say all of one feature, or write all of the catalogue: a page for people, JSON for a later `features diff`.

    Examples:

      mlsd-lab features describe user_completion

      mlsd-lab features describe --page features.html --json feed-1.json
    """
    from mlsd_lab.artifacts import write_whole
    from mlsd_lab.features.catalogue_page import catalogue_page
    from mlsd_lab.features.described import described

    check_json_file(json_file)
    check_json_file(page, *([str(json_file)] if json_file else []), option="--page")
    if name is None and page is None and json_file is None:
        raise ConfigError("describe: expected a feature, --page FILE or --json FILE; mlsd-lab features list names them")
    found = described(catalogue_named(catalogue))
    feature = None if name is None else _feature(found, name)
    write_json(json_file, found)
    if page is not None:
        write_whole(page, catalogue_page(found))
        say(escaped(f"{page} shows {len(found['features'])} features"))
    if feature is not None:
        say(_described(*feature))
        if code := feature[1]["code"]:
            say(escaped(code))  # apart from the table, which would break its lines


@features_app.command("diff")
def features_diff(
    before: Annotated[str, typer.Argument(help="module:NAME, or a file that describe --json wrote.")],
    after: Annotated[str, typer.Argument(help="The same, of the other version.")] = FEED,
    json_file: JsonFile = None,
) -> None:
    """Compare two catalogues: what came, went and changed, and whether values do, so that store and model must be new.

    Keep a description with each model: then its version can be compared when its code is gone. Examples:

      mlsd-lab features diff feed-1.json

      mlsd-lab features diff my_features:V1 my_features:V2
    """
    from mlsd_lab.features.difference import Difference

    check_json_file(json_file, before, after)
    found = Difference.between(*(_version(one) for one in (before, after)))
    changes = [vars(change) for change in found.changes]
    write_json(json_file, {"values_change": found.values_change, "changes": changes})
    table = plain_table("feature", "what", "before", "after", "values change")
    for change in found.changes:
        told = (change.feature, change.what, change.before, change.after)
        table.add_row(*(escaped(text) for text in told), "yes" if change.of_values else "")
    say(f"[bold]{escaped(found.before)}[/] and [bold]{escaped(found.after)}[/]")
    if found.changes:
        say(table)
    say(found.verdict)


@features_app.command("backfill")
def features_backfill(
    lake: LakeRoot = "lake",
    store: StorePlace = "stores",
    catalogue: CatalogueName = FEED,
    json_file: JsonFile = None,
) -> None:
    """Fill the catalogue's own store with the lake's events, from where it stands; then the stream can take over.

    Each version of a catalogue has a store of its own at the place. Stopped at any moment, even by kill -9, it goes on
    where it was: run it again. Examples:

      mlsd-lab features backfill --lake lake --store stores

      mlsd-lab features backfill --lake s3://feed/lake --store redis://127.0.0.1:6379/0 --catalogue my_features:V2
    """
    from mlsd_lab.features import open_store
    from mlsd_lab.features.stores.backfill import backfill
    from mlsd_lab.ingestion.lake import Lake
    from mlsd_lab.ingestion.warehouse import Warehouse

    check_json_file(json_file)
    if store == "memory":
        raise ConfigError("--store: expected a folder or redis://HOST:PORT/NUMBER, found memory, which ends with this")
    chosen, source, began = catalogue_named(catalogue), Lake(lake), perf_counter()
    log = Warehouse(source).outline()
    into = open_store(store, chosen, log.videos)
    try:
        with progress_bar() as on_progress:
            found = backfill(into, source, log, on_progress, into.at_once)
    finally:
        into.close()
    seconds = perf_counter() - began
    write_json(json_file, {**vars(found), "store": into.name, "fingerprint": chosen.fingerprint})
    say(
        f"{found.absorbed:,} events in {seconds:.1f} s, {found.refused:,} refused; {escaped(into.name)} stands at "
        f"position {found.position:,}" + ("." if found.offset is None else f", offset {found.offset:,} of the stream.")
    )


def _version(name: str) -> Any:
    if ":" in name and not Path(name).exists():
        return catalogue_named(name)
    try:
        found = json.loads(Path(name).read_text(encoding="utf-8"))
        if _is_description(found):
            return found
    except (OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError):
        pass
    raise ConfigError(
        f"expected module:NAME or a file that mlsd-lab features describe --json wrote, found {name!r}, which is neither"
    )


def _is_description(found: Any) -> bool:
    from mlsd_lab.features.difference import BESIDE, OF_VALUES

    texts, features = [found[name] for name in ("name", "version", "fingerprint")], found["features"].values()
    lists = [facts[name] for facts in features for name in ("columns", "made_of")]
    texts += [text for each in lists if isinstance(each, list) for text in each]
    complete = all({*OF_VALUES, *BESIDE} <= set(facts) for facts in features)
    return complete and all(isinstance(each, list) for each in lists) and all(isinstance(text, str) for text in texts)


def _feature(found: dict[str, Any], name: str) -> tuple[str, dict[str, Any]]:
    for feature, facts in found["features"].items():
        if name == feature or name in facts["columns"]:
            return feature, facts
    near = get_close_matches(name, [*found["features"]], n=3, cutoff=0.3) or [*found["features"]][:3]
    raise ConfigError(f"describe: expected a feature of {found['name']}, such as {', '.join(near)}; found {name!r}")


def _described(name: str, facts: dict[str, Any]) -> "Table":
    table = plain_table(name, facts["meaning"])
    told = {"columns": facts["columns"], "entity": facts["entity"], "windows": facts["windows"], "how": facts["how"]}
    told |= {"unit": facts["unit"], "dtype": facts["dtype"], "owner": facts["owner"], "tags": facts["tags"]}
    told |= {
        "default": facts["default"],
        "time to live": facts["time_to_live"],
        "personal": facts["personal"] and "yes",
    }
    told |= {"reads": facts["reads"], "made of": facts["made_of"]}
    for fact, value in told.items():
        text = ", ".join(value) if isinstance(value, list) else str("" if value in (None, False) else value)
        if text:
            table.add_row(fact, escaped(text))
    return table
