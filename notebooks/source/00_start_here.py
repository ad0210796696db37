# %% [markdown]
# # Start here
#
# Name five films you like. In a moment you get ten more, with a reason for each; then we look at the machine that
# chose them, and you take it apart.
#
# Go cell by cell with **Shift + Enter**, not with Run All: you will be asked to guess, and a guess made after the
# answer was shown does not count. What stands between ⟨ ⟩ was measured on your computer just now.

# %%
import numpy as np

from mlsd_lab.course import check, checkpoint, progress_line, slate

start = checkpoint("00", on_progress=progress_line())
start

# %% [markdown]
# It has turned every film and every person into a list of 64 numbers, a *vector*, such that the product of the two is
# high where that person rated that film. (The method is called ALS; `04_candidates` works half a turn of it.)
#
# **Your turn.** Put in five films of your own, made before 2017; a word or two of the title will do.

# %%
films = ["toy story", "the matrix", "amelie", "spirited away", "memento"]
slate(start, films)

# %% [markdown]
# You rated nothing. The system worked out *your* vector from five films, by one small equation, and looked for films
# whose product with it is high. *Why* names the nearest of your five.
#
# Is the list good? If it smells of one decade, that is the data: people rated what was on when they joined, and the
# system knows nothing but who rated what. And it is full of films that everybody knows already.

# %% [markdown]
# ## Change it with one line
#
# Put the famous films out of reach, and see what is left.

# %%
# exercise 0.1

# %%
slate(start, films, rescore=gems, most=50)

# %% [markdown]
# As long as `gems` returns the scores as they came, this is the old slate. Change the line and run the three cells
# again. Then try another `most`: where do gems end and oddities begin?
#
# That was system design already: one filter in the right place changes the whole slate, and no model is touched.

# %% [markdown]
# ## Why this one?
#
# The reasons in your slate come from a function like the next one. Which of your films is *nearest*? Not the one with
# the highest product: a famous film has a long vector, and would explain everything.

# %%
# exercise 0.2

# %%
slate(start, films, rescore=gems, reason=reason, most=50)

# %% [markdown]
# ## How fast was that?
#
# Guess before you measure; that is how the whole course works. Give a range that you believe holds the truth in four
# cases of five: `low=5, high=50`, say. A wrong guess is worth more than none, for it shows what you believed.

# %%
from mlsd_lab.course import claim, compare, measure, predict

beliefs = {
    "under 1 ms": "it is one matrix product. It is; but titles are looked up and reasons found",
    "a second or more": "it must learn you first. It need not: only your vector is solved for",
}
guess = predict("0.1", "ms", low=None, high=None, beliefs=beliefs)
guess

# %%
whole_slate = measure("0.1", lambda: slate(start, films), repeat=9)
compare(guess, whole_slate)

# %% [markdown]
# Nothing had to be learned for you, a stranger: that is what makes it fast.

# %%
claim(
    "stranger",
    whole_slate < 1,
    yes="A slate for a stranger takes less than a second.",
    no="A slate for a stranger takes more than a second here.",
    steady=True,
)

# %% [markdown]
# ## Does one need a clever index?
#
# Among millions of videos nobody can compare you with each, so systems search an *approximate* index. Annoy, the one
# used here, keeps every film in each of several trees and looks at some of their nodes only: it misses some of the
# best, and is meant to be faster. The more nodes it may look at, the fewer it misses. Here are 9,066 films:

# %%
from mlsd_lab.retrieval import AnnoyIndex, ExactIndex

likes = start.popular.order_[:5]  # of somebody who likes what is popular
taste, vectors = start.als.fold_in(likes)[None], start.als.video_factors_
exact = measure("exact", lambda: start.als.index_.search(taste, k=100), repeat=20)
for nodes in (500, 5_000, 40_000):
    index = AnnoyIndex.build(vectors, trees=20, search_k=nodes)
    annoy = measure("annoy", lambda index=index: index.search(taste, k=100), repeat=20)
    found = (annoy.result.scores > 0.99999 * exact.result.scores.min()).sum()
    print(f"Annoy looks at {nodes:>6,} nodes, finds {found:>3} of the best 100, in {annoy.time}")
print(f"exact search looks at everything, in {exact.time}; best: {exact.result.scores.max():.4f}")

# %% [markdown]
# Change the three numbers of nodes: can you be faster than exact search *and* find all hundred? The index buys speed
# with missing films; how much of either you want is a decision, and the size of the catalogue decides whether there
# is anything to buy. `04_search` looks for that size.

# %% [markdown]
# ## The whole system
#
# A slate for five films is a demo. This is what stands behind a feed: above what is learned, for everybody at once;
# below what happens in one request.

# %%
from mlsd_lab.course import diagram, times_of

diagram()

# %% [markdown]
# - **Offline**, a log of what people did is split by time; *features* say what was known at each moment (how often was
#   this film rated, how much does this person like comedies); ALS and the Annoy index learn to **retrieve** a hundred
#   *candidates* out of all; a *ranker* learns their order; all models travel together as one *bundle*.
# - **Online**, a request retrieves candidates, drops what the person saw, reads features, ranks, arranges a slate.
# - The **audit** computes every served feature again, and whatever was shown is tomorrow's log.
#
# Now run all of it on real ratings. It takes up to a minute, most of it the ranker's. From each person the last film
# that they liked (four stars or more) is held back; a recommender is as good as its **recall**, the share of these
# films that it has among its hundred candidates. The plainest one shows everybody the most rated films:

