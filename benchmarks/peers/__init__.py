"""A file a peer: its header says what it requires, and it runs in an environment of its own."""
