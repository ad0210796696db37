# %% [markdown]
# # Candidate generation
#
# “There are millions of videos. How do you find a hundred for this person?”
#
# > *A weak answer:* “Two-tower embeddings in a vector database with HNSW. It scales to billions.”
#
# > *A strong one:* “Two stages. The first must not miss, and is cheap; the second orders what the first found. The first has
# > several sources, each with a reason: people like you, what is popular lately, the creators you follow, what is new. The learned
# > one gives each person and each video a vector; its candidates are those of highest product. What nobody has watched has no
# > vector, so content and exploration bring it in. I hold each source against popularity, with an interval, and say what recall
# > cannot see.”
#
# The weak answer names parts. It does not say what they find, what they miss, or whether they are needed at all. Here you
# hold each part against the simplest thing that could replace it, and sometimes the simple thing wins. How to *search* among
# millions of vectors, and when an index pays, is the second sitting, `04_search`. (Dark in the picture: what the two sittings
# touch.)

# %%
import numpy as np
import pandas as pd

from mlsd_lab import evaluation
from mlsd_lab.course import Live, card, check, checkpoint, claim, compare, diagram
from mlsd_lab.course import measure, note, picture, pin, predict
from mlsd_lab.evaluation import Popular, TopK, coverage, leave_last_out
from mlsd_lab.retrieval import ALS, ExactIndex, TwoTowers

display(card("candidates"), diagram("04"))
start = checkpoint("00")
start

# %% [markdown]
# (Real ratings of films, and vectors learned from all of them: it is where notebook 00 began.)
#
# ## Why two stages?
#
# The best model reads many features of a person and a video, and says how likely this is a good match. Why not ask it
# about every video? Below are 100 boosted trees on 24 numbers, a small ranker, on one core. How long will they take for
# the videos of *one* request, when there are a million?

# %%
from sklearn.ensemble import HistGradientBoostingClassifier as Trees
from threadpoolctl import threadpool_limits

threadpool_limits(1)
rng = np.random.default_rng(0)
asked, cost = rng.standard_normal((1_000_000, 64), dtype=np.float32), pd.DataFrame()
features, liked = asked[:20_000, :24], asked[:20_000, :2].sum(axis=1) > 1
trees = Trees(max_iter=100, early_stopping=False).fit(features, liked)
trees_guess = predict("4.1", "s", low=None, high=None)
trees_guess

# %%
for size in (1_000, 10_000, 100_000, 1_000_000):
    index, rows = ExactIndex(asked[:size]), asked[:size, :24]
    rank = measure("trees", lambda rows=rows: trees.predict_proba(rows), repeat=1)
    product = measure("product", lambda index=index: index.search(asked[:1], k=100), repeat=5)
    cost.loc[size, ["boosted trees", "inner product"]] = 1e3 * rank.seconds, 1e3 * product.seconds
look = {"style": ["o-", "s--"], "loglog": True, "xlabel": "videos", "ylabel": "ms"}
title = "One request on one core (dotted: 20 ms)"
display(picture(title, lambda ax: cost.plot(ax=ax, **look).axhline(20, ls=":")))
display(compare(trees_guess, note("trees_a_million", rank.seconds)), cost.map("⟨{:>9,.1f}⟩".format))
late = "The ranker cannot look at a million videos: something cheap must choose first."
claim("stages", rank.time > 0.02, yes=late, no="It looks at a million in time.", steady=True)

# %% [markdown]
# (Milliseconds.) The trees take some microseconds for each video, so 20 ms pay for a few thousand of them. The dashed line is
# a very cheap personal score: a vector for the person, one for each video, and the sum of 64 products. In the same time it
# reads hundreds of times as many (and at a million it is about at the dotted line itself: that is for `04_search`). Hence **two stages**: something cheap looks at everything
# and must not miss, something dear looks at a few hundred and must order well.
#
# ## Vectors from what people did
#
# Here people gave stars. In a feed nobody says what they dislike: a film without a rating was not seen, not known, or
# not wanted. Such feedback is **implicit**, and it is the usual kind, so we forget the stars: *rated* is a yes, whatever the
# rating. ALS takes *every* pair of person and film as an observation, yes or no, and believes a yes more: its weight is the
# *confidence*, that of a no is 1. It seeks vectors whose product is near 1 for a yes and near 0 for a no.
#
# How does one find such vectors? Hold the films' still. Then each person's is a regression of yes and no on the films' vectors,
# weighted, with a penalty on its length (*ridge*), and has a closed form. Then hold the people still and solve the films, and
# so on by turns: *alternating least squares*. Half a turn, for one person:


