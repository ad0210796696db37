"""A file a measurement: what goes in, what of ours is timed, and against whom."""
