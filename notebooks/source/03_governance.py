# %% [markdown]
# # A feature store for many
#
# “Many teams want your features, fast, and some of them are about people. Now what?”
#
# > *A weak answer:* “We put them into Redis, that is fast enough, and everybody gets the password.”
#
# > *A strong one:* “A request reads one person and five hundred videos, so it reads them in one batch, and I have measured what
# > a batch costs in this process, in a file and on a server. What all requests share, the values of videos, I keep in each
# > process, and say how old it is. Each feature has an owner, a meaning and a unit, and says whether it is personal. Nobody reads
# > without a grant, personal data needs one of its own, and who read it is written down. A changed definition is
# > another version, with a store beside the old one.”
#
# `03_feature_store` was about values that are right. This notebook is about the store as a service: what a lookup
# costs, who may look, and what happens when a definition changes. (Dark in the picture: what it touches.)

# %%
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import pandas as pd

from mlsd_lab.course import Live, card, check, claim, compare, diagram
from mlsd_lab.course import measure, my_design, note, predict, rehearse, say_it
from mlsd_lab.features.feed import FEED

display(card("data", "serve"), diagram("03"))

# %% [markdown]
# ## What is in it?
#
# The **catalogue** is made from the definitions. Nobody keeps it by hand, so it is true. A line is a number that a
# model may read; what it is made of was found by watching its function read. Three questions to it: whose is it, is it
# personal, and what breaks when the apps stop sending `watch_seconds`? (One more than in `03_feature_store`: the score
# of retrieval, made in notebook 04.)

# %%
pd.set_option("display.max_colwidth", 90)
known = FEED.to_frame().set_index("column")
print(len(known), "features,", known.personal.sum(), "of them personal")
print("made of watch_seconds:", *FEED.lineage().feeds("watch_seconds"))
known[["meaning", "entity", "window", "unit", "owner", "personal"]].iloc[[0, 4, 6, 14, 16, 19]]

# %% [markdown]
# What is kept by person, and what is made of that, is personal unless its owner says otherwise: the careful answer is
# the one that nobody has to remember. What has no docstring has no meaning, and never gets here:

# %%
from mlsd_lab.errors import ConfigError
from mlsd_lab.features import Count, windowed

try:
    windowed("video_id", over="7d", aggregate=Count)(lambda events: events.liked)
except ConfigError as error:
    print(error)

# %% [markdown]
# ## A definition changes
#
# Somebody finds that topics move faster than in a week: three days, please. One character in one definition. What is it
# then: the same store with other values, or another store?

# %%
from mlsd_lab.features import Catalogue
from mlsd_lab.features.difference import Difference
from mlsd_lab.features.feed import USUAL, topic_relevant

faster = windowed("topic", over="3d", aggregate=USUAL, about=topic_relevant.about)
features = [faster(each.rows) if each is topic_relevant else each for each in FEED.features]
newer = Catalogue("feed", "2", features)
difference = Difference.between(FEED, newer)
print(difference.verdict)
difference.to_frame()

# %% [markdown]
# Another one, with a name that holds the version and a fingerprint (a hash of all definitions): **both are live** until
# the model that reads the old values is gone. The new one is filled from the lake (`mlsd-lab features backfill`) while
# the old one serves. Changing values in place would be the unit bug of `03_feature_store`, done by the book: the model
# learned from other numbers.
#
# ## What does a lookup cost?
#
# A request asks for one person and 500 videos. Below, the same events in two stores: in this process (*memory*), and in
# a file (*SQLite*). A programmer new to this writes a loop: for each video, its features. How many times as long does
# that take in the file as one lookup for all 500? (Say that all features together may take 20 ms.)

# %%
from mlsd_lab.datasets.world import WorldConfig, simulate
from mlsd_lab.features import MemoryStore, SqliteStore, stream

log, here = simulate(WorldConfig(users=2_000, videos=10_000, events=40_000)).log, Path(mkdtemp())
now, videos = log.events.known_at.max() + pd.Timedelta("1s"), log.videos.video_id.astype(str)
slate = videos.sample(500, random_state=0).tolist()
stores = {"memory": MemoryStore(FEED, log.videos)}
stores["file"] = SqliteStore(here / "features.db", FEED, log.videos)
for store in stores.values():
    store.absorb(stream(log), offset=0)
loop_guess = predict("3.5", "×", low=None, high=None)
loop_guess


