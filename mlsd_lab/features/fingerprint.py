"""What tells two catalogues apart."""

import hashlib
import json
from typing import TYPE_CHECKING, Any

import numpy as np

from mlsd_lab.features.definition import CONTEXT, Derived, Feature, Windowed
from mlsd_lab.features.probe import probe_events
from mlsd_lab.features.source_code import source_code

if TYPE_CHECKING:
    import pandas as pd

    from mlsd_lab.features.catalogue import Catalogue


def fingerprint(catalogue: "Catalogue") -> str:
    """Return the SHA-256 over a catalogue's name, version, declarations, code and values on the probe.

    >>> from mlsd_lab.features.feed import FEED
    >>> fingerprint(FEED) == FEED.fingerprint
    True
    """
    probe = probe_events()
    windows = [
        [
            f.name,
            f.entity,
            f.columns,
            [w.tile for w in f.windows],
            repr(f.aggregate),
            probe_values(f, probe),
            source_code(f.rows),
        ]
        for f in catalogue.windowed
    ]
    derived = [[f.name, f.inputs, probe_values(f, probe), source_code(f.compute)] for f in catalogue.derived]
    last = [[f.name, f.entity, probe_values(f, probe), source_code(f.rows)] for f in catalogue.last]
    ruled = [f for f in catalogue.features if f.about.default is not None or f.about.time_to_live is not None]
    missing = [[f.name, f.about.default, f.about.time_to_live] for f in ruled]
    more = [last, missing] if last or missing else []
    text = json.dumps([catalogue.name, catalogue.version, windows, derived, *more])
    return hashlib.sha256(text.encode()).hexdigest()


def probe_values(feature: Feature, probe: "pd.DataFrame") -> list[Any]:
    """Return what a feature's function makes of the probe, JSON-ready; of a windowed one, what each row adds.

    >>> from mlsd_lab.features.feed import video_duration
    >>> probe_values(video_duration, probe_events())
    ['10', '0', 'nan', '59.5', '3600']
    """
    if isinstance(feature, Windowed):
        return feature.contributions(probe).tolist()
    if isinstance(feature, Derived):
        column = np.linspace(0, 1, len(probe))  # stands for any other feature
        values = feature.compute(*(probe[name].to_numpy() if name in CONTEXT else column for name in feature.inputs))
    else:
        values = feature.values(probe)
    return [f"{float(value):.9g}" for value in np.atleast_1d(np.asarray(values, dtype=np.float64))]
