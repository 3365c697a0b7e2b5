# %% [markdown] lang="en"
# # Day 5: doing it right
#
# The first week of the project (see day 3) ended with two numbers: 99.14 % with two convolutions, 99.31 % with three. Is the
# second network better, or was it only luckier? Today you learn to answer such a question, and to ask it before you believe a
# number, beginning with your own.

# %% [markdown] lang="fr"
# # Jour 5 : dans les règles de l'art
#
# La première semaine du projet (voir le jour 3) s'est terminée sur deux nombres : 99,14 % avec deux convolutions, 99,31 % avec
# trois. Le second réseau est-il meilleur, ou a-t-il eu plus de chance ? Aujourd'hui, vous apprenez à répondre à cette question,
# et à la poser avant de vous fier à des nombres, à commencer par les vôtres.

# %%
import matplotlib.pyplot as plt
import numpy as np
import torch
from torch.nn.functional import cross_entropy

from mnistlab import Augmentation, MNISTDataLoader, NeuralNet, UserError, evaluate, open_dataset
from mnistlab.learn.pictures import show

mnist = open_dataset("mnist")
train_loader = MNISTDataLoader("train", dataset=mnist)
val_loader = MNISTDataLoader("val", dataset=mnist, batch_size=None)

# %% [markdown] lang="en"
# ## Learnt, or learnt by heart?
#
# To see a network learn by heart within seconds, we take a small one and only 600 of the training images. `teach` is the loop
# of day 3; after each epoch it notes the accuracy of the answers given while learning, and the accuracy on validation images.

# %% [markdown] lang="fr"
# ## Appris, ou appris par cœur ?
#
# Pour voir un réseau apprendre par cœur en quelques secondes, prenons-en un petit et seulement 600 images d'entraînement.
# `teach` est la boucle du jour 3 ; après chaque époque, elle note l'exactitude des réponses du réseau pendant l'apprentissage,
# et l'exactitude sur des images de validation.

# %%
val_images, val_labels = val_loader.dataset[:]


def accuracy_of(model, images, labels):
    model.eval()
    with torch.no_grad():
        return (model(images).argmax(dim=1) == labels).float().mean().item()


def steady(part):
    return 0.05


# %%
def teach(rows, dataset=train_loader.dataset, epochs=20, seed=0, rate=steady, **layers):
    torch.manual_seed(seed)
    model = NeuralNet((8, 16), **{"batch_norm": False, **layers})
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    curve = []
    for epoch in range(epochs):
        model.train()
        images, labels = dataset.batch(rows[torch.randperm(len(rows))])
        correct = 0
        for start in range(0, len(rows), 50):
            optimizer.param_groups[0]["lr"] = rate((epoch + start / len(rows)) / epochs)
            correct += learn_batch(model, optimizer, images[start : start + 50], labels[start : start + 50])
        curve.append((correct / len(rows), accuracy_of(model, val_images[::4], val_labels[::4])))
    return model, np.array(curve)


# %%
def learn_batch(model, optimizer, images, labels):
    optimizer.zero_grad()
    logits = model(images)
    cross_entropy(logits, labels).backward()
    optimizer.step()
    return (logits.argmax(dim=1) == labels).sum().item()


# %%
epochs = 20
rows = torch.linspace(0, len(train_loader.dataset) - 1, 600).long()

# %% quick="epochs = 2"
len(rows)


# %%
def draw(curves):
    plt.figure(figsize=(6, 3))
    for (name, curve), colour in zip(curves.items(), ("tab:blue", "tab:orange", "tab:green"), strict=False):
        axis = range(1, len(curve) + 1)
        plt.plot(axis, 100 * curve[:, 0], "--", color=colour)
        plt.plot(axis, 100 * curve[:, 1], color=colour, label=name)
    plt.ylim(70, 101)
    plt.xticks(range(0, epochs + 1, 5))
    plt.ylabel("%")
    plt.title("dashed: while learning; solid: validation", fontsize=10)  # en
    plt.title("tirets : pendant l'apprentissage ; trait plein : validation", fontsize=10)  # fr
    plt.legend()
    plt.tight_layout()
    plt.show()