# %%
def costs(store):
    batch = measure("batch", lambda: store.lookup("u0007", slate, now), repeat=30)
    each = measure("loop", lambda: [store.lookup("u0007", [v], now) for v in slate], repeat=1)
    return 1000 * batch.seconds, 1000 * each.seconds, each.seconds / batch.seconds


columns = ["one batch, ms", "one by one, ms", "times"]
table = pd.DataFrame({name: costs(store) for name, store in stores.items()}, index=columns).T
note("batch_ms", table["one batch, ms"]["file"] / 1000)
display(compare(loop_guess, note("loop_times", table.times["file"], "×")))
slow = Live(table["one by one, ms"]["file"], "ms") > 20
claim("loop", slow, yes="One by one is not within 20 ms.", no="One by one will do.", steady=True)

# %% [markdown]
# This is called **N + 1**, and no profile of the store shows it, since each of the 500 answers is quick. Most of what a
# lookup costs is paid once a call, not once a row. On a server, each call waits for a round trip as well:

# %% tags=["nbval-ignore-output"]
from mlsd_lab.course.own_redis import own_redis
from mlsd_lab.features import RedisStore

with own_redis() as url:
    if url is None:
        print("no Redis on this machine, so no third line: install redis-server for it")
    else:
        server = RedisStore(url, FEED, log.videos, patience=5)
        for at in range(0, len(log.events), 5_000):  # it serves nobody while it writes a piece
            server.absorb(stream(log)[at : at + 5_000], offset=at)
        table.loc["server"] = costs(server)
table.map("⟨{:,.2f}⟩".format)

# %% [markdown]
# A dictionary in the process is the fastest there is, and each process has its own: ten processes absorb everything ten
# times. A file is shared by the processes of one machine. A server is shared by all machines, and costs a way over the
# network that this table does not have in it (the server here is next door, at a socket). Each loop ran once, so its
# time is a rough one.
#
# Which of them, and over which window, is decided by a brief:

# %%
# exercise 3.1

# %% [markdown]
# ## Hot keys
#
# Rows are not read alike. Spread over ten machines, a row lies on one of them, and one that every request reads makes
# that machine the limit of all. Below, slates of 500 videos are drawn as often as people watch them, for a thousand
# people. What share of all reads goes to the busiest hundredth of the rows? (Spread evenly, it would be 1 %.)

# %%
from mlsd_lab.features.stores.asked import Questions

views, rng = log.events.video_id.value_counts() + 0.01, np.random.default_rng(0)
names, chance = views.index.astype(str), (views / views.sum()).to_numpy()
people = log.users.user_id.astype(str).sample(1_000, random_state=0)
slates = [rng.choice(names, 500, replace=False, p=chance).tolist() for _ in people]
hot_guess = predict("3.6", "%", low=None, high=None)
hot_guess

# %%
asked, rows = Questions(FEED, log.videos), []
for user, each in zip(people, slates, strict=True):
    for entity, keys in asked.ask(user, each, now, surface="home").keys.items():
        rows += [(" × ".join(entity), key) for key in keys]
