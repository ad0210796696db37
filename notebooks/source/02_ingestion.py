# %% [markdown]
# # Data ingestion
#
# “Where does the data for your model come from?” asks the interviewer. “And how do you know that it is right?”
#
# > *A weak answer:* “Clients send events to a queue, a job writes them into the data lake, and we train on that. If the
# > job fails, it is retried.”
#
# > *A strong one:* “From three places that fail differently: a click log, which comes late, twice and broken; a profile
# > database, which forgets what it deletes; an API of somebody else, which is down when we need it. Each has a contract
# > at the door, what is refused is kept with the reason, rows and reading position are committed together, so a retry
# > changes nothing. And I would ask how long after an impression its label can be trusted.”
#
# The weak answer does not say what becomes of a record that comes twice. Here you read a log that is wrong in all the
# usual ways and end with exactly the events that happened. Then you see what that costs, in bytes and in seconds.
#
# The feed is simulated, so its true log is known, and what a pipeline loses can be counted. Below, its events are written
# as a fleet of collectors would leave them behind: 14 files of JSON lines, some packed, with late, repeated and broken
# lines. (Dark in the picture: what this notebook touches.)

# %%
from pathlib import Path
from tempfile import mkdtemp

import pandas as pd

from mlsd_lab.course import Live, card, check, claim, diagram
from mlsd_lab.course import compare, measure, note, picture, predict
from mlsd_lab.datasets.world import WorldConfig, simulate

display(card("data"), diagram("02"))
world, here = simulate(WorldConfig(2_000, 800, 100_000, days=14)), Path(mkdtemp())
world.log

# %% [markdown]
# ## The log that is twice wrong
#
# A phone that got no answer sends its events again, seconds later or when it is next online. The obvious repair is to
# drop the rows of a file that are equal. Before you run the second cell: of all the repeated lines, what share will be
# left after that?

# %%
import gzip
import json
from contextlib import suppress

from mlsd_lab.datasets.click_files import Defects, write_click_files

wrong = Defects(late=0.03, repeated=0.04, shuffled=50, broken=0.002, gzipped=0.5, cut_short=2)
written = write_click_files(world.log, here / "clicks", wrong, files=14)
print((here / "clicks/clicks-0002.jsonl").open("rb").readline().decode())
print(f"{written.files} files, {written.events:,} events, {written.lines:,} lines")
copies_guess = predict("2.1", "%", low=None, high=None)
copies_guess

# %%
naive = []
for path in sorted((here / "clicks").iterdir()):
    rows = []
    for line in (gzip.open if path.suffix == ".gz" else open)(path, "rb"):
        with suppress(ValueError):  # what is no JSON is skipped: nobody will ever know
            rows.append(json.loads(line))
    naive.append(pd.DataFrame(rows).drop_duplicates("event_id"))
naive = pd.concat(naive)
print(f"{len(naive):,} rows for {written.events:,} events")
left = 100 * (len(naive) - written.events) / written.repeated
display(compare(copies_guess, note("copies_left", left, "%")))
print("the types of watch_seconds:", *{type(value).__name__: 0 for value in naive.watch_seconds})

# %% [markdown]
# Half of the copies come in another file, another hour, another day; of a file's rows no more can be said than that they
# are new *in this file*. So a copy must be looked for in all of history, and what is the same must be said: here, an
# equal `event_id`. And the loop above swallowed what it could not read, while text stands among the seconds of what it
# could: `sum()` will fail, or worse, will not.
#
# ## A contract at the door
#
# A **contract** says for each field what it must be, its unit and its range, and which fields must be there. What does
# not keep to it is not dropped and not repaired by guesswork: it goes to the **dead letters**, with its bytes as they
# came, and the reason. The lake below holds three kinds of table: what was kept, what was refused, and from when on
# somebody is to be forgotten. Each batch is one *commit*: rows and reading position become visible together, or not at all.

# %%
from datetime import timedelta

from mlsd_lab.ingestion.click_log import ClickLog
from mlsd_lab.ingestion.contracts import EVENTS
from mlsd_lab.ingestion.ingest import ingest
from mlsd_lab.ingestion.lake import Lake
from mlsd_lab.ingestion.warehouse import Warehouse

