"""How long does it take to fill an empty feature store from a lake, and how much memory? Events of 30 days.

python -m benchmarks.backfill --events 1000000
python -m benchmarks.backfill --events 10000000 --store memory  (or redis://HOST:PORT/NUMBER; default: a new folder)
"""

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time

from benchmarks.event_lines import fill_lake
from benchmarks.online_state import peak_memory
from mlsd_lab.features import open_store
from mlsd_lab.features.feed import FEED
from mlsd_lab.features.stores.backfill import backfill
from mlsd_lab.ingestion.warehouse import Warehouse
from mlsd_lab.machine import machine, versions


def main() -> None:
    """Make a lake, fill a store from it, and print seconds and memory."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--store", help="memory, a folder, or redis://HOST:PORT/NUMBER: where no store of FEED is yet")
    asked = parser.parse_args()
    print(f"{machine()} {versions()}")
    with TemporaryDirectory() as folder:
        lake = fill_lake(Path(folder, "lake"), asked.events)
        before, began, worked = peak_memory(), perf_counter(), process_time()
        log = Warehouse(lake).outline()
        store = open_store(asked.store or Path(folder, "stores"), FEED, log.videos)
        found = backfill(store, lake, log, rows=store.at_once)
        seconds, busy = perf_counter() - began, process_time() - worked
        store.close()
    print(f"{found.absorbed:,} events in {seconds:.1f} s, {found.absorbed / seconds:,.0f} a second, {busy:.1f} CPU s")
    print(f"peak memory {peak_memory() / 1e9:.2f} GB, of which {before / 1e9:.2f} GB before")


if __name__ == "__main__":
    main()
