"""Columns by the names that people use for them."""

from collections.abc import Sequence

from mlsd_lab.errors import ConfigError
from mlsd_lab.features.catalogue import Catalogue


def chosen(catalogue: Catalogue, names: Sequence[str], held: Sequence[str] = ()) -> dict[str, list[str]]:
    """Return the columns behind each of some names: a column, a feature, `tag:WORD`, or `all`.

    `held` are columns that need not be in the catalogue any more. Raises `ConfigError` for a name of nothing.

    >>> from mlsd_lab.features.feed import FEED
    >>> chosen(FEED, ["user_impressions", "retrieval"])
    {'user_impressions': ['user_impressions_1d', 'user_impressions_7d'], 'retrieval': ['retrieval']}
    """
    found = {}
    for name in names:
        found[name] = [
            column
            for feature in catalogue.features
            for column in feature.columns
            if name in ("all", feature.name, column) or name in {f"tag:{tag}" for tag in feature.about.tags}
        ]
        found[name] += [column for column in held if name in ("all", column) and column not in found[name]]
        if not found[name]:
            raise ConfigError(
                f"expected a column or feature of catalogue {catalogue.name}, tag:WORD with one of its tags, or all; "
                f"found {name!r}"
            )
    return found
