"""What a brief asks of the machines: traffic, storage, reads and money, each worked line by line."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from mlsd_lab.errors import ConfigError
from mlsd_lab.framing.brief import Brief
from mlsd_lab.framing.quantity import Quantity
from mlsd_lab.framing.whiteboard import Derived, derive

if TYPE_CHECKING:
    import pandas as pd

FORMULAS = (
    ("active_users_per_day", "users * daily_active_share", "users", "People who come on a day."),
    ("requests_per_day", "active_users_per_day * requests_per_user_day", "requests/day", "Answers asked for in a day."),
    (
        "requests_per_second_mean",
        "requests_per_day / seconds_per_day",
        "requests/s",
        "The same, spread evenly over the day.",
    ),
    ("requests_per_second_peak", "requests_per_second_mean * peak_factor", "requests/s", "In the busiest second."),
    ("events_per_day", "requests_per_day * events_per_request", "events/day", "Exposures that the log gains in a day."),
    (
        "events_per_second_peak",
        "requests_per_second_peak * events_per_request",
        "events/s",
        "The log's busiest second.",
    ),
    ("bytes_per_day", "events_per_day * event_bytes", "bytes/day", "What the log grows by in a day."),
    ("bytes_per_year", "bytes_per_day * days_per_year", "bytes/year", "What the log would grow by in a year."),
    ("bytes_retained", "bytes_per_day * retention_days", "bytes", "The log as it may be kept, one copy, uncompressed."),
    ("training_rows", "events_per_day * retention_days", "events", "One an event kept; the newest have no label yet."),
    ("events_awaiting_label", "events_per_day * label_delay_seconds", "events", "Events shown whose label is to come."),
    ("events_not_yet_in_features", "events_per_day * freshness_seconds", "events", "Events that features lack yet."),
    ("catalogue_after_a_year", "catalogue_videos + catalogue_growth_day * one_year", "videos", "If none is removed."),
    (
        "embedding_table_bytes",
        "(users * rows_per_user + catalogue_videos * rows_per_video) * embedding_dim * bytes_per_float32",
        "bytes",
        "An embedding for each user and each video, in float32.",
    ),
    (
        "index_bytes",
        "catalogue_videos * rows_per_video * embedding_dim * bytes_per_float32",
        "bytes",
        "The videos' embeddings alone, in float32, without the index's own links.",
    ),
    (
        "index_bytes_float16",
        "catalogue_videos * rows_per_video * embedding_dim * bytes_per_float16",
        "bytes",
        "The same in float16.",
    ),
    (
        "index_bytes_codes",
        "catalogue_videos * rows_per_video * bytes_per_code",
        "bytes",
        "Each embedding as a code of 16 bytes.",
    ),
    (
        "feature_store_bytes",
        "(users * rows_per_user + catalogue_videos * rows_per_video) * features_per_candidate * bytes_per_feature",
        "bytes",
        "A row of float32 features for each user and each video.",
    ),
    ("candidates_per_second", "requests_per_second_peak * candidates", "videos/s", "Candidates scored at the peak."),
    (
        "feature_reads_per_second",
        "candidates_per_second * rows_per_video * features_per_candidate",
        "features/s",
        "Feature values read at the peak.",
    ),
    (
        "microseconds_per_candidate",
        "latency_p99_ms / (candidates * one_request)",
        "µs/video",
        "The most a candidate may take, scored one after the other, if nothing else took time.",
    ),
    ("network_bytes_per_second", "requests_per_second_peak * response_bytes", "bytes/s", "Answers sent at the peak."),
    (
        "machines",
        "regions * ceil(requests_per_second_peak / regions * assumed_service_ms / target_utilisation)",
        "machines",
        "Machines for the peak, with even traffic over the regions.",
    ),
    ("usd_per_month", "machines * machine_usd_hour", "usd/month", "What these machines cost."),
    (
        "usd_per_thousand_requests",
        "usd_per_month / requests_per_day * thousand_requests",
        "usd",
        "What a thousand answers cost.",
    ),
    ("budget_share", "usd_per_month / budget_usd_month", "share", "Of the budget; above 1 it does not suffice."),
)
"""Name, formula, unit, and what it is; each may use the names above it, the brief's fields and the constants."""
_CONSTANTS = {
    "seconds_per_day": Quantity.of(86_400, "s/day"),
    "days_per_year": Quantity.of(365, "days/year"),
    "one_year": Quantity.of(1, "year"),
    "one_request": Quantity.of(1, "request"),
    "thousand_requests": Quantity.of(1000, "requests"),
    "rows_per_user": Quantity.of(1, "row/user"),
    "rows_per_video": Quantity.of(1, "row/video"),
    "bytes_per_float32": Quantity.of(4, "bytes/number"),
    "bytes_per_float16": Quantity.of(2, "bytes/number"),
    "bytes_per_feature": Quantity.of(4, "bytes/feature"),
    "bytes_per_code": Quantity.of(16, "bytes/row"),
}
UNITS = "1 GB is 10⁹ bytes, a month 30 days, a year 365 days. Shown rounded, computed exactly."