print("watch_seconds:", EVENTS.fields[-2].wanted, "· propensity:", EVENTS.fields[-1].wanted)
now, next_day = (world.log.events.known_at.max() + timedelta(hours=hours) for hours in (1, 25))
lake, clicks = Lake(here / "lake"), ClickLog(here / "clicks", batch_bytes=2_000_000)
print(ingest(lake, [clicks], now)[0].counts, ingest(lake, [clicks], now)[0].counts, sep="\n")

# %%
letters = "SELECT split_part(reason, ' (', 1) AS why, count(*) AS records FROM dead_letters"
display(Warehouse(lake).query(f"{letters} GROUP BY why ORDER BY records DESC, why LIMIT 6"))
stored, truth = Warehouse(lake).log().events, world.log.events
same = set(stored.event_id) == set(truth.event_id.astype(str)) and len(stored) == len(truth)
minutes = abs(stored.watch_seconds.sum() / truth.watch_seconds.sum() - 1) < 1e-12
whole = "The lake holds the events that happened: each one, once, with its seconds."
claim("whole", bool(same and minutes), yes=whole, no="The lake differs from what happened.")

# %% [markdown]
# The second run read nothing: the position lies in the lake's own commits, so there is no place where it could be ahead of
# the rows, or behind. Losing it would cost time and no data, since copies are found by `event_id` anyway. Why both? You
# will write it yourself in exercise 2.3.
#
# A dead letter is a debt: somebody must look at the reasons, mend the contract or the records, and drive them again
# (`mlsd-lab redrive`). More than a tenth of bad records in a batch stop the run instead: then it is not the records that are
# wrong.
#
# Contracts change. A field was announced:

# %%
# exercise 2.1

# %% [markdown]
# ## Break it: milliseconds
#
# An app update sends `watch_seconds` in milliseconds. Every value is a number, every line good JSON. Our contract says
# “0 or more”: nothing refuses. And if it had said “at most three hours”, which share of the records of such an hour
# would have been refused?

# %%
from mlsd_lab.errors import DataError
from mlsd_lab.ingestion.contract import Field

hour = truth[truth.occurred_at.dt.floor("h") == pd.Timestamp("2026-01-18 18:00", tz="UTC")]
in_ms = hour.assign(watch_seconds=1000 * hour.watch_seconds)
for name, events in (("update", in_ms), ("mended", hour)):
    write_click_files(world.log.with_events(events), here / name, files=1)
strict = EVENTS.changed(Field("watch_seconds", "number", "s", low=0, high=3 * 3600))
refused_guess = predict("2.2", "%", low=None, high=None)
refused_guess

# %%
loose = Lake(here / "loose")
ingest(loose, [ClickLog(here / "update")], now)
minutes = Warehouse(loose).query("SELECT sum(watch_seconds) / 60 AS minutes FROM fact_events")
print(f"{hour.watch_seconds.sum() / 60:,.0f} minutes were watched, ", end="")
print(f"{minutes.minutes[0]:,.0f} are in the lake")
over = 100 * (in_ms.watch_seconds > 3 * 3600).mean()
display(compare(refused_guess, note("over_three_hours", over, "%")))
try:
    ingest(Lake(here / "strict"), [ClickLog(here / "update", strict)], now)
except DataError as error:
    print(error)
print(ingest(Lake(here / "strict"), [ClickLog(here / "mended", strict)], now)[0].counts)

# %% [markdown]
# The range finds less than a third of them: a skip of two seconds, in milliseconds, is half an hour, and possible. Had the
# run gone on, the others would be in the lake, and no check on single records would ever find them. What helps is the
# second limit, on the *share* of refused records: it stops the batch before anything of it is written. A range for
# each field is cheap, and it is the tripwire of its batch. (What shifts within its range, notebook 08 looks for.)
#
# ## The database that forgets
#
# Profiles lie in a database that serves the app. Reading all of it every hour would be slow and unkind, so we ask for what
# was updated since the last time. Two questions decide whether that is right. Which rows does `updated_at > last` miss? And
# how do you see what is *not there* any more?

# %%
import sqlite3

from mlsd_lab.ingestion.profiles import Profiles

