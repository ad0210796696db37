# %% [markdown]
# # The stream
#
# “How fresh are your features?” asks the interviewer. “And what happens when events come late, or your consumer dies?”
#
# > *A weak answer:* “We use a streaming platform, so features are real-time. It guarantees exactly once.”
#
# > *A strong one:* “A feature can be read so many milliseconds after its event; that is the time of one piece, and I chose
# > the size of the piece. I count by when things happened, not by when they came. What is later than I am willing to wait goes
# > into a table of its own and is added by a correction. And nothing is delivered exactly once: I commit the position in the
# > same transaction as the rows, so a crash changes nothing.”
#
# The weak answer names a product. Behind *real-time* stand two numbers, how late events may come and how large a piece
# is, and behind *exactly once* stands one transaction. You will choose the numbers, kill the consumer thirty times, and
# see when none of this is needed.
#
# The feed is simulated, two weeks of it. Notebook `02_ingestion` reads it as files; here its events come one after the
# other. (Dark in the picture: what this notebook touches.)

# %%
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import pandas as pd

from mlsd_lab.course import Live, arrivals, card, check, claim
from mlsd_lab.course import compare, diagram, killed, measure, note, picture, predict
from mlsd_lab.datasets.world import WorldConfig, simulate

display(card("data"), diagram("02"))
world, here = simulate(WorldConfig(2_000, 800, 100_000, days=14)), Path(mkdtemp())

# %% [markdown]
# ## Two times
#
# Each event has two times: when it *happened*, by the phone's clock (`occurred_at`, event time), and when it *came* to
# us (`known_at`, processing time). An exposure comes when its watch has ended; that of a phone without a network comes
# when it is back. “How many videos were watched from seven to eight?” is a question about event time, and somebody must
# say when the answer is complete.
#
# That is what a **watermark** is for: a line that trails the newest event seen so far by a fixed time, the *lateness*
# that is allowed. Behind it no event is expected any more; the one that comes all the same is **late**. Below is an
# evening hour, with ten minutes allowed. Nearly all watches are over within a minute or two: of two weeks' events, what
# share will be late?

# %%
log, events = world.log, world.log.events  # in the order in which they came
hour = pd.Timestamp("2026-01-18 19:00", tz="UTC")
came = events[events.known_at.dt.floor("h") == hour]
an_hour = arrivals(came.occurred_at, pd.Timedelta("10min"))
print(f"{len(came)} events came from 19:00 to 20:00, {an_hour.late.sum()} of them late")
behind = (an_hour.watermark - came.occurred_at)[an_hour.late].dt.total_seconds() / 60
print(f"behind the watermark by {behind.min():.0f} to {behind.max():.0f} minutes")
display(picture("When it came, when it happened", an_hour.plot, size=(7, 4)))
lateness_guess = predict("2.6", "%", low=None, high=None)
lateness_guess

# %% [markdown]
# The watermark never goes back, and it moves only when something newer comes: when nobody watches, time stands still.
# No clock of ours is asked. So who reads the same events tomorrow, faster and in other pieces, finds the same ones
# late.
#
# How much to allow? A number for the hour that ends at seven is final when the watermark has passed seven. What each
# lateness costs in waiting, and what it buys:

# %%
ten = arrivals(events.occurred_at, pd.Timedelta("10min"))
display(compare(lateness_guess, note("late_at_ten", 100 * ten.share, "%")))
told = {}
for minutes in (0.25, 0.5, 1, 2, 5, 10, 30, 60, 120, 180, 200):
    found = arrivals(events.occurred_at, pd.Timedelta(minutes=minutes))
    closed = events.known_at[found.watermark >= hour].iloc[0] - hour  # the hour that ends at 19:00
    told[minutes] = {"closed after": closed.total_seconds() / 60, "late, %": 100 * found.share}
told = pd.DataFrame(told).T.rename_axis("minutes allowed")
print(told.round(3))
look = {"x": "closed after", "y": "late, %", "style": "o-", "logx": True, "legend": False}
look |= {"xlabel": "minutes until an hour's number is final", "ylabel": "% of events not in it"}
picture("What waiting buys", lambda ax: told.plot(ax=ax, **look))

# %% [markdown]
# The curve has a knee. The first minutes of waiting buy much: watches end. After that it is nearly flat: what is
# missing are phones without a network, and they need hours, not minutes. Waiting for them would keep every number back
# by three hours for two events in a hundred. So one waits to the knee, publishes, and has a second way for the rest: a
# table of late events, and a **correction** that adds them. Where a number cannot be corrected, because somebody was
# paid by it, one waits longer.
#
# Now write the rule yourself:

