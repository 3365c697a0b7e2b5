# %% [markdown] lang="en"
# # Day 4: looking inside
#
# Your network reads about 99 digits in a hundred correctly, and nobody told it how. Today you see its filters, what each layer
# makes of a digit, what excites a channel, and which ink decides. Then you look at its mistakes, and find that some are not its
# fault.
#
# ## A filter is a small picture
#
# Yesterday a convolution was a sum of products, and its kernel a grid of weights. Put another way: the sum is large where
# the picture **looks like the kernel**. A kernel lets through what resembles it, hence its other name, *filter*. Here are a
# small seven and two filters, one for horizontal strokes and one for vertical ones.

# %% [markdown] lang="fr"
# # Jour 4 : regarder à l'intérieur
#
# Votre réseau lit correctement environ 99 chiffres sur cent, et personne ne lui a dit comment s'y prendre. Aujourd'hui, vous
# découvrez ses filtres, ce que chaque couche fait d'un chiffre, ce qui active un canal et quels traits sont décisifs. Puis
# vous regardez ses erreurs, dont certaines ne sont pas de son fait.
#
# ## Un filtre est une petite image
#
# Hier, une convolution était une somme de produits, et son noyau une grille de poids. Voyez la convolution autrement : la somme
# est grande là où l'image **ressemble au noyau**. Le noyau laisse passer ce qui lui ressemble : c'est un *filtre*. Voici un
# petit 7 et deux filtres, l'un pour les traits horizontaux, l'autre pour les verticaux.

# %%
import copy

import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from mnistlab.learn.pictures import show

seven = torch.zeros(8, 8)
seven[1, 1:7] = seven[2:7, 5] = 1
horizontal = torch.tensor([[-1.0, -1.0, -1.0], [2.0, 2.0, 2.0], [-1.0, -1.0, -1.0]])
filters = torch.stack([horizontal, horizontal.T])[:, None]
maps = F.conv2d(seven[None, None], filters)[0]
show({"7": seven, "filter 1": horizontal, "map 1": maps[0], "filter 2": horizontal.T, "map 2": maps[1]})  # en
show({"7": seven, "filtre 1": horizontal, "carte 1": maps[0], "filtre 2": horizontal.T, "carte 2": maps[1]})  # fr

# %% [markdown] lang="en"
# To the right of each filter is its **map**, which answers the filter's question at every place: is there a horizontal (or
# vertical) stroke here? ReLU then throws away the blue, which lies below 0, so that "no" and "not at all" become the same 0.
#
# Nobody writes such filters by hand: they start as noise, and training shapes them. Let us train a network. The recipe `quick`
# has three convolutions, the first with 16 filters (5x5) that move inside the image, two pixels at a time, so its maps
# are 12x12. The recipe's test accuracy and training time on two cores: {{quick}}.

# %% [markdown] lang="fr"
# À droite de chaque filtre, sa **carte** répond en chaque point à la question du filtre : y a-t-il ici un trait horizontal (ou
# vertical) ? ReLU efface ensuite le bleu (au-dessous de 0) : « non » et « pas du tout » deviennent le même 0.
#
# Personne n'écrit de tels filtres à la main : l'entraînement leur donne forme. Entraînons un réseau selon la recette `quick`.
# Il a trois convolutions, dont la première compte 16 filtres 5x5 qui avancent dans l'image de deux pixels à la fois : leurs
# cartes font 12x12. Exactitude de `quick` sur le jeu de test, et durée d'entraînement sur deux cœurs : {{quick}}.

# %% quick="recipe = recipe.override(steps=20)"
from mnistlab import DATASETS, RECIPES, MNISTDataLoader, NeuralNet, evaluate, export_model, load_model, train

recipe = RECIPES["quick"]

# %%
run, test = train(recipe)
model = load_model(run).model
print(f"{test.correct} / {test.total}")

# %% [markdown] lang="en"
# ## The filters
#
# The filters are the weights of the first layer, `model.layers.conv1.weight`. To draw them, we turn them into a NumPy array:

# %% [markdown] lang="fr"
# ## Les filtres
#
# Les filtres sont les poids de la première couche, `model.layers.conv1.weight`. Pour les dessiner, nous en faisons un tableau
# NumPy :

# %% raises="RuntimeError"
model.layers.conv1.weight.numpy()

# %% [markdown] lang="en"
# A weight "requires grad": torch notes down what is computed from it, so that `backward()` can find its way back, but NumPy
# cannot take notes. The remedy is in the message: `detach()` gives the same numbers without the notes. Below, the first two
# rows are the filters of an untrained network, and the last two are ours.

# %% [markdown] lang="fr"
# Un poids demande un gradient (« requires grad ») : torch note ce que l'on calcule à partir de lui, pour que `backward()`
# retrouve son chemin, mais NumPy ne sait pas prendre de notes. Le remède est dans le message : `detach()` donne les mêmes
# nombres, sans les notes. Ci-dessous, les deux premières rangées sont les filtres d'un réseau non entraîné, les deux dernières
# ceux du nôtre.


# %%
def gallery(pictures, titles=(), columns=8, signed=False):
    rows = -(-len(pictures) // columns)
    _, places = plt.subplots(rows, columns, figsize=(columns, 1.2 * rows), squeeze=False)
    titles = [*titles, *[""] * len(pictures)]
    for place in places.flat:
        place.set_axis_off()
    for place, picture, title in zip(places.flat, map(np.asarray, pictures), titles, strict=False):
        reach = max(float(np.abs(picture).max()), 1e-9)
        red_and_blue = signed and picture.dtype != np.uint8
        colours = {"cmap": "RdBu_r", "vmin": -reach} if red_and_blue else {"cmap": "gray_r", "vmin": 0}
        place.imshow(picture, vmax=reach, **colours)
        place.set_title(title, fontsize=9)
    plt.tight_layout()
    plt.show()


# %%
torch.manual_seed(0)
fresh = NeuralNet.of(model.architecture)
for network in (fresh, model):
    gallery(network.layers.conv1.weight.detach()[:, 0], signed=True)

# %% [markdown] lang="en"
# The noise has calmed down: many filters now have a red side and a blue side, or a red bar. They look for **edges and
# strokes**, each in its own direction. The first layers of networks that learn from photographs look for them too,
# and so does the part of your brain that sees.
#
# ## The maps
#
# Now send one digit through the network. The pictures in `val.dataset.images` are as stored in the files: `uint8`, 0 to 255.

# %% [markdown] lang="fr"
# Nos filtres ont pris forme : beaucoup ont maintenant un côté rouge et un côté bleu, ou une barre rouge. Ils cherchent des
# **bords et des traits**, chacun dans sa direction. Les premières couches des réseaux entraînés sur des photos font de même, et
# votre cerveau aussi.
#
# ## Les cartes
#
# Suivons un chiffre à travers le réseau. Les images de `val.dataset.images` sont comme dans les fichiers : en `uint8`, de 0 à
# 255.

# %%
val = MNISTDataLoader("val", shuffle=False)
images, labels = val.dataset.images[:, 0].numpy(), val.dataset.labels.numpy()
index = int(np.flatnonzero(labels == 4)[0])
print(images.shape, images.dtype, labels[index])

# %% raises="RuntimeError"
model(torch.from_numpy(images[index])[None, None])

# %% [markdown] lang="en"
# The message names two types: the picture's (`Byte`, sometimes `unsigned char`) and the weights' (`Float`). The network wants
# normalised float32 pictures, as in training: `val.dataset[index]` gives one, and `[None]` makes it a batch of one. Now go
# layer by layer:

# %% [markdown] lang="fr"
# Le message nomme deux types : celui de l'image (`Byte`, parfois `unsigned char`) et celui des poids (`Float`). Le réseau veut
# des images comme celles de son entraînement, en float32 et normalisées : `val.dataset[index]` en donne une, et `[None]` en
# fait un lot d'une image. Allons de couche en couche :

# %%
values, kept = val.dataset[index][0][None], {}
with torch.no_grad():
    for name, layer in model.layers.named_children():
        values = layer(values)
        kept[name] = values[0]
        print(f"{name:8} {tuple(values[0].shape)}")
gallery([images[index], *kept["relu1"][:15]])
gallery(kept["relu2"][:16])
gallery(kept["relu3"][:16])

# %% [markdown] lang="en"
# In the maps of the first block (`relu1`) you still recognise the digit, mostly by its horizontal, slanting or vertical
# strokes; many maps are active where there is only paper: "nothing here" is an answer too. In the second block the digit
# dissolves; in the third only a few cells are active. That is the bargain: each block knows less about **where**, and more
# about **what**.
#
# ## Batch norm, and a forgotten `eval()`
#
# `norm1` is new. Some filters give large numbers, others small ones, and this changes with every training step, so the layers
# after them would have to adapt again and again. **Batch norm** puts all channels on the same scale: it subtracts the mean,
# divides by the standard deviation, then multiplies by a learnt weight and adds a learnt bias. During training, the mean and
# standard deviation are those of the batch; after `eval()`, they are the running averages kept during training. Here is batch
# norm by hand, first for four numbers, then for our first channel:

# %% [markdown] lang="fr"
# Dans les cartes du premier bloc de couches (`relu1`), on reconnaît encore le chiffre, dessiné par ses traits horizontaux,
# penchés ou verticaux ; beaucoup de cartes s'allument sur le papier vide, car « rien ici » est aussi une réponse. Dans le
# deuxième bloc, le chiffre se dissout ; dans le troisième, seules quelques cases s'allument. C'est un échange : de bloc en
# bloc, le réseau en sait moins sur **l'endroit**, et plus sur **la forme**.
#
# ## La normalisation par lot, et un `eval()` oublié
#
# `norm1` est une nouveauté. Certains filtres donnent de grands nombres, d'autres de petits, et cela change à chaque pas de
# l'entraînement, ce qui gêne les couches suivantes. La **normalisation par lot** met donc tous les canaux à la même échelle :
# elle retranche la moyenne, divise par l'écart type, puis multiplie par un poids et ajoute un biais, tous deux appris. À
# l'entraînement, la moyenne et l'écart type sont ceux du lot ; après `eval()`, ce sont des valeurs retenues pendant
# l'entraînement. Voici cette normalisation à la main, pour quatre nombres, puis pour notre premier canal :

# %%
four = torch.tensor([[1.0], [2.0], [3.0], [6.0]])
by_hand = (four - four.mean()) / four.var(unbiased=False).sqrt()
print(by_hand.flatten(), nn.BatchNorm1d(1)(four).detach().flatten())

norm, before, after = model.layers.norm1, kept["conv1"][0], kept["norm1"][0]
by_hand = (before - norm.running_mean[0]) / (norm.running_var[0] + norm.eps).sqrt()
by_hand = (by_hand * norm.weight[0] + norm.bias[0]).detach()
print(torch.allclose(by_hand, after, atol=1e-5))

# %%
batch, _ = next(iter(val))
with torch.no_grad():
    values = model.layers.conv1(batch)
    level = F.batch_norm(values, norm.running_mean, norm.running_var)
    stages = {"conv1": values, "(x - m) / s": level, "norm1": norm(values)}
_, places = plt.subplots(1, 3, figsize=(8, 2.2), sharey=True)
for place, (name, maps_of_all) in zip(places, stages.items(), strict=True):
    by_channel = maps_of_all.transpose(0, 1).flatten(1)
    place.errorbar(range(16), by_channel.mean(dim=1), by_channel.std(dim=1), fmt="o")
    place.set_title(name)
plt.tight_layout()
plt.show()

# %% [markdown] lang="en"
# Here are each channel's mean and standard deviation: first as its filter gives them, then on the same scale, and finally as
# training wants them. If you forget `eval()`, a digit is judged by its neighbours in the batch, and on its own it has none:

# %% [markdown] lang="fr"
# Voici la moyenne et l'écart type de chaque canal : d'abord tels que son filtre les donne, puis à la même échelle, enfin tels
# que l'entraînement les veut. Si vous oubliez `eval()`, un chiffre est jugé d'après ses voisins de lot ; seul, il n'en a pas :

# %% raises="ValueError"
forgotten = copy.deepcopy(model).train()
forgotten(val.dataset[index][0][None])

# %% [markdown] lang="en"
# "When training", says the message. With two digits the error is gone, and that is worse. Below is the probability of the
# answer 4 for our digit, with three different neighbours: first in training mode, then after `eval()`:

# %% [markdown] lang="fr"
# Le message dit « When training » (à l'entraînement). Avec deux chiffres, l'erreur disparaît, et c'est pire. Voici la
# probabilité de la réponse 4 pour notre chiffre, avec trois voisins successifs, en mode entraînement, puis après `eval()` :

# %%
with torch.no_grad():
    for network in (forgotten, model):
        pairs = [torch.stack([batch[index], batch[other]]) for other in (0, 1, 2)]
        print([round(network(pair).softmax(dim=1)[0, 4].item(), 4) for pair in pairs])

# %% [markdown] lang="en"
# Three more layers, by hand. `stride=2`, as in our `conv1`, moves the filter two pixels at a time, so one result in four
# is left. `groups=2` gives each of two channels a filter of its own; a 1x1 convolution then mixes the channels. Together, the two
# convolutions form a **depthwise separable** convolution. And **global average pooling** keeps one number per map: its average.
# (`tiny-1k` uses such convolutions and this pooling.)

# %% [markdown] lang="fr"
# Encore trois couches, à la main. `stride=2`, comme dans notre `conv1`, fait avancer le filtre de deux pixels à la fois : il ne
# reste qu'un résultat sur quatre. `groups=2` donne à chacun des deux canaux son propre filtre, puis une convolution 1x1 mélange
# les canaux : ces deux étapes forment une convolution **séparable**. La **moyenne globale** ne garde qu'un nombre par carte, sa
# moyenne. (La recette `tiny-1k` emploie ces convolutions et cette moyenne.)

# %%
pair = torch.stack([seven, seven.flip(1)])[None]
strided = F.conv2d(seven[None, None], filters[:1], stride=2)
apart = F.conv2d(pair, filters, groups=2)
mixed = F.conv2d(apart, torch.tensor([0.5, -1.0]).view(1, 2, 1, 1))
means = nn.AdaptiveAvgPool2d(1)(apart)
results = {"stride=2": strided, "groups=2, 1": apart[:, :1], "groups=2, 2": apart[:, 1:], "1x1": mixed}
show({**{name: one[0, 0] for name, one in results.items()}, "AdaptiveAvgPool2d": means[0, :, :, 0]})
print(torch.equal(strided[0, 0], maps[0, ::2, ::2]), torch.equal(apart[0, 0], maps[0]))
print(torch.equal(mixed[0, 0], 0.5 * apart[0, 0] - apart[0, 1]))
print(means.flatten(), apart[0].mean(dim=(1, 2)))
print(16 * 32 * 3 * 3, 16 * 3 * 3 + 16 * 32)

# %% [markdown] lang="en"
# The last line counts the weights of a 3x3 convolution from 16 channels to 32, then those of a depthwise separable
# one.
#
# ## How far a cell sees
#
# mnistlab's `Explainer` shows, without torch, the maps of any exported model. It also knows the **receptive field** of each
# cell in a map: the square of the picture that the cell looks at.

# %% [markdown] lang="fr"
# La dernière ligne compte les poids d'une convolution 3x3 de 16 canaux vers 32, puis ceux d'une convolution séparable.
#
# ## Jusqu'où voit une case
#
# L'`Explainer` de mnistlab montre, sans torch, les cartes de tout modèle exporté. Il connaît aussi le **champ récepteur** de
# chaque case : le carré de l'image qu'elle regarde.

# %%
from mnistlab.reading.classifier import Classifier
from mnistlab.reading.explainer import Explainer

export_model(run, "day4.onnx")
classifier = Classifier("day4.onnx")
explainer = Explainer(classifier)
layers = {layer.name: layer for layer in explainer.layers(images[index])}
for name in ("relu1", "relu2", "relu3"):
    difference = np.abs(layers[name].values - kept[name].numpy()).max()
    print(name, layers[name].field, f"{difference:.6f}")

# %%
figure, axes = plt.subplots(1, 3, figsize=(6, 2.3))
for place, name in zip(axes, ("relu1", "relu2", "relu3"), strict=True):
    field, cells = layers[name].field, layers[name].values
    channel, row, column = np.unravel_index(cells.argmax(), cells.shape)
    corner = [field.start + field.step * cell - 0.5 for cell in (column, row)]
    place.imshow(images[index], cmap="gray_r")
    place.add_patch(plt.Rectangle(corner, field.size, field.size, fill=False, color="crimson", lw=2))
    place.set(xlim=(-8.5, 35.5), ylim=(35.5, -8.5), xticks=[], yticks=[], title=f"{name}: {field.size}x{field.size}")
figure.tight_layout()
plt.show()

# %% [markdown] lang="en"
# The numbers at the ends of the lines say by how much the `Explainer`'s maps differ from ours. Each square is what a block's
# most excited cell looks at: in the first block a bit of stroke or edge, in the third much of the digit. A cell there can say
# "a loop, bottom left".
#
# ## What excites a channel
#
# A filter in a later layer is no longer a picture: it mixes all the channels before it. So look at the channel that it produces:
# show the network all the validation digits, and cut out the parts of them that excite this channel most.

# %% [markdown] lang="fr"
# Le nombre en fin de ligne dit de combien les cartes de l'`Explainer` s'écartent des nôtres. Le carré est ce que voit la case
# la plus active de chaque bloc : dans le premier, un bout de trait ; dans le troisième, une grande partie du chiffre. Une case
# peut y dire : « une boucle, en bas à gauche ».
#
# ## Ce qui active un canal
#
# Dans une couche plus profonde, un filtre n'est plus une image : il mélange tous les canaux précédents. Montrons au réseau tous
# les chiffres de validation, et découpons ce qui active le plus un canal.


# %%
def excitement(name):
    upto = list(kept).index(name) + 1
    with torch.no_grad():
        return torch.cat([model.layers[:upto](batch) for batch, _ in val])


def favourites(name, channel, found, count=8):
    field, cut = layers[name].field, []
    best, where = found[:, channel].flatten(1).max(dim=1)
    for one in best.argsort(descending=True)[:count].tolist():
        cell = divmod(where[one].item(), found.shape[3])
        top, left = (field.start + field.step * place + field.size for place in cell)
        padded = np.pad(images[one], field.size)
        cut.append(padded[top : top + field.size, left : left + field.size])
    return cut


# %%
for name in ("relu2", "relu3"):
    found = excitement(name)
    peaks = found.flatten(2).max(dim=2).values
    channels = peaks.std(dim=0).argsort(descending=True)[:4].tolist()
    gallery([cut for channel in channels for cut in favourites(name, channel, found)])
    for channel in channels:
        first = peaks[:, channel].argsort(descending=True)[:100]
        print(name, channel, np.bincount(labels[first], minlength=10))

# %% [markdown] lang="en"
# Each row shows a channel's eight favourite pieces, which resemble each other: in the second block, bends, slanting strokes or
# gaps; in the third, larger shapes. The printed numbers count the digits, 0 to 9, among the hundred pictures that excite the
# channel most: few channels belong to one digit. Most stand for a **part** of a digit; the linear layers at the end weigh the
# parts and vote.
#
# ## Which ink decides
#
# Does this bit of ink matter? Cover a square of the digit with paper, see how far the answer's probability falls, put
# the ink back, and take the next square.

# %% [markdown] lang="fr"
# Chaque rangée montre les huit morceaux favoris d'un canal, qui se ressemblent : courbes, traits penchés ou creux dans le
# deuxième bloc, grandes formes dans le troisième. Les nombres affichés comptent chaque chiffre, de 0 à 9, parmi les cent images
# qui activent le plus le canal : peu de canaux appartiennent à un seul chiffre. La plupart désignent une **partie** de
# chiffre ; à la fin, les couches linéaires pèsent les parties et votent.
#
# ## Les traits décisifs
#
# Ce bout d'encre compte-t-il ? Couvrez un carré du chiffre avec du papier, voyez de combien baisse la probabilité de la
# réponse, remettez l'encre, et passez au carré suivant.

# %%
digit = images[index]
answers, probabilities = classifier.classify(digit[None])
answer, before = answers[0], probabilities[0, answers[0]]
fall = np.zeros((7, 7))
for row in range(7):
    for column in range(7):
        covered = digit.copy()
        covered[4 * row : 4 * row + 4, 4 * column : 4 * column + 4] = 0
        fall[row, column] = before - classifier.classify(covered[None])[1][0, answer]
gallery([digit, fall, explainer.why(digit)], ["28x28", "7x7", "why()"], columns=3, signed=True)

# %% [markdown] lang="en"
# Here are the digit, our 49 squares, and `explainer.why()`: the same idea (*occlusion*, [Zeiler and Fergus
# 2014](https://arxiv.org/abs/1311.2901)), but finer. `why()` wipes out a soft-edged spot around each pixel of ink, and measures
# the fall in **log-odds**, log(p / (1 - p)): a probability that goes from 0.9999 to 0.999 has hardly moved, yet the doubt has
# grown tenfold, and log-odds show that. Red ink speaks for the answer, blue ink against it. Here is one example of each digit:

# %% [markdown] lang="fr"
# Voici le chiffre, nos 49 carrés et `explainer.why()` : la même idée (l'*occlusion*, [Zeiler et Fergus
# 2014](https://arxiv.org/abs/1311.2901)), mais en plus fin. Autour de chaque pixel d'encre, `why()` efface une petite zone aux
# bords fondus, et mesure la baisse en **log-cotes**, log(p / (1 - p)) : une probabilité qui passe de 0,9999 à 0,999 n'a presque
# pas bougé, mais le doute a décuplé, et les log-cotes le montrent. L'encre rouge plaide pour la réponse, l'encre bleue contre
# elle. Voici un exemple de chaque chiffre :

# %%
examples = [images[np.flatnonzero(labels == number)[0]] for number in range(10)]
gallery([*examples, *map(explainer.why, examples)], columns=10, signed=True)

# %% [markdown] lang="en"
# ## The mistakes, and why
#
# We look at the **validation** digits, because anyone who knows the mistakes on the test set by heart will, without meaning to,
# choose the next network to suit them. Here are the ten digits that the network misread most confidently, with label, answer,
# and the ink that led it astray. (The accuracy goes into your diary.)

# %% [markdown] lang="fr"
# ## Les erreurs, et pourquoi
#
# Nous regardons les chiffres de **validation**, car quiconque connaît par cœur les erreurs sur le jeu de test finit, sans le
# vouloir, par choisir d'après elles le prochain réseau. Voici les dix réponses fausses dont le réseau était le plus sûr, avec
# l'étiquette, la réponse et l'encre qui l'a égaré. (L'exactitude va dans votre journal.)

# %%
from mnistlab.learn.diary import write_down

result = evaluate(model, val)
write_down(day="day4", accuracy=result.accuracy)
surest = sorted(result.mistakes, key=lambda mistake: -mistake.probability)[:10]
titles = [f"{mistake.label} → {mistake.predicted}" for mistake in surest]
why = [explainer.why(mistake.image) for mistake in surest]
gallery([*(mistake.image for mistake in surest), *why], titles, columns=10, signed=True)

# %%
confusion = result.confusion.copy()
np.fill_diagonal(confusion, 0)
for place in confusion.ravel().argsort()[::-1][:5]:
    label, read = divmod(int(place), 10)
    print(f"{label} → {read}: {confusion[label, read]}")

# %% [markdown] lang="en"
# You would have misread some digits yourself; others have one odd stroke, which the red ink shows; in one or two cases the
# network may be right. The numbers count the most common confusions. And every digit was written by someone; mnistlab knows by
# whom. Whose digits are the hardest to read?

# %% [markdown] lang="fr"
# Certains chiffres vous font hésiter aussi ; d'autres ont un trait bizarre, que l'encre rouge montre ; sur un ou deux, le
# réseau a peut-être raison. Les nombres affichés comptent les confusions les plus fréquentes. Et mnistlab sait qui a écrit
# chaque chiffre (son *scripteur*). Quel scripteur est le plus difficile à lire ?

# %%
from mnistlab.evaluation.hands import hardest_writers

hands = hardest_writers(result)
wrong = {mistake.index: mistake.predicted for mistake in result.mistakes}
print(sum(hand["errors"] > 0 for hand in hands), "/", len(hands))
for hand in hands[:2]:
    own = np.flatnonzero(val.writers == hand["writer"]).tolist()
    own = sorted(own, key=lambda one: one not in wrong)[:20]
    titles = [f"{labels[one]} → {wrong[one]}" if one in wrong else str(labels[one]) for one in own]
    print(f"{hand['writer']}: {hand['errors']} / {hand['images']}")
    gallery(images[own], titles, columns=10)

# %% [markdown] lang="en"
# The first line counts the writers with misread digits; then come the digits of the two writers who are hardest to read,
# misread ones first. This command saves a picture of such writers' digits in the run folder:
#
# ```
# mnistlab evaluate latest --split val --by-writer
# ```
#
# ## When the label is wrong
#
# Can you find wrong labels without looking at thousands of digits? Try it where you know the answer: change 50 labels
# yourself, and have the network name 50 suspects. Ask it in two ways: "Where are you least sure of your answer?" and
# "Where do you believe the label least?"

# %% [markdown] lang="fr"
# La première ligne compte les scripteurs dont au moins un chiffre est mal lu ; viennent ensuite les chiffres des deux
# scripteurs les plus difficiles à lire, les mal lus d'abord. Cette commande enregistre une image de telles écritures dans le
# dossier d'entraînement :
#
# ```
# mnistlab evaluate latest --split val --by-writer
# ```
#
# ## Quand l'étiquette est fausse
#
# Peut-on trouver les étiquettes fausses sans regarder des milliers de chiffres ? Faussons 50 étiquettes, et demandons au
# réseau, de deux façons, de nommer 50 suspectes : « Où es-tu le moins sûr de ta réponse ? », puis « Où crois-tu le moins à
# l'étiquette ? ».

# %%
random = np.random.default_rng(0)
spoilt = random.choice(len(labels), 50, replace=False)
given = labels.copy()
given[spoilt] = (given[spoilt] + random.integers(1, 10, 50)) % 10
_, probabilities = classifier.classify(images)
unsure = probabilities.max(axis=1).argsort()[:50]
suspect = probabilities[np.arange(len(given)), given].argsort()[:50]
print([int(np.isin(chosen, spoilt).sum()) for chosen in (unsure, suspect)], "/ 50")

# %% [markdown] lang="en"
# The first way finds next to none of the changed labels: a doubtful digit can have the right label. The second finds nearly
# all, because the network is *sure* of something else. (It was not trained on these labels; otherwise it might have learnt the
# wrong ones by heart.)
#
# Researchers have hunted for such labels in the test set ([Northcutt et al. 2021](https://arxiv.org/abs/2103.14749)), and asked
# five people about each suspect. The digit that most of them saw is the better label; if there is no such digit, we write "?".
# Here are the suspects that our network "misread", each with MNIST's label, the network's answer, and what those people say.
# (These are test images, but we judge their labels, not the network.)

# %% [markdown] lang="fr"
# La première question ne révèle presque aucune des étiquettes faussées : un chiffre douteux peut avoir la bonne étiquette. La
# seconde les révèle presque toutes, car le réseau est *sûr* d'une autre réponse. (Il n'a pas été entraîné sur ces étiquettes ;
# sinon, il aurait pu apprendre les fausses par cœur.)
#
# Des chercheurs ont traqué les étiquettes suspectes du jeu de test ([Northcutt et al. 2021](https://arxiv.org/abs/2103.14749)),
# et interrogé cinq personnes sur chacune. Le chiffre que la plupart ont vu est la meilleure étiquette ; faute de majorité, nous
# écrivons « ? ». Voici les images suspectes que notre réseau a « mal lues », avec l'étiquette de MNIST, la réponse du réseau et
# l'avis des cinq personnes. (Sur ces images de test, nous jugeons l'étiquette, non le réseau.)

# %%
corrected = DATASETS["mnist"].corrected_test_labels
doubtful = [mistake for mistake in test.mistakes if mistake.label_known_wrong]
people = ["?" if corrected[mistake.index] is None else corrected[mistake.index] for mistake in doubtful]
titles = [f"{mistake.label} · {mistake.predicted} · {said}" for mistake, said in zip(doubtful, people, strict=True)]
gallery([mistake.image for mistake in doubtful], titles, columns=6)
print(f"{len(doubtful)} / {len(corrected)}   {test.correct} / {test.total} → {test.corrected[0]} / {test.corrected[1]}")

# %% [markdown] lang="en"
# The last line says how many of the images known to be mislabelled are among our mistakes, then gives two scores, by MNIST's
# labels and by the corrected labels; the second leaves out digits without a right label. No measurement is better than its
# ruler. Report the official score, as everyone does, and the corrected one beside it; `mnistlab evaluate` prints both.
#
# ## Exercises
#
# {{exercises}}

# %% [markdown] lang="fr"
# La dernière ligne compte, parmi nos erreurs, les images que l'on sait mal étiquetées, puis donne deux scores, selon les
# étiquettes de MNIST et selon les étiquettes corrigées ; le second laisse de côté les chiffres sans bonne étiquette. Une mesure
# ne vaut jamais mieux que son instrument. Annoncez le score officiel, comme tout le monde, et le score corrigé à côté ;
# `mnistlab evaluate` affiche les deux.
#
# ## Exercices
#
# {{exercises}}

# %% [markdown] lang="en"
# ## What you now know
#
# - A filter is a small picture, and its map says where the image looks like the filter; NumPy needs `detach()`.
# - Batch norm puts all channels on the same scale; without `eval()`, a digit is judged by its neighbours.
# - From block to block the maps shrink and the receptive field grows: less *where*, more *what*.
# - To understand a channel, show it everything and look at what excites it.
# - Occlusion finds the ink that decides; log-odds show what a probability near 1 hides.
# - Look at your network's mistakes on the validation digits: digit by digit, writer by writer. And suspect the label if the
#   network is sure of something else.
#
# Write a line for yourself: `mnistlab learn note "..." --day day4`

# %% [markdown] lang="fr"
# ## Ce que vous savez maintenant
#
# - Un filtre est une petite image, et sa carte dit où le chiffre ressemble au filtre ; NumPy demande un `detach()`.
# - La normalisation par lot met tous les canaux à la même échelle ; sans `eval()`, un chiffre est jugé d'après ses
#   voisins.
# - De bloc en bloc, les cartes rétrécissent et le champ récepteur grandit : on en sait moins sur l'endroit, plus sur la forme.
# - Pour comprendre un canal, regardez ce qui l'active.
# - L'occlusion trouve les traits décisifs ; les log-cotes montrent ce que cache une probabilité proche de 1.
# - Regardez les erreurs du réseau en validation, chiffre par chiffre, scripteur par scripteur. Soupçonnez l'étiquette quand le
#   réseau est sûr d'autre chose.
#
# Notez pour vous, en une ligne, l'essentiel de ce que vous avez appris : `mnistlab learn note "..." --day day4 --lang fr`