# %%
def solve_person(films, watched, confidence, ridge):
    yes = np.isin(np.arange(len(films)), watched)
    weight = np.where(yes, confidence, 1.0)
    left = films.T @ (films * weight[:, None]) + ridge * np.eye(films.shape[1])
    return np.linalg.solve(left, films.T @ (weight * yes))


vectors, watched = start.als.video_factors_, start.log.matrix()[14].indices
mine = solve_person(vectors, watched, start.als.confidence, start.als.regularization)
same = np.allclose(mine, start.als.fold_in(watched), atol=1e-6)
claim("half a turn", same, yes="`ALS.fold_in` gives the same vector.", no="They differ.")

# %% [markdown]
# It also serves somebody who came a minute ago: nothing is trained, one system of 64 equations is solved.
#
# Back to learning. From each person the last film they liked was held back, as in notebook 00. Two things to watch: the
# confidence (0.3 believes a yes *less* than a no, on purpose), and whose films are proposed at all: the lists of 671 people have
# places enough for every film seven times. What share of the films stands in *nobody's* hundred, with confidence 3?

# %%
never_guess = predict("4.2", "%", low=None, high=None)
never_guess

# %%
split = leave_last_out(start.log)
seen, relevant = split.train.matrix(), split.relevant()
users = np.flatnonzero(np.diff(relevant.indptr))
fitted = {f"confidence {c:g}": ALS(confidence=c).fit(split.train) for c in (0.3, 3, 30)}
fitted["popular"] = Popular().fit(split.train)
lists = {name: each.retrieve(users, 100, seen) for name, each in fitted.items()}
hits = {name: TopK.judge(each, relevant[users]).recall() for name, each in lists.items()}
table = pd.DataFrame(hits).mean().to_frame("recall")
table["never proposed"] = [1 - coverage(each, seen.shape[1]) for each in lists.values()]
display(table.map("⟨{:.1%}⟩".format))
never = 100 * table.loc["confidence 3", "never proposed"]
compare(never_guess, pin("candidates.never_proposed", never, "%"))

# %% [markdown]
# (± over random starts, as before.) ALS finds about twice what popularity finds, if a yes weighs more than a no; weighing it
# ten times more again finds a little less. (Choosing the confidence by the films that then judge it flatters it; `tune` chooses on a split
# inside the training data.) And of all films most stand in nobody's hundred: **popularity
# bias**. Vectors are learned from events, so a film with few events has a short vector, and a short vector wins no product.
# It gets no events from us, and stays short. Whoever only looks at recall never notices, since what was held
# back is partly what people found in such lists. (How ratings, or feeds, come about is a loop; notebook 08 goes around it.)
#
# ## An inner product is not a distance
#
# “More like this” needs neighbours: the films nearest to a film. By what? The index searches by product, so take that. For
# what share of the 9,066 films will *another* film have a higher product with it than the film itself?

# %%
ratings = pd.Series(start.log.matrix().getnnz(axis=0))
lengths, rows = np.linalg.norm(vectors, axis=1), []
nearest = ExactIndex(vectors).search(vectors, k=1).videos[:, 0]
strange = 100 * np.mean(nearest != np.arange(len(vectors)))
self_guess = predict("4.3", "%", low=None, high=None)
self_guess

# %%
display(compare(self_guess, pin("candidates.not_its_own_nearest", strange, "%")))
print("rank correlation of ratings and length:", Live(ratings.corr(pd.Series(lengths), "spearman")))
for title in ("Toy Story", "Alien", "Spirited Away (Sen to Chihiro no kamikakushi)"):
    film = start.titles.index(title)
    for way, array in (("dot", vectors), ("angular", vectors / lengths[:, None])):
        found = ExactIndex(array).search(array[[film]], k=4).videos[0]
        others = [at for at in found if at != film][:3]
        three = (start.titles[at][:25] for at in others)
        rows.append([title[:13], way, *three, ratings[others].median()])
columns = ["film", "by", "first", "second", "third", "median ratings"]
pd.DataFrame(rows, columns=columns).set_index(["film", "by"])