# %%
# exercise 2.2

# %% [markdown]
# ## A log with positions
#
# Between those who send and those who read stands a *stream*: records in the order in which they came, each with a
# number, its **offset**. A sender may forget a record when it was acknowledged, and that must mean: it is on the disk.
# A reader remembers one number. Here the stream is a SQLite file (`RedisStream` offers the same on a server).
#
# A phone that got no answer sends again. The stream drops what it holds already, and can do so only as far back as it
# remembers; here it remembers what was not yet *trimmed*:

# %%
from mlsd_lab.datasets.click_files import Defects, write_click_files
from mlsd_lab.ingestion.stream.sqlite_stream import SqliteStream

write_click_files(log, here / "clicks", Defects(repeated=0.04), files=1)
sent = (here / "clicks/clicks-0000.jsonl").read_bytes().splitlines()
stream, short = SqliteStream(here / "stream.db"), SqliteStream(here / "short.db")
print(f"{len(sent):,} lines for {len(events):,} events")
for moment in ("first", "again", "after a trim"):
    print(f"{moment}: {short.append(sent[:1_000])}")
    short.trim(500 if moment == "again" else 0)

# %% [markdown]
# The third time half of them were taken: their first copies had been trimmed away. That is the **horizon** of
# deduplication. Beyond it somebody else must know a copy, such as the lake, which knows all of its ids.
#
# An acknowledgement waits for the disk. How many times as long does a record take when each is appended alone, rather
# than a thousand at a time?


# %%
def append(size):
    fresh = SqliteStream(Path(mkdtemp(dir=here), "stream.db"))
    for at in range(0, max(200, 2 * size), size):
        fresh.append(sent[at : at + size])


append_guess = predict("2.7", "×", low=None, high=None)
append_guess

# %%
each = {}  # seconds a record
for size in (1, 10, 100, 1_000):
    took = measure(f"append_{size}", lambda size=size: append(size))
    each[size] = Live(took.seconds / max(200, 2 * size), "s")
    print(f"{size:>5} at a time: {each[size]} a record")
alone = note("append_alone", (each[1] / each[1_000]).value, "×")
display(compare(append_guess, alone))
claim("append", alone > 5, yes="What costs is the sync.", no="The sync costs little here.")

# %% [markdown]
# Records are cheap, acknowledgements are not. That is the first of two places where a stream is made of small batches.
# The price: with a thousand at a time, a sender waits until it has a thousand.
#
# ## Read it into the lake
#
# `consume` takes pieces from the position where the sink stands and parts them: events on time, late events, and
# records that are no events (the dead letters of `02_ingestion`). The sink, here the lake, takes a piece and the
# position after it in *one commit*. A late event goes to a table of its own.

# %%
from mlsd_lab.ingestion.lake import Lake
from mlsd_lab.ingestion.stream.consume import consume
from mlsd_lab.ingestion.stream.lake_sink import LakeSink

for at in range(0, len(sent), 10_000):
    stream.append(sent[at : at + 10_000])
lake, ten_minutes = Lake(here / "lake"), pd.Timedelta("10min")
now = events.known_at.max() + pd.Timedelta("1h")
pieces = pd.DataFrame(consume(stream, LakeSink(lake), lambda: now, ten_minutes, batch=20_000))
print(pieces[["read", "on_time", "late", "offset", "lag"]].to_string(index=False))
print(f"{lake.table('events').rows:,} events of {len(events):,}, and", end=" ")
print(f"{lake.table('late_events').rows:,} in the table of late ones")

# %% [markdown]
# As many are late as the curve says for ten minutes, whatever the pieces. The lake is not complete: who asks now for an
# hour gets what came in time. Then the correction runs, once a night, say. Is the result what a batch run makes of the
# same lines? Equal means: the same hash over all rows, not the same count. And two more readers, with other pieces and
# another lateness:

# %%
from mlsd_lab.ingestion.click_log import ClickLog
from mlsd_lab.ingestion.content import content_hash
from mlsd_lab.ingestion.ingest import ingest
from mlsd_lab.ingestion.parsing import connect
from mlsd_lab.ingestion.stream.correct import correct
from mlsd_lab.ingestion.stream.stream_status import stream_status