reads = pd.DataFrame(rows, columns=["rows of", "key"]).value_counts()
busiest = 100 * reads.head(len(reads) // 100).sum() / reads.sum()
display(compare(hot_guess, note("hot", busiest, "%")))
kinds = reads.groupby("rows of").agg(reads="sum", rows="size")
kinds["a request"] = kinds.reads / 1_000
kinds.sort_values("reads", ascending=False).map("⟨{:,.1f}⟩".format)

# %% [markdown]
# Nearly all of a request's reads are of videos, their creators and topics, and these are the same for everybody. A row
# of the surface or of a topic is in every request: such a key cannot be spread. Two remedies: copies of the few hot
# rows on every machine, or all that is not about the person in every process.
#
# ## A snapshot of what everybody reads
#
# A **snapshot** holds the features of all videos as they stood at one moment, in this process: a lookup is a gather of
# rows from an array, and the store reads the few rows of the person. It never changes; a newer one takes its place as a
# whole. What it costs is freshness, and it says how much. `03_feature_store` looked for the price of a minute and found
# none.

# %%
from mlsd_lab.features import Snapshot

store = stores["file"]
took = measure("snapshot_made", lambda: Snapshot.of(store, videos, now), repeat=1)
kept = took.result
order = [(kept.catalogue.columns + kept.others).index(column) for column in FEED.columns]


def in_two(slate, as_of):  # the person from the store, all else from the snapshot
    found = store.lookup("u0007", slate, as_of, columns=kept.others)
    return np.hstack([kept.lookup(slate).values, found.values])[:, order]


# %%
later = now + pd.Timedelta("1min")
whole = measure("whole", lambda: store.lookup("u0007", slate, now).values, repeat=30)
both = measure("with_snapshot", lambda: in_two(slate, now), repeat=30)
gather = measure("gather", lambda: kept.lookup(slate), repeat=30)
print(took, whole, both, gather, sep="\n")
renewed = Live(100 * took.seconds / 60, "%")
print(f"renewed each minute: {renewed} of one core, {kept.age(later)} old at most")
equal = np.array_equal(whole.result, both.result, equal_nan=True)
claim("equal", equal, yes="The same values, bit for bit.", no="Other values.")

# %% [markdown]
# The person's own rows are few, so little is left to read, and what is hot no longer leaves the process. The price:
# each process holds the array, spends that share of a core on it, and answers with values up to a minute old.
#
# ## Who may read what
#
# A **role** reads what it was granted. `all` is all that is not personal; personal data is granted by name, on purpose.
# Training and serving go through the same reader, which writes each refusal and each read of personal data into a log,
# before a value is computed.

# %%
from mlsd_lab.clock import now as clock
from mlsd_lab.features import Access, Timeline

access, history = Access(here / "access", clock), Timeline(FEED, log)
personal = sorted(FEED.personal)
access.grant("analyst", FEED, ["all"], actor="ann")
access.grant("ranker", FEED, ["all"], actor="ann")
access.grant("ranker", FEED, personal, actor="ann", personal=True)
roles = {name: access.reader(name, actor="bo", purpose="course") for name in ("analyst", "ranker")}
labels = log.events[["user_id", "video_id"]].head(1_000).assign(as_of=log.events.occurred_at)
allowed = [column for column in FEED.columns if column not in personal]
print("analyst:", *roles["analyst"].training_set(history, allowed, labels).columns)

# %% [markdown]
# The analyst wants one more, `user_completion_7d`. So does the ranker.

# %%
from mlsd_lab.errors import AccessError

wanted = [*allowed, "user_completion_7d"]
ways = {"training": lambda reader: reader.training_set(history, wanted, labels)}
ways["online"] = lambda reader: reader.lookup(store, wanted, "u0007", slate, now)
for role, way in (("analyst", "training"), ("analyst", "online"), ("ranker", "online")):
    try:
        print(f"{role}, {way}: {len(ways[way](roles[role]).columns)} columns")
    except AccessError as error:
        print(f"{role}, {way}:", str(error).partition(" of catalogue")[0])
entries = pd.DataFrame(access.entries())[["what", "role", "actor", "how", "rows", "user"]]
entries.astype(object).fillna("").map(lambda v: f"⟨{v[:8]}⟩" if len(str(v)) == 32 else v)

# %% [markdown]
# One forbidden column refuses the whole read: an answer with a hole in it would be wrong, quietly. A user stands in the
# log as a keyed hash, so that who reads the log does not learn who was looked at.
#
# A log of who read what is worth something if those it names cannot shorten it. Each line has the hash of the line
# before, and its end is kept in another file. Somebody takes out the refusals:

# %%
receipt, file = access.verify().receipt, here / "access" / "reads.log"
lines = file.read_text().splitlines(keepends=True)
file.write_text("".join(line for line in lines if '"refused"' not in line))
found = Access(here / "access", clock).verify(receipt)
claim("log", not found.sound, yes="The log says that it is not whole.", no="Nobody notices.")

# %% [markdown]
# (Who can write all of its files, and knows how, can forge it from the beginning. So its receipt, a number and a hash,
# goes somewhere else: to another team, once a day.)
#
# ## Somebody asks to be erased
#
# The store forgets what is kept by that person. What they added to the sums of videos stays in those, until the store
# is filled anew from a lake without them; `mlsd-lab erase` reaches lake, stores and served logs.

# %%
columns = ["user_impressions_7d", "user_relevant_all", "video_impressions_all"]
before = store.lookup("u0007", slate[:1], now).to_frame()[columns]
print(store.erase("u0007"), "rows erased")
after = store.lookup("u0007", slate[:1], now).to_frame()[columns]
pd.concat({"before": before, "after": after}).droplevel(1).round(3)

# %% [markdown]
# The rate that is left is no memory. It is the prior: what is said of somebody of whom nothing is known.
#
# ## What if …
#
# … the interviewer says: “Ten times the traffic.” Or: “All of it within 20 ms.” Or: “A billion people.” Which of them
# moves you from a store in each process to servers? Decide first.
#
# Reads are independent, so traffic is a matter of processes. What must fit is the **state**: so many bytes a person.
# How many million people fit into the 64 GB of one machine? Count first: a row is kept of each person, and of each
# person with each topic, and has a few totals for each day or hour in which something happened.

# %%
rows = {" × ".join(entity): pd.Series(store.row_sizes(entity)) for entity in FEED.entities}
state = pd.DataFrame(
    {name: each.agg(["size", "sum", "mean", "max"]) for name, each in rows.items()}
).T
print(f"{len(log.events) / len(log.users):.0f} events a person in the log")
people_guess = predict("3.7", "million people", low=None, high=None)
people_guess

# %%
from mlsd_lab.framing import Brief, size

a_person = state["sum"][["user_id", "user_id × topic"]].sum() / state["size"]["user_id"]
fit = note("people_fit", 64e9 / a_person / 1e6, "million people")
display(compare(people_guess, fit), state.round(0).rename_axis("bytes of a row"))
brief = Brief.load("video-feed")
shards = brief.users * a_person / 64e9
print(f"{a_person:,.0f} bytes a person; {brief.users:,} people: {shards:.1f} machines of 64 GB")
peak = size(brief, service_ms=10)["requests_per_second_peak"].value
for name, seconds in (("file", whole.seconds), ("with a snapshot", both.seconds)):
    cores = peak * seconds
    print(f"{name}: ⟨{cores:,.0f}⟩ cores at the peak, ⟨{10 * cores:,.0f}⟩ for ten times that")

# %% [markdown]
# - **Ten times the traffic** takes ten times the cores, wherever the store is. That bill is what a snapshot is for: it
#   changes how many, not where.
# - **20 ms** is a matter of the batch, and of the snapshot. The loop breaks it anywhere.
# - **A billion people** does it: their state no longer fits into one machine, and each process would have to absorb
#   everybody's events. Then people's rows go to servers, split by person, and what is of videos stays in every process.
#
# So the flip is in people, not in requests. (Rows are as long as what they hold; with more events, topics and windows a
# person it comes sooner: see the largest.) A service with a few million people needs no server for its features; it
# needs one when it has several machines that must all answer alike.
#
# ## Say it
#
# “Many teams want your features, fast, and some of them are about people. Now what?” 90 seconds, with numbers you
# measured here, and a paragraph for your design document: what is read in one batch, what each process keeps and how
# old it may be, who may read what, and at which size the store moves to servers. Then read the answer below.

# %%
said = """

"""
paragraph = """

"""
display(rehearse("03_governance", said), my_design("03_governance", paragraph))

# %%
say_it("03_governance")

# %% [markdown]
# ## Another prompt
#
# Take one, close your eyes, and say: what does one request read, what of it do all requests share, what is personal,
# and who would ask for it? Then open it.
#
# <details><summary>Ad clicks: an auction in milliseconds, for partners as well.</summary>
#
# One request reads one person and some hundred ads, so a batch again; ads are few and hot, and go into every process.
# What is known of the person is the sensitive part, and partners would like it: they get a score, never the features,
# so theirs is a role without any personal grant. Who read what must be shown to a regulator: the log's receipt goes
# outside each day.
#
# </details>
#
# <details><summary>Harmful content: reviewers look at why a post was flagged.</summary>
#
# A person looks, not a model, and sees features of another person: a role of its own, with a purpose in each entry, and
# few columns. Reads are rare, so nothing needs to be fast here. An account that is erased leaves its rows, but what it
# added to the counts of posts stays until they are made anew, and that is said.
#
# </details>
#
# <details><summary>Event recommendation: an app of one city.</summary>
#
# Some ten thousand people and some hundred events: all of it is a few megabytes. A file beside the service, one
# process, no server, no snapshot; and still an owner, a meaning and a grant for each feature, since these cost nothing
# when the app is small and cannot be bought later.
#
# </details>