app, profiles = sqlite3.connect(here / "app.db"), Profiles(str(here / "app.db"))
people = world.log.users.assign(updated_at=lambda users: users.signed_up_at).astype(str)
people.to_sql("users", app, index=False)
print(ingest(lake, [profiles], now)[0].counts)
changes = f"UPDATE users SET region = 'east', updated_at = '{now}' WHERE user_id = 'u0001';"
app.executescript(changes + "DELETE FROM users WHERE user_id = 'u0002';")
print(ingest(lake, [profiles], next_day)[0].counts)
Warehouse(lake).query("FROM users_history WHERE user_id IN ('u0001', 'u0002') ORDER BY ALL")

# %% [markdown]
# It read a few rows again, those of the last ten minutes before its position: a transaction that began earlier may commit
# later, with a time that has passed already. The lake drops the copies, so the overlap costs little. The deleted person left no
# row to read; all ids were read instead, and who is missing got a row that says `deleted`. (Where the table marks deletes
# itself, that is not needed.) Nothing was overwritten: with each row goes the time from which it holds, and a model that is
# trained on last week can ask what was known last week. That is notebook 03.
#
# ## The API that is down
#
# Titles and topics come from a service of another company. It allows so many requests a second, and it fails: a `429`
# with a time to wait, a `503`, a web page with status 200, half a JSON, a connection that is closed. The server below is small and
# real; it fails by chance, in nearly half of its answers.

# %%
from mlsd_lab.ingestion.faulty_api import Faults, FaultyApi
from mlsd_lab.ingestion.metadata_api import MetadataApi

videos = world.log.videos.assign(updated_at=lambda videos: videos.uploaded_at)
faults = Faults(too_many=0.1, broken=0.1, html=0.1, cut_json=0.05, closed=0.1, retry_after=0)
with FaultyApi(json.loads(videos.to_json(orient="records", date_format="iso")), faults) as api:
    for moment in (now, next_day):
        done = ingest(lake, [MetadataApi(api.url, page=100, deadline=4.0, seed=0)], moment)[0]
        print(done.counts.read, "read", "· it is down" if done.trouble else "")
        api.down()
print("answers:", *(f"⟨{count} {kind}⟩" for kind, count in sorted(api.served.items())), end=" · ")
print(f"titles of {done.age_seconds / 3600:.0f} hours ago serve on")

# %% [markdown]
# Every page came, once. A retry needs four things: a random wait that grows (or a thousand clients come back in the same
# second), respect for what `Retry-After` asks, a deadline for all tries together, and a **circuit breaker**: after some
# failures in a row nobody asks for a while. When the API was down, the run ended within its deadline and said how old
# its last good value is. An old title is better than none. An old price is not: which source may be old is a
# decision, not a default (`may_be_old`).
#
# ## What is kept where
#
# The files of the collectors, as they came, belong into **object storage**: cheap, unlimited, no schema. What was checked
# goes into the lake, in Parquet: columns instead of rows, packed, with a directory at the end of each file. A
# **warehouse** answers questions about it in SQL, and holds no copy here. The events are the same in each. If the lines of JSON take
# 100 %, how much does the lake take?

# %%
from shutil import copytree

from mlsd_lab.ingestion.parsing import connect
from mlsd_lab.ingestion.upkeep import compact

write_click_files(world.log, here / "plain", files=14)
joined = Lake(copytree(here / "lake", here / "joined"))
compact(joined, keep_hours=0)
places = {"json": [str(path) for path in (here / "plain").iterdir()]}
places |= {"lake": lake.table("events").files, "compacted": joined.table("events").files}
size_guess = predict("2.3", "%", low=None, high=None)
size_guess

# %%
engine, size, times = connect(), {}, {}
for place, files in places.items():
    size[place] = Live(sum(Path(file).stat().st_size for file in files), "B")
    reader = "json" if place == "json" else "parquet"
    query = f"SELECT sum(watch_seconds) / 3600 FROM read_{reader}({files})"
    times[place] = measure(place, lambda query=query: engine.sql(query).fetchall()[0][0], repeat=5)
    print(f"{place}: {len(files)} files, {size[place]},", times[place].time, end=" ")
    print(f"for {times[place].result:.3f} hours")
column = f"parquet_metadata({places['compacted']}) WHERE path_in_schema = 'watch_seconds'"
needed = engine.sql(f"SELECT sum(total_compressed_size) FROM {column}").fetchall()[0][0]
print("of the lines all was read, of compacted", Live(needed, "B"))