lakes = {name: Lake(here / name) for name in ("lake", "other pieces", "strict", "batch")}
list(consume(stream, LakeSink(lakes["other pieces"]), lambda: now, ten_minutes, batch=33_333))
list(consume(stream, LakeSink(lakes["strict"]), lambda: now, pd.Timedelta(0), batch=50_000))
counts = ingest(lakes["batch"], [ClickLog(here / "clicks")], now)[0].counts
counts

# %%
for name, one in lakes.items():
    print(f"{name}: {correct(one) if name != 'batch' else 'read as a file'}")
hashes = {content_hash(connect(), one.table("events")) for one in lakes.values()}
whole = {one.table("events").rows for one in lakes.values()}
print(f"rows: {whole}")
equal = "Four ways, one table: batch and stream agree to the last byte of every row."
claim("equal", len(hashes) == 1 and whole == {len(events)}, yes=equal, no="The tables differ.")

# %% [markdown]
# The lateness decides *when* an event is counted, not *whether*. So it can be changed without a new truth, and the
# batch run can stay as the check on the stream.
#
# ## How fresh?
#
# A feature that the ranker reads, such as how often this person watched something today, lies in an online store. It is
# a sink like the lake: it takes a piece, and remembers the position with it. Below, pieces of events are appended to a
# stream, and the clock runs from before the append until a lookup answers with them.
#
# With pieces of one hundred events: in how many milliseconds can they be read, in all but one case of a hundred?

# %%
import sqlite3
from itertools import islice
from time import perf_counter

from mlsd_lab.features import MemoryStore
from mlsd_lab.features.feed import FEED
from mlsd_lab.features.stores.store_sink import StoreSink

write_click_files(log, here / "clean", files=1)
clean = (here / "clean/clicks-0000.jsonl").read_bytes().splitlines()
fresh_guess = predict("2.8", "ms", low=None, high=None)
fresh_guess


# %%
def freshness(size, pieces):
    fed, store = SqliteStream(Path(mkdtemp(dir=here), "fed.db")), MemoryStore(FEED, log.videos)
    parts = iter([clean[at : at + size] for at in range(0, size * pieces, size)])
    sink, more = StoreSink(store, log), lambda: fed.append(next(parts, [])).taken > 0
    seconds, began = [], perf_counter()
    for piece in consume(fed, sink, lambda: now, wait=more):  # at the stream's end `more` is called
        assert store.lookup("u0001", ["v0001"], as_of=now).position == piece.offset
        seconds.append(perf_counter() - began)
        began = perf_counter()
    return seconds[1:]  # the first piece waits until all is set up


# %%
pieces, rows = {1: 40, 10: 40, 100: 100, 1_000: 20, 10_000: 5}, {}
for size, count in pieces.items():
    one = freshness(size, count)
    rows[size] = {"p50, ms": 1000 * np.median(one), "p99, ms": 1000 * np.quantile(one, 0.99)}
    rows[size]["events/s"] = size / np.mean(one)
fresh = pd.DataFrame(rows).T.rename_axis("in a piece")
p99 = note("fresh_p99", fresh["p99, ms"][100] / 1000, "s")
display(compare(fresh_guess, p99), fresh.map("⟨{:>7,.0f}⟩".format))
look = {"y": ["p50, ms", "p99, ms"], "style": ["o-", "^--"], "logx": True, "ylim": (0, None)}
look |= {"x": "events/s", "xlabel": "events a second", "ylabel": "ms until it can be read"}
picture("Larger pieces, 1 to 10,000 events", lambda ax: fresh.plot(ax=ax, **look))

# %% [markdown]
# Up to a hundred events or so a piece takes the same time, however small it is: parsing must be set up, the disk waited
# for. So pieces of one event are not fresher, only dearer. With ten thousand, each event waits for all the others of
# its piece. In between lies where one wants to be, and nobody needs to choose: a consumer that takes whatever has come
# since it last looked gets larger pieces when more comes, and keeps up until even large ones do not suffice.
#
# ## Break it: kill the consumer
#
# Two consumers such as one finds everywhere. Both read the stream ten records at a time, write rows into one database
# and the position into another; each write is a transaction, and durable. One writes the rows first, the other the
# position.
#
# `killed` runs a function in a process of its own and sends it SIGKILL at a random moment, of which it learns nothing;
# then it is started anew, thirty times, and at last runs to its end. (This is not a power cut: what the system has
# taken over, it still writes.)


# %%
def database(order, name):
    opened = sqlite3.connect(here / f"{order}, {name}.db")
    opened.execute("CREATE TABLE IF NOT EXISTS kept (value)")
    return opened


