"""The option `--catalogue module:NAME`, which all commands on features have."""

import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlsd_lab.errors import ConfigError, MlsdLabError

if TYPE_CHECKING:
    from mlsd_lab.features import Catalogue

FEED = "mlsd_lab.features.feed:FEED"
CatalogueName = Annotated[
    str, typer.Option("--catalogue", envvar="MLSD_LAB_CATALOGUE", help="Where it is defined: module:NAME.")
]


def catalogue_named(name: str) -> "Catalogue":
    """Return the catalogue under a name of a module, which may lie in the working folder; its code runs.

    >>> catalogue_named("mlsd_lab.features.feed:FEED").name
    'feed'
    """
    from mlsd_lab.features import Catalogue

    module, _, attribute = name.partition(":")
    if not all(part.isidentifier() for part in (*module.split("."), attribute)):
        raise ConfigError(f"--catalogue: expected module:NAME such as {FEED}, found {name!r}")
    if (here := str(Path.cwd())) not in sys.path:
        sys.path.insert(0, here)
    try:
        found = importlib.import_module(module)
    except MlsdLabError as error:
        raise ConfigError(f"--catalogue {name}: {error}") from error
    except (Exception, SystemExit) as error:  # whatever the module does when it is imported
        said = " ".join(str(error).split())
        raise ConfigError(
            f"--catalogue {name}: expected a module that can be imported from {here}, found {type(error).__name__}: "
            f"{said}"
        ) from error
    made = getattr(found, attribute, None)
    if isinstance(made, Catalogue):
        return made
    there = ", ".join(key for key, value in vars(found).items() if isinstance(value, Catalogue)) or "none"
    raise ConfigError(
        f"--catalogue {name}: expected a Catalogue, found {type(made).__name__ if made is not None else 'nothing'}; "
        f"catalogues of {module}: {there}"
    )
