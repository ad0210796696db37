"""The option `--json FILE`, which several commands have."""

import json
import os
from pathlib import Path
from typing import Annotated, Any

import typer

from mlsd_lab.artifacts import write_whole
from mlsd_lab.errors import ConfigError

JsonFile = Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write what was found to a file too.")]


def check_json_file(file: Path | None, *inputs: str, option: str = "--json") -> None:
    """Raise `ConfigError`, before the work begins, unless an option names a file to write that is no input."""
    if file is None:
        return
    place = Path(os.path.realpath(file))
    if (
        str(file) in ("-", "")
        or file.parts[:2] in (("/", "dev"), ("/", "proc"))
        or (place.exists() and not place.is_file())
    ):
        raise ConfigError(f"{option}: expected a file to write to, found {str(file)!r}, which is something else")
    if any(place == Path(os.path.realpath(name)) for name in inputs):
        raise ConfigError(f"{option}: expected another file than what is read, {file}: it would be written over")
    if not place.parent.is_dir():
        raise ConfigError(f"{option}: expected a folder that is there, found {place.parent}: make it first")


def write_json(file: Path | None, found: Any) -> None:
    """Write a finding as JSON, the file there whole or not at all; without a file do nothing."""
    if file is not None:
        text = json.dumps(found, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
        write_whole(Path(os.path.realpath(file)), text)
