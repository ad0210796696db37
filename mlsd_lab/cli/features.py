"""`mlsd-lab features`: the group; each command is a file of its own."""

import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlsd_lab.errors import ConfigError

if TYPE_CHECKING:
    from mlsd_lab.features import Catalogue

CatalogueName = Annotated[str, typer.Option("--catalogue", metavar="MODULE:NAME", help="Where the catalogue stands.")]
OUR_CATALOGUE = "mlsd_lab.features.feed:FEED"

features_app = typer.Typer(help="Features: are they in serving what they are in training?", no_args_is_help=True)


def catalogue_named(name: str) -> "Catalogue":
    """Import a catalogue, also from the working folder."""
    from mlsd_lab.features import Catalogue

    module, _, attribute = name.partition(":")
    sys.path.insert(0, str(Path.cwd()))
    try:
        found = getattr(importlib.import_module(module), attribute)
    except Exception as error:  # whatever a module of others raises
        raise ConfigError(
            f"--catalogue: expected MODULE:NAME such as {OUR_CATALOGUE}, found {name!r}"
            f" ({type(error).__name__}: {' '.join(str(error).split())})"
        ) from error
    finally:
        sys.path.pop(0)
    if not isinstance(found, Catalogue):
        raise ConfigError(f"--catalogue: expected a Catalogue at {name}, found {type(found).__name__}")
    return found