# %% [markdown]
# A product grows with the *length* of the other vector, and length is popularity, nearly (the correlation of ranks,
# Spearman's, is 1 where two orders are the same). So by product the neighbours are what is famous and roughly fits; by angle (the cosine, Annoy's `angular`) fame
# counts less: the last column is the median number of ratings of the three. For Alien and Spirited Away the angle gives what
# is alike. For Toy Story it does not: everybody who joined in its years rated the same films, and that is what its vector
# knows. Angle takes off the length, not the data's habits.
#
# Nothing that calls itself a distance could make a thing farther from itself than from others. Both are right, for their question:
# **to a person** one proposes by product, which is what was learned (and popular films are liked more often); **beside a film** one shows neighbours by
# angle. Mix them up, and every page says “people also watched the most famous film”.
#
# ## What nobody has watched
#
# A video of this morning has no events, so ALS has no vector for it. But something is known: topic, creator, words of the
# title. A **tower** is a model that turns such things into a vector; here a regression, from the content of videos with
# events to their vectors of ALS. The other tower is the person's vector, which stays.
#
# Real logs cannot say whether that is good: nobody saw those videos. The simulated world can. A fifth of its videos
# lose their events; for each person the first ten of these are judged by the *true* chance of a long view. Call drawing
# ten at random 0 %, and the best ten there are 100 %. How far does the tower come?

# %%
from mlsd_lab.datasets.world import WorldConfig, simulate
from mlsd_lab.retrieval import ContentTower

world = simulate(WorldConfig(2_000, 2_000, 150_000))
events, held = world.log.events, np.random.default_rng(0).random(2_000) < 0.2
train = world.log.with_events(events[~held[events.video_id.cat.codes]])
tower = ContentTower(ALS()).fit(train)
viewers, new = np.flatnonzero(tower.als.known_)[:1_000], tower.new_
print(f"{len(new)} of {len(held):,} videos have no events now")
tower_guess = predict("4.4", "%", low=None, high=None)
tower_guess

# %%
from mlsd_lab.retrieval import Content

content = Content().fit(train).retrieve(viewers, 2_000)
first = {"content alone": content.kept(np.isin(content.videos, new), 10)}
first["tower"] = tower.retrieve(viewers, 10)
true = world.truth.long_views(viewers, np.tile(new, (1_000, 1)), day=27)
chance, best = true.mean(), np.sort(true, axis=1)[:, -10:].mean()
good = {name: world.truth.long_views(viewers, each.videos, 27) for name, each in first.items()}
way = {name: 100 * (each.mean() - chance) / (best - chance) for name, each in good.items()}
display(compare(tower_guess, pin("candidates.tower", way["tower"], "%")))
pin("candidates.content", way["content alone"], "%")

# %% [markdown]
# (± over random starts and over which videos lose their events.) More than nothing, and less than one would like: in this world no
# title says how good a video is, since the simulator draws quality apart from content. And look what comes close:
# *content alone*, which compares words and topics with those of the videos a person watched, and learns nothing. Paired,
# over larger worlds, the tower is ahead of it, by little (`docs/decisions`, the content tower). Much of the rest of the way is only found by showing the
# video to some people; that is why every feed keeps a few places for **exploration**.
#
# ## Negatives, and their correction
#
# ALS has every pair in its equations, and the tower above is a regression on its result: neither draws any negatives. A neural
# network with two towers seldom goes through all pairs. It learns to tell a watched video from *the others of its
# batch*, a thousand or so, which are taken as a no: its **negatives**. They are not drawn evenly: a popular video is one as often as it is watched.
# So the network learns how much *more* than usual somebody watches a video, and what is popular sinks. The remedy is called
# **logQ**, after the logarithm of how often a video turns up as a negative: it is taken off the score while training, and the
# score then says how *often* somebody watches it.
#
# That is the usual form, and the one to name in an interview. `logq=True` below does a second thing: it also adds the same logarithm
# when lists are made. On films either half is enough, on feeds both together find more (`docs/decisions`, two towers). Two rounds over the
# ratings, which is short, with `logq` and without.

# %%
audience, shown = np.diff(seen.tocsc().indptr), {"popular": lists["popular"]}
for name, logq in (("without logQ", False), ("with logQ", True)):
    shown[name] = TwoTowers(epochs=2, logq=logq).fit(split.train).retrieve(users, 100, seen)
hits |= {name: TopK.judge(each, relevant[users]).recall() for name, each in shown.items()}
table = (100 * pd.DataFrame(hits)[list(shown)].mean()).to_frame("recall, %")
table["median ratings of its films"] = [np.median(audience[each.videos]) for each in shown.values()]
display(table.map("⟨{:>6.3g}⟩".format))
note("recall.no_logq", table.loc["without logQ", "recall, %"], "%")
lost = "Without the correction the network finds less than popularity, which learned nothing."
order = list(table["recall, %"].sort_values().index) == ["without logQ", "popular", "with logQ"]
claim("logq", order, yes=lost, no="The correction does not decide it here.")