by_heart, curve = teach(rows, epochs=epochs)
draw({"600 images": curve})
print("while learning {:.2%}, validation {:.2%}".format(*curve[-1]))  # en
print("pendant l'apprentissage {:.2%}, validation {:.2%}".format(*curve[-1]))  # fr

# %% [markdown] lang="en"
# The dashed line climbs to the top: all 600 images are read correctly. The solid line stops well below: some of the images
# were only learnt by heart. That gap is *overfitting*; never judge a network by what it was trained on.
#
# ## Train, validation, test
#
# So we measure on the **validation** images. But every time you use them to choose a width, a learning rate or a number of
# epochs, you choose a little luck too. Take twenty networks that are all equally good, 99 % each. Measure each on as many
# images as `val` has, keep the best one, and note its measured accuracy. Repeat that a thousand times:

# %% [markdown] lang="fr"
# Les tirets montent jusqu'en haut : les 600 images sont toutes bien lues. Le trait plein s'arrête nettement plus bas : une
# partie des images n'a été apprise que par cœur. Cet écart est le *surapprentissage* ; on ne juge jamais un réseau sur ce qui
# a servi à l'entraîner.
#
# ## Entraînement, validation, test
#
# On mesure donc sur les images de **validation**. Mais chaque fois qu'elles vous servent à choisir (une largeur, un taux
# d'apprentissage, un nombre d'époques), la chance choisit un peu avec vous. Prenez vingt réseaux qui se valent, à 99 %
# d'exactitude. Mesurez chacun sur autant d'images qu'en a `val`, gardez le meilleur, et notez l'exactitude mesurée. Recommencez
# mille fois :

# %%
random = np.random.default_rng(0)
images = len(val_loader.dataset)
measured = random.binomial(images, 0.99, size=(1000, 20)) / images
best = measured.max(axis=1)

plt.figure(figsize=(6, 2.5))
bins = 100 * (np.arange(images - 80, images - 20, 2) - 0.5) / images
plt.hist(100 * measured[:, 0], bins, alpha=0.6, label="1")
plt.hist(100 * best, bins, alpha=0.6, label="max(20)")
plt.axvline(99, color="black")
plt.xlabel("%")
plt.legend()
plt.tight_layout()
plt.show()
print(f"{best.mean():.2%}")

# %% [markdown] lang="en"
# The winner nearly always looks better than it is; measured again, it falls back to about 99 %. Hence a third set, the
# **test** images: each network meets them once, when its training is over. In mnistlab only `evaluate` measures on them, and
# `train` calls it at that moment. Report the result, but never choose by it.
#
# ## Who wrote it?
#
# MNIST's digits come from forms, and each person who filled in a form wrote about a hundred of the digits. Here are seven 7s
# by one person and seven by another:

# %% [markdown] lang="fr"
# Le gagnant paraît presque toujours meilleur qu'il n'est ; à la mesure suivante, il retombe vers 99 %. D'où un troisième jeu,
# les images de **test** : chaque réseau ne les lit qu'une fois, à la fin de son entraînement. Dans mnistlab, seule la fonction
# `evaluate` s'en sert pour mesurer, et `train` l'appelle à ce moment-là. Annoncez ce résultat, mais ne choisissez rien d'après
# lui.
#
# ## Qui a écrit cela ?
#
# Les chiffres de MNIST viennent de formulaires, et chaque personne qui a rempli un formulaire a écrit une centaine de ces
# chiffres. Voici sept 7 d'une personne et sept d'une autre :

# %%
writers, labels = train_loader.writers, train_loader.dataset.labels.numpy()
numbers = np.unique(writers)


def sevens(writer):
    return np.flatnonzero((writers == writer) & (labels == 7))[:7]


pictures = [*sevens(numbers[4]), *sevens(numbers[9])]
show({" " * place: train_loader.dataset.images[index, 0] for place, index in enumerate(pictures)}, columns=7)