def stands(order):
    rows, position = (database(order, name) for name in ("rows", "position"))
    (count,) = rows.execute("SELECT count(*) FROM kept").fetchone()
    (at,) = position.execute("SELECT coalesce(max(value), 0) FROM kept").fetchone()
    return count, at


# %% [markdown]
# `stands` says how many rows there are, and where the consumer believes to be. By how many rows will the first kind,
# *rows then position*, be off after thirty kills?


# %%
def naive(order):
    stream, (_, at) = SqliteStream(here / "few.db"), stands(order)
    while records := stream.read(at, 10).records:
        at += len(records)
        new = {"rows": [(one,) for one in records], "position": [(at,)]}
        for step in order.split(" then "):
            with database(order, step) as opened:  # a transaction
                opened.executemany("INSERT INTO kept VALUES (?)", new[step])


off_guess = predict("2.9", "rows", low=None, high=None)
off_guess

# %%
few, off = SqliteStream(here / "few.db"), {}
few.append(clean[:6_000])
for order in ("rows then position", "position then rows"):
    lives = killed(lambda order=order: naive(order), 30, within=0.05)
    off[order] = pd.Series({kills: np.subtract(*stands(order)) for kills in lives})
    rows, kills = stands(order)[0], off[order].index.max()
    print(f"{order}: ⟨{rows:,} rows⟩ for {few.end:,} events, ⟨{kills} kills⟩")
compare(off_guess, note("rows_twice", off["rows then position"].iloc[-1], "rows"))


# %%
def ours(name, batch=100):
    stream, sink = SqliteStream(here / "few.db"), LakeSink(Lake(here / name))
    list(consume(stream, sink, lambda: now, pd.Timedelta("1D"), batch))  # nothing is late


lives, lake = killed(lambda: ours("ours"), 30, within=0.2), Lake(here / "ours")
looks = {kills: stream_status(few, lake) for kills in lives}
off["one commit"] = pd.Series({kills: one.events - one.offset for kills, one in looks.items()})
print(f"one commit: {lake.table('events').rows:,} rows for {few.end:,} events")
look = {"style": ["^-", "v--", "-"], "drawstyle": "steps-post", "xlabel": "kills"}
look |= {"ylabel": "rows too many, or missing"}
picture("Rows against the position", lambda ax: pd.DataFrame(off).plot(ax=ax, **look), (7, 4))

# %%
ours("undisturbed", batch=6_000)
hashes = {
    content_hash(connect(), Lake(here / name).table("events")) for name in ("ours", "undisturbed")
}
steady = off["one commit"].eq(0).all() and len(hashes) == 1
flat = "However often it was killed: our lake is the undisturbed one, each row to the last byte."
claim("flat", bool(steady), yes=flat, no="The lake is not the undisturbed one.")

# %% [markdown]
# One naive consumer climbs, the other sinks, and neither is ever told. A careful order of the two writes only chooses
# the error: *rows then position* is called at-least-once, *position then rows* at-most-once. Most streaming clients
# store the position every few seconds, not every ten records; then each kill costs seconds of events.
#
# Ours is flat because there is no moment between the two writes: there is one write. (A whole day of lateness was
# allowed here. Late events go into another table, before that commit; if they come again, they are known by their ids.
# That is the other way to be safe, and the last exercise of `02_ingestion`.) A sink that can do neither, such as an
# e-mail, cannot be made safe by any stream.
#
# ## What if …
#
# … the interviewer says: “You do not need a stream. Run your batch more often.” A run into the lake takes some time
# however little has come, and some more for each event. If it runs without a pause, each run takes what came during the
# one before, and the oldest event that is not yet in has waited for two runs. At 1,000 events a second: how old is
# that?


# %%
def run_seconds(size, runs):
    sink = LakeSink(Lake(mkdtemp(dir=here)))
    pieces = islice(consume(stream, sink, lambda: now, ten_minutes, batch=size), runs)
    return np.median([one.seconds for one in pieces])


a_run = run_seconds(1, runs=15)
an_event = (run_seconds(20_000, runs=5) - a_run) / 20_000
age_guess = predict("2.10", "s", low=None, high=None)
age_guess

