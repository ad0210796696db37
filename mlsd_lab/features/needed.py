"""What some columns are made of."""

from collections.abc import Sequence

from mlsd_lab.features.definition import Derived


def needed(columns: Sequence[str], derived: Sequence[Derived]) -> frozenset[str]:
    """Return some columns with all that they are derived from; `derived` in an order where each follows its inputs.

    >>> from mlsd_lab.features.feed import FEED
    >>> sorted(needed(["video_age_days", "user_impressions_7d"], FEED.derived))
    ['as_of', 'uploaded_at', 'user_impressions_7d', 'video_age_days']
    """
    found = {*columns}
    for feature in reversed(derived):
        if feature.name in found:
            found.update(feature.inputs)
    return frozenset(found)
