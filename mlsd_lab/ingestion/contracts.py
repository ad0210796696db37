"""The three contracts of the feed: events from the click log, users from the profile database, videos from the API."""

from mlsd_lab.ingestion.contract import Contract, Field

EVENTS = Contract(
    "events",
    (
        Field("event_id", "text", required=True),
        Field("user_id", "text", required=True),
        Field("video_id", "text", required=True),
        Field("occurred_at", "moment", "UTC, the phone's clock", required=True, not_after="known_at"),
        Field("known_at", "moment", "UTC, the collector's clock", required=True),
        Field("request_id", "text"),
        Field("surface", "text"),
        Field("position", "whole", "0 is the first place", low=0, high=2**31 - 1),
        Field("clicked", "flag"),
        Field("long_view", "flag"),
        Field("liked", "flag"),
        Field("rating", "number", "stars", low=0),
        Field("watch_seconds", "number", "s", low=0),
        Field("propensity", "number", "chance", low=0, high=1),
    ),
    key=("event_id",),
    first="known_at",
    date="occurred_at",
)
USERS = Contract(
    "users",
    (
        Field("user_id", "text", required=True),
        Field("updated_at", "moment", "UTC", required=True),
        Field("deleted", "flag"),
        Field("signed_up_at", "moment", "UTC"),
        Field("app", "text"),
        Field("region", "text"),
    ),
    key=("user_id", "updated_at"),
)
VIDEOS = Contract(
    "videos",
    (
        Field("video_id", "text", required=True),
        Field("updated_at", "moment", "UTC", required=True),
        Field("deleted", "flag"),
        Field("title", "text"),
        Field("creator_id", "text"),
        Field("topic", "text"),
        Field("duration_seconds", "number", "s", low=0),
        Field("uploaded_at", "moment", "UTC"),
    ),
    key=("video_id", "updated_at"),
)
CONTRACTS = {contract.name: contract for contract in (EVENTS, USERS, VIDEOS)}
"""By the name of the table."""
BY_SOURCE = {"clicks": EVENTS, "stream": EVENTS, "profiles": USERS, "metadata": VIDEOS}
"""By the name of the source whose records they are."""