# %% [markdown] lang="en"
# Does it matter who wrote our 600 images? They are by hundreds of writers; now we train the same network on 600 images by only
# six.

# %% [markdown] lang="fr"
# Nos 600 images viennent de centaines de scripteurs : est-ce important ? Entraînons le même réseau sur 600 images de six
# scripteurs seulement.

# %%
few = torch.from_numpy(np.flatnonzero(np.isin(writers, numbers[:6])))[:600]
_, curve_of_few = teach(few, epochs=epochs)
hands = [len(np.unique(writers[chosen])) for chosen in (rows, few)]
draw({f"{hands[0]} writers": curve, f"{hands[1]} writers": curve_of_few})  # en
draw({f"{hands[0]} personnes": curve, f"{hands[1]} personnes": curve_of_few})  # fr

# %% [markdown] lang="en"
# The same number of images, the same network; but six people's writing does not show how strangers write. Validation should
# show how well a network reads the digits of *strangers*. Validation images drawn at random, the usual way, do not show that.
# Here is how many writers each split has, and how many of them were seen in training:

# %% [markdown] lang="fr"
# Autant d'images, le même réseau ; mais six écritures n'apprennent pas au réseau à lire toutes les autres. La validation doit
# dire à quel point un réseau lit bien les chiffres d'*inconnus*. Des images de validation tirées au hasard, selon l'usage, ne
# le disent pas. Voici, pour chaque jeu, le nombre de scripteurs, et combien d'entre eux ont été vus à l'entraînement :

# %%
from mnistlab.data.splits import split_writers

for kept, trained in (("val-random", "train-random"), ("val", "train"), ("test", "train+val")):
    theirs, seen = (np.unique(split_writers(mnist, split)) for split in (kept, trained))
    print(f"{kept:<12}{len(theirs):>4}{np.isin(theirs, seen).sum():>6}")

# %% [markdown] lang="en"
# None of the writers in `val` was seen in training; every writer in `val-random` was. To be fair: after training on all the
# training images, with their hundreds of writers, the two splits give nearly the same accuracy ("Who wrote it" in
# docs/RESULTS.md). But you only know that afterwards.
#
# ## Against overfitting: augmentation
#
# More writers cost nothing if you invent them. `Augmentation` rotates, scales, shifts and slants each image a little,
# differently each time. Here are five versions of one digit:

# %% [markdown] lang="fr"
# Aucun des scripteurs de `val` n'a été vu à l'entraînement ; tous ceux de `val-random` l'ont été. Soyons justes : après un
# entraînement sur toutes les images d'entraînement, avec leurs centaines de scripteurs, les deux jeux de validation donnent
# presque la même exactitude (section « Who wrote it » de docs/RESULTS.md). Mais on ne le sait qu'après.
#
# ## Contre le surapprentissage : l'augmentation
#
# D'autres écritures ne coûtent rien si on les invente. `Augmentation` tourne, agrandit ou réduit, déplace et penche un peu
# chaque image, chaque fois différemment. Voici cinq variantes d'un même chiffre :

# %%
change = Augmentation(rotate=15, scale=0.15, shift=3, shear=0.15)
augmented = MNISTDataLoader("train", dataset=mnist, augment=change).dataset
digit = train_loader.dataset.images[7:8].float()
show({" " * time: change(digit)[0, 0] for time in range(5)})

careful, curve_of_careful = teach(rows, augmented, epochs=epochs, dropout=0.3)
draw({"600": curve, "600 + augmentation, dropout": curve_of_careful})

# %% [markdown] lang="en"
# Validation accuracy rises. But the new curves seem to show a bug: the dashed one is *below* the solid one, as if strangers'
# digits were easier to read than those that the network was trained on. Look at what is compared. During training, the images
# are distorted, dropout switches off part of the network, and the weights are worse at the beginning of an epoch than at its
# end. When the accuracy on the 600 images is measured in the same way as on the validation images, the order is as it should
# be:

# %% [markdown] lang="fr"
# L'exactitude de validation augmente. Mais les nouvelles courbes semblent révéler un bogue : les tirets passent *sous* le trait
# plein, comme si les chiffres d'inconnus étaient plus faciles à lire que ceux de l'entraînement. Regardez ce que l'on compare.
# Pendant l'apprentissage, les images sont déformées, le dropout éteint une partie du réseau, et les poids sont moins bons au
# début d'une époque qu'à la fin. Mesurons l'exactitude sur les 600 images comme en validation : tout rentre dans l'ordre.

# %%
names = ("while learning", "the same 600 images, afterwards", "validation")  # en
names = ("pendant l'apprentissage", "les mêmes 600 images, après coup", "validation")  # fr
again = accuracy_of(careful, *train_loader.dataset.batch(rows))
strangers = accuracy_of(careful, val_images, val_labels)
for name, accuracy in zip(names, (curve_of_careful[-1, 0], again, strangers), strict=True):
    print(f"{name:<35}{accuracy:.2%}")

# %% [markdown] lang="en"
# ## Schedules, and why one seed is not enough
#
# Large steps get far at first; small ones are more precise at the end. A *schedule* gives both by changing the learning rate
# during training: `one_cycle` lets the rate rise, then fall to almost nothing. Is that better than a constant rate? The initial
# weights and the order of the images depend on a seed, so comparing a single run of each kind would be a bet. We take the same
# five seeds for both kinds, and one pass through 6,000 images.

# %% [markdown] lang="fr"
# ## Le taux d'apprentissage, et pourquoi une graine ne suffit pas
#
# De grands pas mènent loin au début, de petits pas sont précis à la fin. `one_cycle` réunit les deux : le taux d'apprentissage
# monte, puis redescend presque à rien. Est-ce mieux qu'un taux constant ? Les poids de départ et l'ordre des images dépendent
# d'une graine : ne comparer qu'un entraînement de chaque sorte serait un pari. Prenons cinq graines, les mêmes pour les deux
# sortes, et un passage sur 6 000 images.

# %%
from mnistlab.training.optimizers import one_cycle


def constant(part):
    return 0.1


def cycle(part):
    return 0.1 * one_cycle(round(1000 * part), 1000, warmup=0.3)


seeds = range(5)

# %% quick="seeds = range(2)"
plt.figure(figsize=(4, 2))
plt.plot([cycle(step / 100) for step in range(100)], label="one_cycle")
plt.plot([constant(step / 100) for step in range(100)], label="constant")
plt.xlabel("%")
plt.legend(loc=8)
plt.tight_layout()
plt.show()

# %%
more = torch.linspace(0, len(train_loader.dataset) - 1, 6000).long()
scores = {}
for rate in (constant, cycle):
    taught = [teach(more, epochs=1, seed=seed, rate=rate, batch_norm=True) for seed in seeds]
    scores[rate.__name__] = [100 * curve[-1, 1] for _, curve in taught]

plt.figure(figsize=(5, 1.8))
for row, (name, values) in enumerate(scores.items()):
    plt.plot(values, [row] * len(values), "o", alpha=0.6)
    plt.plot(np.mean(values), row, "k|", markersize=18)
    plt.text(values[0], row + 0.2, "0", ha="center")
    print(f"{name:<9}{np.mean(values):.2f} ± {np.std(values, ddof=1):.2f} %")
plt.yticks([0, 1], scores)
plt.ylim(-0.5, 1.5)
plt.xlabel("%")
plt.tight_layout()
plt.show()

# %% [markdown] lang="en"
# Each dot is a whole training run; seed 0 is marked. Compare two single dots, one of each kind, and you can tell any story you
# like; compare the means, with the spread beside them, and you know where you stand. This is why we report a recipe's accuracy
# as mean ± std over n seeds, here for `quick`, with the training time at the end: {{quick}}.
#
# ## How much is a percentage worth?
#
# Another kind of luck lies in the test images: ten thousand other images would have given another number. The network with
# two convolutions got 9,914 right. Take a coin that lands on "right" 99.14 times in a hundred, toss it 10,000 times, and do
# that ten thousand times over:

