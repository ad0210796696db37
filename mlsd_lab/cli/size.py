"""`mlsd-lab size`: from a brief to requests, bytes, machines and money, each worked as on a whiteboard."""

import tomllib
from typing import Annotated, Any

import typer

from mlsd_lab.cli.console import say
from mlsd_lab.cli.json_file import JsonFile, check_json_file, write_json
from mlsd_lab.errors import ConfigError
from mlsd_lab.terminal import escaped, whiteboard


def size(
    more: Annotated[list[str] | None, typer.Argument(metavar="KEY=VALUE", help="More of --set.")] = None,
    brief: Annotated[
        str,
        typer.Option(
            help="ad-clicks, event-recommendation, harmful-content, similar-listings, video-feed, or a TOML file of "
            "yours."
        ),
    ] = "video-feed",
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Another answer to one of the brief's questions."),
    ] = None,
    service_ms: Annotated[
        float, typer.Option(help="How long one request keeps a machine busy: assumed until you measure it.")
    ] = 10.0,
    json_file: JsonFile = None,
) -> None:
    """Show a brief's questions with their answers, and work out what they ask of the machines, line by line.

    An answer may have a unit of its kind. Examples:

      mlsd-lab size

      mlsd-lab size --brief ad-clicks --set peak_factor=5 latency_p99_ms="0.02 s"

      mlsd-lab size --set users=2e9 --set 'personal_data=["Nobody under 13 is profiled."]' --json size.json
    """
    from mlsd_lab.framing import Brief
    from mlsd_lab.framing import size as sized

    check_json_file(json_file, brief)
    asked = Brief.load(brief).changed(**_changes([*(changes or []), *(more or [])]))
    capacity = sized(asked, service_ms)
    write_json(json_file, capacity.to_json())
    for part in whiteboard(asked, capacity):
        say(part)
    if json_file is None:
        say("Change an answer and see what moves: --set peak_factor=5; keep the numbers: --json size.json")
    else:
        say(f"Written to {escaped(str(json_file))}. Change an answer and see what moves: --set peak_factor=5")


def _changes(words: list[str]) -> dict[str, Any]:
    changes = {}
    for word in words:
        key, sign, text = word.partition("=")
        if not sign or not key.strip().isidentifier():
            raise ConfigError(f"--set: expected KEY=VALUE, such as peak_factor=5, found {word!r}")
        changes[key.strip()] = _value(text.strip())
    return changes


def _value(text: str) -> Any:
    """Return a TOML value, or the text as it is where it is none that a brief could hold."""
    try:
        found = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):
        return text
    of_a_brief = len(found) == 1 and isinstance(found["value"], str | int | float | list | dict)
    return found["value"] if of_a_brief else text