# %% [markdown]
# After so short a training the switch decides between a system worth having and one that proposes films that hardly anybody rated.
# After fifteen rounds, in that decision's table, the network without it has come nearer to popularity, and with it still stays behind ALS,
# which needs no correction since it draws nothing. So this course goes on with ALS. A network earns its place where a person or a video is more than an id: when there are texts, pictures, the hour, the device.
#
# ## Several sources
#
# One list comes from one idea of what people want. A feed blends: by taste (ALS), by shared audience (**item-kNN**: films whose
# raters overlap with those of yours), what is popular lately, what is new, what one's creators made. Scores of different sources
# cannot be compared, so here they take turns by **quota**, each video once, and each candidate remembers who proposed it. That is
# the reason shown to the person and a feature for the ranker. Does blending pay on films?

# %%
from mlsd_lab.retrieval import Blend, ItemKNN

sources = {"als": ALS(), "knn": ItemKNN(neighbours=50), "lately": Popular(7)}
blend = Blend(sources, {"als": 6, "knn": 2, "lately": 1}).fit(split.train)
mixed = blend.blended(users, 100, seen)
found = {name: each.retrieve(users, 100, seen) for name, each in blend.sources.items()}
found |= {"blend": mixed.candidates, "popular": lists["popular"]}
recall = {name: TopK.judge(c, relevant[users]).recall() for name, c in found.items()}
for name, each in recall.items():
    print(f"{name:<8}", note(f"recall.{name}", 100 * each.mean(), "%"))

# %%
pair = (evaluation.mean_of(recall[name]) for name in ("blend", "als"))
gain = evaluation.compare(*pair, users=len(users))
print(f"recall, blend less ALS: ⟨{gain.value:+.3f} ({gain.low:+.3f} to {gain.high:+.3f})⟩")
note("blend_loses", -100 * gain.value, "points")
for name in ("knn", "lately"):
    alone = 100 * np.mean(recall[name] > recall["als"])
    print(f"{name:<6} finds what ALS does not for", Live(alone, "%"), "of the people")
reasons = (" and ".join(by) for by in mixed.sources(0)[:6])
print("the first six for one person are from", ", ".join(reasons))
claim("blend", bool(gain.high < 0), yes="ALS alone finds more.", no="ALS alone does not find more.")

# %% [markdown]
# The simple thing wins here, with a feed's quotas: for the few people for whom another source finds what ALS does not, more lose the
# film that stood in the places it took. On the log of a real feed:

# %% tags=["nbval-ignore-output"]
from mlsd_lab.course import on_the_real_log

on_the_real_log("candidates")

# %% [markdown]
# A gain over popularity that is no luck, and a blend that gains no recall over ALS there. Then why does every feed blend?
# Recall on yesterday's log cannot see what a source for new videos is for: the old system hardly showed them, so hardly anybody
# can have watched them. The simulated world knows what *would* have happened. Of twenty places a person, some now go to the new
# videos: the tower's first, or drawn at random. One place of twenty drawn at random: what share of the true long views does that
# cost?

# %%
from mlsd_lab.evaluation import Candidates
from mlsd_lab.retrieval import blended

price_guess = predict("4.5", "%", low=None, high=None)
als_first = tower.als.retrieve(viewers, 20, train.matrix())
towers = tower.retrieve(viewers, 20)
chosen = [np.random.default_rng(who).choice(new, 20, replace=False) for who in viewers]
drawn = Candidates(np.array(chosen, dtype=np.int32), als_first.scores)
price_guess

# %%
ways = {"ALS alone": als_first}
for places in (1, 2, 4):
    quotas = {"als": 20 - places, "new": places}
    for name, other in (("tower", towers), ("random", drawn)):
        mixed_in = blended({"als": als_first, "new": other}, quotas, 20)
        ways[f"{places} of 20 {name}"] = mixed_in.candidates

# %%
reached = {name: 100 * np.isin(new, each.videos).mean() for name, each in ways.items()}
views = {n: world.truth.long_views(viewers, c.videos, day=27).mean() for n, c in ways.items()}
each = {n: np.median([np.sum(w.videos == v) for v in new]) for n, w in ways.items()}
table = pd.DataFrame({"new videos reached, %": reached, "shown": each, "long views, %": views})
table["long views, %"] *= 100 / views["ALS alone"]
one = table.loc["1 of 20 random"]
display(compare(price_guess, note("random_costs", 100 - one["long views, %"], "%")))
note("shown_each", len(viewers) / len(new), "times")
table.map("⟨{:>5.1f}⟩".format)