# %%
print("a run takes", Live(a_run, "s"), "and", Live(an_event, "s"), "for each event")
age = {}
for rate in (1_000, 10_000):
    age[rate] = note(f"age_{rate}", 2 * a_run / max(1 - an_event * rate, 1e-9))
    print(f"{rate:,} events a second, without a pause: at worst {age[rate]} old")
    for every in (3_600, 30, 1):
        takes = a_run + an_event * rate * every
        busy, oldest = Live(100 * takes / every, "%"), Live(every + takes, "s")
        print(f"  every {every:,} s: {86_400 // every:,} a day, {busy} busy, at worst {oldest} old")
display(compare(age_guess, age[1_000]))
minute = Live(30 + a_run + an_event * 30_000) < 60
claim("batch", minute, yes="A run every 30 s keeps the brief's minute.", no="30 s are too long.")

# %% [markdown]
# So where does the decision flip? Not at the minute that the brief asks for: a run every half minute keeps it. Nor at a
# second, it seems: such a run is short enough. But each run writes a file or more into a lake, and a run a second
# leaves tens of thousands a day for the compaction (notebook `02_ingestion` has their price). So for the lake one stays
# at minutes, and what must be fresher goes past it, into a store that keeps no files: the same `consume`, another sink.
# A stream and a batch run differ in how long they wait before they read, and in nothing else, as long as both count by
# event time.
#
# And if the phones of two people in a hundred are offline for a *day*? Which lateness would you choose then? And a
# consumer that was down for an hour: how long until it has caught up?

# %%
offline = np.random.default_rng(0).random(len(events)) < 0.02
known_at = events.known_at + pd.to_timedelta(24 * offline, unit="h")
held = events.assign(known_at=known_at).sort_values("known_at", kind="stable")
for allowed in ("10min", "3h", "12h", "27h"):
    found = arrivals(held.occurred_at, pd.Timedelta(allowed))
    print(f"{allowed} allowed: {found.share:.2%} late, {found.late.sum():,} to be corrected")
for load in (0.1, 0.5, 0.9):
    print(f"down for 1 h at {load:.0%} of what it can read: {load / (1 - load):.1f} h to catch up")
can = note("capacity", 1 / an_event, "events/s")
print(f"one process can read {can} into the lake")

# %% [markdown]
# Three hours bring back the phones that were away for three hours; for those that were away for a day, nothing short of
# a day helps. So the choice of the lateness does not change; the correction gets more to do, and must reach further
# back. If a day's number had to be final when it is published, the decision would flip to waiting.
#
# Catching up is slow for who is nearly busy: at nine tenths, an hour's stop costs a working day. Freshness is promised
# with the worst day in mind, so one process is filled to a half. Beyond what one can read, the stream is split by user,
# each part with a consumer and a position of its own.
#
# ## Say it
#
# “How fresh are your features? And what happens when events come late, or your consumer dies?” 90 seconds, with numbers
# you measured here; then read the answer below.

# %%
from mlsd_lab.course import my_design, rehearse, say_it

said = """

"""
rehearse("02_stream", said)

# %%
say_it("02_stream")

# %% [markdown]
# ## Another prompt
#
# Take one of these, close your eyes, and say: which of the two times counts, how late do events come, what may be
# corrected afterwards, how fresh must it be, and what does a record that is counted twice cost? Then open it.
#
# <details><summary>Card fraud: approve or decline within 100 ms.</summary>
#
# “How many payments with this card in the last ten minutes” must hold the payment of a minute ago, so the store is fed
# by a stream, in seconds. Nothing waits for late events: the decision is made with what is known, and logged with it. A
# payment counted twice declines an honest person: the key is the payment's own. The label comes weeks later, from the
# bank: that is batch.
#
# </details>
#
# <details><summary>Ad clicks: advertisers pay by click.</summary>
#
# Two answers from one stream. The budget must stop an advertisement within seconds, a little wrong; the bill must be
# right, and may wait a day. So a fast count that may be corrected, and a slow one that is final: closed when the
# lateness has passed, late clicks on the next bill. Both are computed from the same events, or there is a dispute.
#
# </details>
#
# <details><summary>Ride prices: demand and supply in each street, now.</summary>
#
# What matters is the last minute or two; an event that is ten minutes late is of no use and is dropped, counted, not
# corrected. Processing time is nearly enough, but drivers' phones lose the network in tunnels all at the same places:
# late is not at random, and an empty street may be a tunnel. For training, later, event time and everything.
#
# </details>
#
# Last, a paragraph for your design document: which features must be fresh and how fresh, what lateness you allow and
# why, what becomes of the rest, and what happens when a process dies.

# %%
paragraph = """

"""
my_design("02_stream", paragraph)