@dataclass(frozen=True, repr=False)
class Capacity:
    """The derived quantities of a brief by name, in the order of `FORMULAS`.

    >>> size(Brief.load("video-feed"))["index_bytes"]
    index_bytes
    = catalogue_videos × rows_per_video × embedding_dim × bytes_per_float32
    = 100,000,000 videos × 1 row/video × 64 numbers/row × 4 B/number
    = 25.6 GB
    """

    derived: Mapping[str, Derived]

    def __getitem__(self, name: str) -> Derived:
        if name not in self.derived:
            near = get_close_matches(str(name), self.derived, n=1, cutoff=0)
            raise ConfigError(f"expected a derived quantity, found {name!r}: did you mean {near[0]}?")
        return self.derived[name]

    def to_frame(self) -> "pd.DataFrame":
        """Return a row a quantity: as text, as a number, its unit, and what it is.

        >>> size(Brief.load("video-feed")).to_frame().loc["machines", "value"]
        np.float64(1740.0)
        """
        import pandas as pd

        said = {name: sentence for name, _, _, sentence in FORMULAS}
        rows = [(one.quantity.text(), float(one.value), one.unit, said[name]) for name, one in self.derived.items()]
        return pd.DataFrame(rows, columns=["quantity", "value", "unit", "meaning"], index=list(self.derived))

    def to_json(self) -> dict[str, dict[str, Any]]:
        """Return value, unit and derivation by name.

        >>> size(Brief.load("video-feed")).to_json()["machines"]["value"]
        1740
        """
        return {
            name: {"value": one.value, "unit": one.unit, "derivation": one.derivation}
            for name, one in self.derived.items()
        }

    def __repr__(self) -> str:
        return "\n\n".join([UNITS, *map(repr, self.derived.values())])


def size(brief: Brief, service_ms: float = 10.0) -> Capacity:
    """Work out what a brief needs; `service_ms` is how long one request keeps a whole machine busy.

    It is an assumption until you measure it, and the derivation calls it so. 1 GB is 10⁹ bytes, a month 30 days, a
    year 365 days.

    >>> size(Brief.load("video-feed"))["machines"]
    machines
    = regions × ceil(requests_per_second_peak ÷ regions × assumed_service_ms ÷ target_utilisation)
    = 4 regions × ceil(104,167 requests/s ÷ 4 regions × 10 machine·ms/request ÷ 0.6)
    = 1,740 machines
    """
    if isinstance(service_ms, bool) or not isinstance(service_ms, int | float) or not 0 < service_ms < math.inf:
        raise ConfigError(f"service_ms, in ms: expected a number above 0, found {service_ms!r}")
    service = Quantity.of(service_ms, "machine·ms/request")
    known = {**_CONSTANTS, **brief.quantities(), "assumed_service_ms": service}
    derived = {}
    for name, formula, unit, _ in FORMULAS:
        derived[name] = derive(name, formula, unit, known)
        known[name] = derived[name].quantity
    return Capacity(derived)