# %% [markdown]
# (*Reached*: new videos that stand in somebody's twenty; *shown*: how often the median new video is; long views in per cent of what
# ALS alone brings.) ALS alone reaches none: they have no vector. The tower's first take the places of ALS's last, and lose little
# or gain, but with few of the new videos. Random places reach nearly all, some two or three times each, and that has its price. The one buys long
# views, the other a beginning of knowledge: the first events of a video, from which ALS can learn it. How many places that
# is worth no log tells; it takes a test in which some people explore and all profit (notebook 08). `Fresh` draws recent uploads in this way, the newest more often.
#
# In your hands now: a source that needs no vector at all. (Exercises 4.1 and 4.3 are in `04_search`.)

# %%
# exercise 4.2

# %% [markdown]
# ## What if …
#
# … the interviewer says: “Most of our visitors are new.” “A hundred times as many people.” “Nothing here lives longer than a
# day.” Which of these change the design? Decide, then go on.
#
# The first can be measured. ALS and popularity now learn from one half of the people alone. The others come in as strangers:
# their vector is solved from their first few ratings (`folded`), with the films' vectors as they are. From how many ratings on is
# that better than popularity?

# %%
events = split.train.events
half = split.train.with_events(events[events.user_id.cat.codes % 2 == 0])
als, popular = ALS().fit(half), Popular().fit(half)
strangers = users[users % 2 == 1]
at = events.sort_values("occurred_at", kind="stable").groupby(events.user_id.cat.codes).cumcount()
gains = {}
for known in (1, 2, 5, 10, 20, 50):
    first = split.train.with_events(events[at < known]).matrix()
    lists = (each.retrieve(strangers, 100, first) for each in (als.folded(first), popular))
    both = [TopK.judge(found, relevant[strangers]).recall() for found in lists]
    gains[known] = evaluation.compare(*map(evaluation.mean_of, both), len(strangers))

# %%
for known, gain in gains.items():
    more = f"{gain.value:+.3f} ({gain.low:+.3f} to {gain.high:+.3f})"
    print(f"after {known:>2} ratings: recall, ALS less popularity ⟨{more}⟩")
sure = next((known for known, gain in gains.items() if gain.low > 0), 50)
print("clearly better from", note("sure_from", sure, "ratings"), "on")

# %% [markdown]
# - **New visitors** do change it, and less than one fears: after a single rating nobody can tell the solved vector from popularity,
#   and a few evenings later it is clearly better. Before the first there is nothing to solve: popularity, where and when they are.
# - **A hundred times the people** changes no idea here: training grows with the events and requests with the people, and both are
#   split over machines. A person costs a row of 64 numbers, or none where vectors are solved at the request.
# - **A day's life** does: news, live events, flats. A vector that takes days of events is finished when its video is over.
#   Then content and place make the vector, and exploration is most of the feed.
#
# ## Say it
#
# “How do you find a hundred among millions?” 90 seconds, with numbers you measured here, and a paragraph for your design
# document: which sources, with which places each, what is done for a new video and a new person, and what recall does not see.
# Then read the answer below. (How the search itself is done comes in `04_search`.)

# %%
from mlsd_lab.course import my_design, rehearse, say_it

said = """

"""
paragraph = """

"""
display(rehearse("04", said), my_design("04", paragraph))

# %%
say_it("04")

# %% [markdown]
# ## Another prompt
#
# Take one, close your eyes, and say: what is the vector made of, what has no events, who explores, and which source would you
# build first? Then open it.
#
# <details><summary>Similar listings: beside a flat, show others like it.</summary>
#
# Here the question *is* “alike”, so neighbours by angle, and not the famous ones. A flat is booked once and gone: listings live short,
# so content and place carry most of the vector. City and dates are hard filters that leave little: search within a city, exactly.
# Prices and availability change all day, so they are filtered with today's values and never baked into the vector.
#
# </details>
#
# <details><summary>Event recommendation: concerts of the next weeks.</summary>
#
# An event that has enough tickets sold to be learned is nearly over: everything is a new video. Vectors come from artist,
# venue and topic; people's come from artists they hear. Distance and date leave a few hundred, and those can all be ranked: no
# index, perhaps no first stage.
#
# </details>
#
# <details><summary>Ad clicks: which ads may compete for this slot?</summary>
#
# The hard filters come first: what an advertiser targets, budgets that are spent, one ad a brand. They are looked up in lists
# by attribute, not by distance. What is left is scored by bid × chance, and bids change by the minute, so no vector holds them:
# one source fetches by chance, another by bid, and the product is taken at the request.
#
# </details>