# %%
share = 100 * float(size["lake"] / size["json"])
display(compare(size_guess, note("lake_size", share, "%")))
one_day = joined.table("events").sizes["2026-01-18"]
print(f"a day lies in {len(one_day)} of {len(places['compacted'])} files")
columns = "Columns answer more than three times as fast as lines."
joining = note("small_files", (times["lake"] / times["compacted"]).value, "×")
print("many small files against few:", joining)
faster = times["json"] / times["compacted"] > 3
claim("columns", faster, yes=columns, no="Lines are nearly as fast.")

# %% [markdown]
# A question about one column reads that column. JSON repeats each field's name in each line and writes numbers as text;
# a column of like values packs well, of random ones badly (which column of ours will be the largest?). **Partitions**, here a folder a
# day, leave out the days that nobody asked for. They have a price: each batch writes a file into each day that it
# touches. A run a minute makes thousands of small files a day, each with a directory of its own to be opened and read;
# that is why a lake is **compacted** every night. Only the way it is cut into files changes, no row.
#
# ## How long to wait for a label
#
# An exposure is known at once, its label when the watch has ended, or when the phone was next online. Training on events of
# the last minutes, one must say what a missing label means. Usual: no label yet, so not watched long; a zero.
#
# If one trains a minute after each exposure: of the long views, what share is known by then?

# %%
waits = pd.to_timedelta([10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 11_000], unit="s")
long, delay = truth.long_view.astype(float), truth.known_at - truth.occurred_at
known = pd.DataFrame({wait.total_seconds(): delay <= wait for wait in waits}).astype(float)
yes = known.mul(long, axis=0)
seen = pd.DataFrame({"missing is zero": yes.mean(), "missing is left out": yes.sum() / known.sum()})
label_guess = predict("2.4", "%", low=None, high=None)
label_guess

# %%
display(compare(label_guess, note("known_after_a_minute", 100 * yes[60].sum() / long.sum(), "%")))
seconds = truth.video_id.map(world.log.videos.set_index("video_id").duration_seconds).astype(float)
for name, rows in (("over a minute", seconds > 60), ("shorter", seconds <= 60)):
    print(f"of videos {name}: {yes[60][rows].sum() / long[rows].sum():.1%}")
print((100 * seen.loc[[30, 60, 300, 1800, 11_000]] / long.mean()).round(1))
look = {"style": ["o-", "^--", "-"], "logx": True, "ylim": (0, 0.3), "xlabel": "seconds waited"}
seen["truth"] = long.mean()
picture("Share of long views that training sees", lambda ax: seen.plot(ax=ax, **look))

# %% [markdown]
# (In per cent of the truth.) A skip is known in seconds, a long view takes as long as it lasts. So what is known early is
# mostly skips, and both usual ways are far too low, most so for long videos, which a model would learn to dislike. After some minutes all watches have ended, and what is still missing are phones without a network, whatever was
# watched on them. From then on leaving it out is right, and calling it zero stays a little wrong until the last phone is
# back. The join of labels to exposures therefore needs a number, how long to wait, and it comes from this curve. (The brief of
# notebook 01 says an hour, `label_delay_seconds`.)
#
# ## A crash between two writes
#
# Now the part that everybody gets wrong once. Rows go to one place, the position to another, and the process may die
# between the two, or after either.

# %%
# exercise 2.3

# %% [markdown]
# ## Somebody wants to be forgotten
#
# A lake keeps its earlier versions, so that one can see what was known last week. And a person may ask to be erased, by law.
# Delta has a `delete`. On a copy of the lake:

# %%
from deltalake import DeltaTable

from mlsd_lab.ingestion.lake_view import data_files, make_view

copy = DeltaTable(copytree(here / "lake", here / "copy") / "events")
version, who = copy.version(), "u0007"
copy.delete(f"user_id = '{who}'")
make_view(engine, "before", DeltaTable(copy.table_uri, version=version), {"user_id": "VARCHAR"})
rows = engine.sql(f"SELECT count(*) FROM before WHERE user_id = '{who}'").fetchall()[0][0]
logs = [who in path.read_text() for path in (here / "copy/events/_delta_log").iterdir()]
print(f"after delete: {rows} rows in version {version}, the id in {sum(logs)} file of Delta's log")

# %%
from mlsd_lab.ingestion.erase import erase

