"""A catalogue as a page for people: what there is, who answers for it, what it is made of."""

from typing import Any


def catalogue_page(described: dict[str, Any]) -> str:
    """Return a self-contained HTML page of what `described` says of a catalogue.

    >>> from mlsd_lab.features.described import described
    >>> from mlsd_lab.features.feed import FEED
    >>> page = catalogue_page(described(FEED))
    >>> page.count("<article"), page.count("http"), "videos.duration_seconds" in page
    (13, 0, True)
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("mlsd_lab", "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    features = described["features"]
    groups: dict[str, list[str]] = {}
    owners: dict[str, list[str]] = {}
    feeds: dict[str, list[str]] = {}
    home = {column: name for name, facts in features.items() for column in facts["columns"]}
    used: dict[str, list[str]] = {name: [] for name in features}
    for name, facts in features.items():
        groups.setdefault(" × ".join(facts["entity"]) or "computed at each request", []).append(name)
        owners.setdefault(facts["owner"] or "nobody", []).append(name)
        for source in facts["reads"]:
            feeds.setdefault(source, []).append(name)
        for column in facts["made_of"]:
            used[home[column]].append(name)
    return environment.get_template("catalogue.html").render(
        catalogue=described,
        features=features,
        groups=groups,
        owners=dict(sorted(owners.items())),
        feeds=dict(sorted(feeds.items())),
        home=home,
        used=used,
    )
