"""Side-by-side measurements against peers; `python -m benchmarks --help` says what can be run."""