print(*erase(lake, who, next_day), sep="\n")
old = DeltaTable(here / "lake/events", version=version)
gone = [file for file in data_files(old) if not Path(file).exists()]
print(f"version {version} needs {len(old.file_uris())} files; gone: {len(gone)}")
again = ingest(lake, [ClickLog(here / "plain")], next_day)[0].counts
print("all of the log once more:", again)

# %% [markdown]
# Three things hide where a delete does not look: earlier versions, the condition of the delete itself in Delta's log, and
# files of writes that broke off. `erase` rewrites the days of that person, removes the old files, and with them the versions
# that needed them; it keeps a hash of the id, so that a late copy stays out. The price is time travel: versions before the
# erasure cannot be read any more, by anybody. (The `delete` of the first cell was on a copy.)
#
# ## What if …
#
# … the interviewer says: “That was a toy. We have the traffic of your brief.” One process took in the clean files below, contract,
# copies and all. How many such processes does the brief's busiest second need?


# %%
def run(source):
    return ingest(Lake(mkdtemp(dir=here)), [ClickLog(source)], now)


whole, few = (
    measure("whole_log", lambda: run(here / "plain")),
    measure("few", lambda: run(here / "mended")),
)
rate = note("events_a_second", written.events / whole.seconds, "events/s")
print(f"one process: {rate}; a run of {len(hour)} events takes {few.time}")
processes_guess = predict("2.5", "processes", low=None, high=None)
processes_guess

# %%
from mlsd_lab.framing import Brief
from mlsd_lab.framing import size as capacity

needs = capacity(Brief.load("video-feed"), service_ms=10)
peak, year = needs["events_per_second_peak"].value, needs["bytes_per_year"].value
print(f"the busiest second: {peak:,.0f} events; machines that serve: {needs['machines'].value:,}")
display(compare(processes_guess, note("processes", peak / float(rate), "processes")))
print(f"a year: {year / 1e15:.2f} PB of lines,", Live(year * share / 1e17, "PB"), "in the lake")
for every, period in (("hour", 3600), ("minute", 60), ("second", 1)):
    print(f"a run every {every}: {86_400 // period:,} files a day or more, for each process")
one_enough = "One process is not enough: split the log by user, each part with a lake of its own."
claim("split", Live(peak / float(rate)) > 1, yes=one_enough, no="One process is enough.")

# %% [markdown]
# Processes are cheap beside the machines that serve; files are not. An hourly run is fine for training and useless for a
# feature that may be a minute old. A run every minute is still a batch, if something compacts behind it. But a run takes a while
# however little is new (the line above says how long here), so at every second it is nothing but its own overhead. That
# is where the answer changes to a stream: a log with positions, read continuously (notebook `02_stream`).
#
# ## Say it
#
# “How does data get into your system, and why do you trust it?” 90 seconds, with numbers you measured here; then read the
# answer below.

# %%
from mlsd_lab.course import my_design, rehearse, say_it

said = """

"""
rehearse("02", said)

# %%
say_it("02")

# %% [markdown]
# ## Another prompt
#
# Take one of these, close your eyes, and say: what are the sources, what comes late or twice, what is the key, what stops the
# batch, how long do you wait for the label? Then open it.
#
# <details><summary>Ad clicks: an advertiser pays for purchases.</summary>
#
# Impressions and clicks are ours; purchases come from the advertiser, days later, and sometimes are taken back. Waiting for all of
# them makes the model stale, so a purchase that has not come is neither yes nor no: its delay is modelled, or the example is
# corrected when it comes. A copy of a click costs somebody money: the key is issued by us, with the impression, and is checked.
#
# </details>
#
# <details><summary>Harmful content: a reviewer decides.</summary>
#
# The label is a person's decision, hours later, about a few posts that a model chose: the join must keep why a post was
# reviewed. Decisions are reversed on appeal, so the label is a history with times, like our profiles. Deleting a post must reach
# every copy, and the evidence may have to be kept apart, by law.
#
# </details>
#
# <details><summary>Similar listings: hosts change prices all day.</summary>
#
# The catalogue is the source that changes: updates by time, deletes that nobody announces, a partner's file that is cut short. An old
# title may serve on, an old price or a listing that is gone may not. Images lie in object storage; the lake keeps their address.
#
# </details>
#
# Last, a paragraph for your design document: your sources, what is a copy, what stops a batch, how long you wait.

# %%
paragraph = """

"""
my_design("02", paragraph)