# %% [markdown] lang="fr"
# Chaque point est un entraînement entier ; la graine 0 est marquée. Deux points, un de chaque sorte, peuvent raconter n'importe
# quoi ; les moyennes, avec la dispersion à côté, disent à quoi s'en tenir. C'est pourquoi nous annonçons l'exactitude d'une
# recette sous la forme « moyenne ± écart type sur n graines ». Voici l'exactitude de `quick`, suivie de la durée de
# l'entraînement : {{quick}}.
#
# ## Que vaut un pourcentage ?
#
# Le hasard tient aussi aux images de test : dix mille autres images auraient donné un autre nombre. Le réseau à deux
# convolutions a bien lu 9 914 images. Prenez une pièce qui tombe sur « juste » 99,14 fois sur cent, lancez-la 10 000 fois, et
# recommencez dix mille fois :


# %%
def wilson(right, total, z=1.96):
    p = right / total
    centre = (p + z**2 / (2 * total)) / (1 + z**2 / total)
    half = z * np.sqrt(p * (1 - p) / total + (z / (2 * total)) ** 2) / (1 + z**2 / total)
    return centre - half, centre + half


thrown = random.binomial(10_000, 0.9914, size=10_000) / 10_000
print("binomial 9914  {:.2%}  {:.2%}".format(*np.percentile(thrown, [2.5, 97.5])))
for right in (9914, 9931):
    print("wilson   {}  {:.2%}  {:.2%}".format(right, *wilson(right, 10_000)))

# %% [markdown] lang="en"
# The first line is the range that holds 95 % of the results. Wilson's formula gives nearly the same range, a 95 % interval,
# without any tossing. The intervals around 99.14 % and 99.31 % overlap. That does *not* mean that the networks are equally good:
# both read the same images, and the hard images were hard for both. So let us compare them image by image.
#
# ## Is 99.31 better than 99.14?
#
# We begin with two networks of our own: `quick`, and the same recipe with half as many steps. Each is trained, then tested
# once; nothing is chosen after that.

# %% [markdown] lang="fr"
# La première ligne est la fourchette où tombent 95 % des résultats. La formule de Wilson donne, sans rien lancer, presque la même
# fourchette, un intervalle à 95 %. Les intervalles autour de 99,14 % et de 99,31 % se chevauchent. Cela ne veut *pas* dire que
# les réseaux se valent : ils ont lu les mêmes images, et celles qui étaient difficiles l'étaient pour les deux. Comparons-les
# image par image.
#
# ## 99,31, est-ce mieux que 99,14 ?
#
# Commençons par deux réseaux à nous : `quick`, et la même recette avec moitié moins de pas. Tous deux sont entraînés, puis
# testés une fois ; ensuite, on ne choisit plus rien.

# %% quick="half, whole = half.override(steps=2), whole.override(steps=4)"
from mnistlab import RECIPES, compare_runs, train