# %%
from mlsd_lab.course import note, picture, pin
from mlsd_lab.pipeline import RunConfig, run

config = RunConfig()
print(f"seed {config.seed}, {config.annoy_trees} trees, {config.annoy_search_k:,} nodes a search")
whole = run(config, on_progress=progress_line())
report, recall = whole.report, whole.report["retrieval"]["recall"]
print("people judged, each by one film that was held back:", report["retrieval"]["judged_users"])
pin("popular.recall_at_100", 100 * recall["popular"], "%")

# %% [markdown]
# And ALS, which knows each person's taste? Guess its recall.

# %%
als_guess = predict("0.2", "%", low=None, high=None)
als_guess

# %%
compare(als_guess, pin("als.recall_at_100", 100 * recall["als_exact"], "%"))

# %% [markdown]
# *Over random starts* says what another start of the training would change, three standard deviations of it. Other
# *people* would change more: draw as many of them again and again, some twice, some not at all, and see how the
# result moves. These are the intervals below. `popular_lately` counts recent ratings more, `als_exact` looks at every
# film, `als_annoy` asks the index; `boosted_trees` and `logistic` are rankers, `retrieval_order` is none.

# %%
pin("als_annoy.recall_at_100", 100 * recall["als_annoy"], "%")
for sentence in report["retrieval"]["verdict"][:2] + report["ranking"]["verdict"]:
    head, _, rest = sentence.partition(":")
    print("·", head, f"⟨{rest.strip()}⟩")
picture("Whose held-back film was found? (movielens)", whole.scoreboard.plot)

# %% [markdown]
# The last three lines are about the ranker: its order is no better than the one in which retrieval found the films.
# Ratings do not say what a person was shown and passed over; whether that is the reason, notebook 05 will try on a
# log that does. It is served here all the same, since nothing decides yet what may be served: that will be notebook
# 06.

# %%
times = times_of(report)
retrieving = note("retrieve", times["retrieve"])
whole_request = note("request", report["serving"]["p50_ms"] / 1000)
same = report["skew"]["compared"] - report["skew"]["mismatched"]
print(f"{same:,} of {report['skew']['compared']:,} served values are the same to the last bit")
diagram(times=times)

# %% [markdown]
# The same picture with the time that each part just took: learning above, the median of one request below. Two
# questions are worth a minute. Which box above takes longest, and how often must it run? Which box below takes
# longest, and what would halve it? (Retrieval asks the index for 40,000 nodes here; you saw what fewer would cost.)
#
# And the audit, whose count stands above the picture: one value that differs would mean that the model was trained on
# something else than it sees.

# %% [markdown]
# ## What if …
#
# … the interviewer says: "Now a hundred times as many films, and the whole answer within 20 ms." Which boxes grow
# with the catalogue, and which with the number of candidates? Decide which box you would change first *before* you
# run the next cell: it searches exactly among a hundred times as many vectors (copies, which takes as long as if they
# differed).

# %%
many = ExactIndex(np.tile(vectors, (100, 1)))
large = measure("large", lambda: many.search(taste, k=100))
print(f"{many.size:,} vectors: {large.time}, {large / exact} what it was")
claim(
    "large",
    large < 0.02,
    yes="Exact search alone still fits into 20 ms here, and leaves less for all the rest.",
    no="Exact search alone is over 20 ms: one has to approximate. `04_search` is about how.",
)

# %% [markdown]
# What is left of the budget decides how many candidates can be ranked. That is arithmetic, with two edges to fall
# off; try it afterwards with the times in your picture.

# %%
# exercise 0.3

# %% [markdown]
# ## Say it
#
# "Design the home feed of a video service. Give me the whole picture in 90 seconds." Write what you would say, with
# numbers that you have just measured; then run the answer below.

# %%
from mlsd_lab.course import card, my_design, rehearse, say_it

said = """

"""
rehearse("00", said)

# %%
say_it("00")

# %% [markdown]
# ## Your design
#
# A paragraph of your own goes into `my_design.md`, one from each notebook, until it is a design document. What will
# you build first, and which number must it beat?

# %%
paragraph = """

"""
my_design("00", paragraph)

# %% [markdown]
# ## Where to go from here
#
# A design interview has 45 minutes and seven phases; each notebook carries this card with its own phase lit.

# %%
card()

# %% [markdown]
# | what the interviewer asks | phase | notebook |
# |---|---|---|
# | What are we building, for whom, how large? How will we know? | clarify, frame | 01 Framing |
# | Where does the data come from, and what if it is late, doubled, broken? | data | 02 Data ingestion |
# | How fresh are your features, and what if events come late or the consumer dies? | data | 02 The stream |
# | How do training and serving see the same features? | data | 03 Feature store |
# | Where do hundreds of candidates come from, also for who and what is new? | candidates | 04 Candidate generation |
# | How do you find them among millions, in milliseconds? | candidates | 04 Search |
# | In which order, and for what goal? | rank | 05 Ranking |
# | Which model is running, and how do you take it back? | serve | 06 Model registry |
# | How fast, how many machines, what if it is slow? | serve | 07 Serving latency |
# | What if the world changes? | monitor | 08 Drift monitoring |
#
# Notebooks appear beside this one as they are written. Each takes an hour or an hour and a half, opens alone, and may
# be left at any point. If something above failed, `mlsd-lab doctor` in a terminal says what is missing.
