"""All that is known of a catalogue, as plain data: what tables, pages and comparisons of versions are made from."""

from typing import TYPE_CHECKING, Any

from mlsd_lab.features.definition import Derived, Feature, Windowed
from mlsd_lab.features.fingerprint import probe_values
from mlsd_lab.features.probe import probe_events
from mlsd_lab.features.source_code import source_code

if TYPE_CHECKING:
    import pandas as pd

    from mlsd_lab.features.catalogue import Catalogue


def described(catalogue: "Catalogue") -> dict[str, Any]:
    """Return a catalogue's facts and those of each feature, in its order, JSON-ready.

    >>> from mlsd_lab.features.feed import FEED
    >>> found = described(FEED)
    >>> found["version"], found["features"]["video_age_days"]["unit"]
    ('1', 'days')
    """
    personal, lineage, probe = catalogue.personal, catalogue.lineage(), probe_events()
    features = {}
    for feature in catalogue.features:
        column, function = feature.columns[0], feature.compute if isinstance(feature, Derived) else feature.rows
        features[feature.name] = {
            "columns": list(feature.columns),
            "entity": [] if isinstance(feature, Derived) else list(feature.entity),
            "windows": [window.name for window in feature.windows] if isinstance(feature, Windowed) else [],
            "how": _how(feature),
            "dtype": "float64",
            "unit": feature.about.unit,
            "owner": feature.about.owner,
            "default": feature.about.default,
            "time_to_live": feature.about.time_to_live,
            "tags": list(feature.about.tags),
            "personal": column in personal,
            "meaning": feature.meaning,
            "reads": list(lineage.reads[column]),
            "made_of": list(lineage.inputs.get(column, ())),
            "code": source_code(function),
            "values": probe_values(feature, probe),
        }
    named = {"name": catalogue.name, "version": catalogue.version, "fingerprint": catalogue.fingerprint}
    return {**named, "features": features}


def columns_frame(described: dict[str, Any]) -> "pd.DataFrame":
    """Return a row a feature column, for people.

    >>> from mlsd_lab.features.feed import FEED
    >>> columns_frame(described(FEED)).loc[5, ["column", "entity", "window", "reads"]].tolist()
    ['user_completion_7d', 'user_id', '7d', 'events.user_id, events.watch_seconds, videos.duration_seconds']
    """
    import pandas as pd

    kept = "how", "dtype", "unit", "owner", "default", "time_to_live", "tags", "personal", "meaning", "reads"
    rows = []
    for facts in described["features"].values():
        told = {name: ", ".join(facts[name]) if isinstance(facts[name], list) else facts[name] for name in kept}
        for at, column in enumerate(facts["columns"]):
            window = facts["windows"][at] if facts["windows"] else ""
            rows.append({"column": column, "entity": " × ".join(facts["entity"]), "window": window} | told)
    return pd.DataFrame(rows, columns=["column", "entity", "window", *kept])


def _how(feature: Feature) -> str:
    if isinstance(feature, Windowed):
        return repr(feature.aggregate)
    return f"function of {', '.join(feature.inputs)}" if isinstance(feature, Derived) else "newest"