whole = RECIPES["quick"]
half = whole.override(name="quick-half", steps=whole.optimisation.steps // 2)

# %%
first, tested = train(half)
second, tested_second = train(whole)
comparison = compare_runs(first, second)
print(f"{tested.accuracy:.2%} {tested_second.accuracy:.2%}")
print(comparison)

# %% [markdown] lang="en"
# Images that both networks read correctly, or that both misread, do not say which network is better. Only the images that just
# one of them misread can tell. If the networks were equally good, a coin could decide which of them misreads such an image:
# that is the idea of **McNemar's test**. Its p-value is the probability that fair coins split at least as unevenly as these
# images did.

# %% [markdown] lang="fr"
# Les images que les réseaux ont tous deux bien lues, ou tous deux mal lues, ne disent pas lequel est le meilleur. Seules les
# images qu'un seul des deux a mal lues peuvent le dire. Si les réseaux se valaient, une pièce pourrait décider lequel se trompe
# sur une telle image : c'est l'idée du **test de McNemar**. Sa valeur p est la probabilité que des pièces équilibrées donnent
# un partage au moins aussi inégal que celui de ces images.

# %%
from scipy.stats import binomtest

only_first, only_second = comparison.only_first_wrong, comparison.only_second_wrong
print(f"{binomtest(only_first, only_first + only_second).pvalue:.4f} {comparison.p_value:.4f}")

# %% [markdown] lang="en"
# If the p-value is below 0.05, we do not put the difference down to chance, even if the two intervals overlap. Above it, chance
# may explain the difference. But who wrote the images matters here too: one person with unusual 7s can cause ten mistakes at
# once. `p_value_by_writer` tosses one coin for each *writer*, and the interval by writer comes from drawing writers, not
# images, at random. That interval is usually wider than the interval by image, and more honest; the p-value may rise or fall:

# %% [markdown] lang="fr"
# Si p est au-dessous de 0,05, on ne met plus la différence sur le compte du hasard, même quand les deux intervalles se
# chevauchent. Au-dessus, le hasard peut l'expliquer. Ici aussi, le scripteur importe : des 7 inhabituels peuvent provoquer dix
# erreurs d'un coup. `p_value_by_writer` lance une pièce par *scripteur*, et l'intervalle par scripteur s'obtient en tirant au
# sort des scripteurs, non des images. Il est en général plus large que l'intervalle par image, et plus honnête ; la valeur p
# peut monter ou baisser :

# %%
print(f"p_value_by_writer {comparison.p_value_by_writer:.4f}")
for evaluation in (tested, tested_second):
    for name in ("interval", "interval_by_writer"):
        low, high = getattr(evaluation, name)
        print(f"{name:<20}{low:.2%}  {high:.2%}")

# %% [markdown] lang="en"
# And the two networks of the first week? They made 86 and 69 errors, but nobody wrote down on which images. So all we can do
# is compute the p-value for each number of errors that the two may have shared:

# %% [markdown] lang="fr"
# Et les deux réseaux de la première semaine ? Ils ont fait 86 et 69 erreurs, mais personne n'a noté sur quelles images. Il ne
# reste qu'à calculer la valeur p pour chaque nombre possible d'erreurs communes :

# %%
wrong_two, wrong_three = 10_000 - 9914, 10_000 - 9931
shared = range(wrong_three + 1)
p_values = [binomtest(wrong_two - both, wrong_two + wrong_three - 2 * both).pvalue for both in shared]
needed = next(both for both in shared if p_values[both] < 0.05)
ours = comparison.both_wrong / min(comparison.both_wrong + only_first, comparison.both_wrong + only_second)

plt.figure(figsize=(5, 2.5))
plt.semilogy(shared, p_values)
plt.axhline(0.05, color="black", linewidth=1)
plt.axvline(ours * wrong_three, color="tab:orange")
plt.ylabel("p")
plt.xlabel("shared errors")  # en
plt.xlabel("erreurs communes")  # fr
plt.tight_layout()
plt.show()
print(needed, round(ours * wrong_three))

# %% [markdown] lang="en"
# The more errors the two share, the fewer images are left to tell them apart, and the more a difference of 17 errors counts:
# from 44 shared errors on (the first number), it is more than chance. The second number (the orange line) is how many errors
# they would share if they were as alike as our two networks. Without the lists of mistakes, nobody can tell how many errors
# they shared. So keep such lists: a run folder has its own, in `test.json`.
#
# Even McNemar's test speaks only of two *trained networks*, with one seed each. To find out whether three convolutions make a
# better *recipe*, you need several seeds. Both recipes have since been trained with several seeds, and the results are in the
# package:

# %% [markdown] lang="fr"
# Plus les deux réseaux ont d'erreurs communes, moins il reste d'images pour les départager, et plus leurs 17 erreurs d'écart
# pèsent : à partir de 44 erreurs communes (premier nombre), cet écart ne s'explique plus par le seul hasard. Le second nombre
# (la ligne orange) est celui des erreurs qu'ils auraient en commun s'ils se ressemblaient autant que nos deux réseaux. Sans les
# listes d'erreurs de la première semaine, nul ne peut trancher. Gardez les vôtres : chaque dossier d'entraînement a la sienne,
# dans `test.json`.
#
# Même le test de McNemar ne parle que de deux *réseaux entraînés*, avec une graine chacun. Pour savoir si trois convolutions
# donnent une meilleure *recette*, il faut plusieurs graines. Les deux recettes ont depuis été entraînées ainsi, et leurs
# résultats sont livrés avec mnistlab :

# %%
import re

from scipy.stats import ttest_ind_from_stats

from mnistlab.learn.course import FIGURES

recorded = []
for name in ("two-conv", "three-conv"):
    print(name, FIGURES[name])
    mean, std, seeds_used = re.findall(r"[\d.]+", FIGURES[name])[:3]
    recorded += [float(mean), float(std), int(seeds_used)]
print(f"{ttest_ind_from_stats(*recorded, equal_var=False).pvalue:.4f}")

# %% [markdown] lang="en"
# There is your answer: on these test images, the recipe with three convolutions beats the one with two, and the luck of seeds
# does not explain it. Three questions, three answers. Would *other seeds* have given another winner? Compare the means and the
# spread. Would *other images*? Use McNemar's test. Would *other people*? Use the same test, by writer.
#
# ## When a network says 98 %, is it right 98 times in 100?
#
# A network that has learnt by heart is nearly as sure of itself with strangers' digits as with those that it has learnt. We
# group the validation images by the network's confidence, that is, the probability that it gives to its answer, and see how
# many of each group are read correctly. First, an error made on purpose:

# %% [markdown] lang="fr"
# Voilà la réponse : sur ces images de test, la recette à trois convolutions bat celle à deux, et le hasard des graines ne
# suffit pas à l'expliquer. Trois questions, trois réponses. *D'autres graines* auraient-elles donné un autre gagnant ?
# Comparez les moyennes et la dispersion. *D'autres images ?* Le test de McNemar. *D'autres scripteurs ?* Le même test,
# scripteur par scripteur.
#
# ## Quand un réseau dit 98 %, a-t-il raison 98 fois sur 100 ?
#
# Un réseau qui a appris par cœur reste sûr de lui devant les chiffres d'inconnus. Regroupons les images de validation selon la
# confiance du réseau, c'est-à-dire la probabilité qu'il donne à sa réponse, et voyons combien sont bien lues dans chaque
# groupe. D'abord, une erreur commise exprès :

# %%
try:
    evaluate(by_heart, MNISTDataLoader("val", dataset=mnist, shuffle=True))
except UserError as error:
    print(error)

# %% [markdown] lang="en"
# `evaluate` notes which images were misread and who wrote them, so the images must come in their original order, as
# `val_loader` gives them:

# %% [markdown] lang="fr"
# `evaluate` refuse un chargeur qui mélange les images (« shuffles », dit le message), car elle note lesquelles sont mal lues,
# et de qui elles viennent. Les images doivent donc arriver dans l'ordre d'origine, comme `val_loader` les donne :


# %%
def reliability(evaluations):
    plt.figure(figsize=(3.5, 3.2))
    plt.plot([0.2, 1], [0.2, 1], color="black", linewidth=1)
    for name, evaluation in evaluations.items():
        count, right, confidence = evaluation.confidence_bins[evaluation.confidence_bins[:, 0] > 20].T
        plt.plot(confidence / count, right / count, "o-", label=name)
    plt.xlabel("confidence")  # en
    plt.xlabel("confiance")  # fr
    plt.ylabel("accuracy")  # en
    plt.ylabel("exactitude")  # fr
    plt.legend()
    plt.tight_layout()
    plt.show()


checked = evaluate(by_heart, val_loader)
reliability({"T = 1": checked})
print(f"{checked.calibration_error:.2%}")

# %% [markdown] lang="en"
# Below the diagonal, the network promises more than it delivers. The mean distance from the diagonal is the *calibration
# error*. The remedy is one number: the *temperature* T, by which the logits are divided before the softmax. The answers stay
# the same; only the confidence changes. T is a choice too, so we find it on the images by half of the writers and judge it on
# those by the other half:

# %% [markdown] lang="fr"
# Sous la diagonale, le réseau promet plus qu'il ne tient. La distance moyenne à cette droite est l'*erreur de calibration*. Le
# remède tient en un nombre, la *température* T, par laquelle on divise les logits avant le softmax. Les réponses restent les
# mêmes ; seule la confiance change. T est un choix, lui aussi : on le cherche sur les images de la moitié des scripteurs, et on
# le juge sur celles des autres :

# %%
from mnistlab import Evaluation
from mnistlab.evaluation.calibration import at_temperature, fit_temperature

with torch.no_grad():
    logits = by_heart(val_images)
chosen = torch.from_numpy(np.isin(val_loader.writers, np.unique(val_loader.writers)[::2]))
T = fit_temperature(logits[chosen], val_labels[chosen])
others = {}
for temperature in (1, T):
    probabilities = at_temperature(logits[~chosen], temperature).numpy()
    others[f"T = {temperature}"] = Evaluation.of(
        "val", val_loader.spec.classes, probabilities, val_labels[~chosen].numpy()
    )
    print(f"T = {temperature}: {others[f'T = {temperature}'].calibration_error:.2%}")
reliability(others)

# %% [markdown] lang="en"
# T is above 1: this network claimed too much. `mnistlab export` finds T on the validation images and puts it into the exported
# file, so that the model's probabilities can be trusted. Now add a line to your diary: the accuracy of `quick` on the
# validation images, the number that you compare from day to day.

# %% [markdown] lang="fr"
# T dépasse 1 : ce réseau était trop sûr de lui. `mnistlab export` cherche T sur les images de validation et l'écrit dans le
# fichier exporté, pour que l'on puisse se fier aux probabilités du modèle. Maintenant, la ligne de votre journal : l'exactitude
# de `quick` en validation. C'est elle que l'on compare d'un jour à l'autre.

# %%
from mnistlab.learn.diary import write_down

write_down(day="day5", accuracy=second.metrics[-1]["val_accuracy"])

# %% [markdown] lang="en"
# ## Exercises
#
# {{exercises}}

# %% [markdown] lang="fr"
# ## Exercices
#
# {{exercises}}

# %% [markdown] lang="en"
# ## What you now know
#
# - Train to learn, validate to choose, test once. The best of many networks looks better than it is.
# - Overfitting is the gap in accuracy between the training images and strangers' digits; more writers and augmentation narrow
#   it.
# - A validation accuracy above the training accuracy need not be a bug: the two are not measured in the same way.
# - An accuracy needs its spread over seeds and its interval over images or, better, over writers.
# - Two networks are compared image by image (McNemar) or writer by writer; two recipes, over several seeds.
# - Confidence can be measured, and corrected by a temperature.
#
# Write a line for yourself: `mnistlab learn note "..." --day day5`

# %% [markdown] lang="fr"
# ## Ce que vous savez maintenant
#
# - Entraîner pour apprendre, valider pour choisir, tester une seule fois. Le meilleur de nombreux réseaux paraît
#   meilleur qu'il n'est.
# - Le surapprentissage est l'écart d'exactitude entre les images d'entraînement et les chiffres d'inconnus ; davantage de
#   scripteurs et l'augmentation le réduisent.
# - Une exactitude plus élevée en validation qu'à l'entraînement n'est pas forcément un bogue : on ne mesure pas les deux de la
#   même façon.
# - Une exactitude s'accompagne de sa dispersion sur les graines et de son intervalle sur les images ou, mieux, sur les
#   scripteurs.
# - Deux réseaux se comparent image par image (McNemar) ou scripteur par scripteur ; deux recettes, sur plusieurs graines.
# - La confiance d'un réseau se mesure, et se corrige par une température.
#
# Notez pour vous, en une ligne, l'essentiel de ce que vous avez appris : `mnistlab learn note "..." --day day5 --lang fr`
