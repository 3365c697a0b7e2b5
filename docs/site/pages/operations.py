# %% [markdown] lang="en"
# # Every operation of the network, by hand
#
# `NeuralNet` is made of a dozen operations. Here is each of them on a few numbers, which you can follow with a finger: a
# sentence that says what it does, a picture, and the same numbers from PyTorch. In the pictures red is above zero and blue
# below. [Day 3](day3.ipynb) and [day 4](day4.ipynb) show what the operations are good for.

# %% [markdown] lang="fr"
# # Chaque opération du réseau, à la main
#
# `NeuralNet` est fait d'une douzaine d'opérations. Voici chacune sur un exemple assez petit pour être suivi du doigt : une
# phrase qui dit ce qu'elle fait, une image, et les mêmes nombres obtenus avec PyTorch. Dans les images, le rouge est au-dessus de
# zéro, le bleu au-dessous. Le [jour 3](day3.ipynb) et le [jour 4](day4.ipynb) montrent à quoi elles servent.

# %%
import torch
import torch.nn.functional as F
from torch import nn

from mnistlab import NeuralNet
from mnistlab.learn.pictures import show

torch.manual_seed(0)
picture = torch.tensor([
    [0.0, 0.0, 2.0, 2.0],
    [0.0, 1.0, 2.0, 0.0],
    [1.0, 2.0, 0.0, 0.0],
    [2.0, 1.0, 0.0, 0.0],
])  # fmt: skip
as_batch = picture[None, None]

# %% [markdown] lang="en"
# ## Convolution
#
# Lay the kernel on each place of the picture, multiply each weight by the pixel below it, and add up. `padding=1` lays a border
# of zeros around the picture, so that its size stays the same. Top left: 0 · 0 + 0 · 1 + 0 · 1 + 1 · (-1) and five zeros of the
# border give -1.

# %% [markdown] lang="fr"
# ## Convolution
#
# On pose le noyau à chaque endroit de l'image, on multiplie chaque poids par le pixel qu'il recouvre, et l'on fait la somme.
# `padding=1` entoure l'image d'un bord de zéros, et sa taille ne change pas. En haut à gauche : 0 · 0 + 0 · 1 + 0 · 1 + 1 ·
# (-1) et cinq zéros du bord donnent -1.

# %%
kernel = torch.tensor([[1.0, 1.0, 0.0], [1.0, 0.0, 1.0], [0.0, 1.0, -1.0]])
bordered = F.pad(picture, (1, 1, 1, 1))
by_hand = torch.zeros(4, 4)
for row in range(4):
    for column in range(4):
        by_hand[row, column] = (bordered[row : row + 3, column : column + 3] * kernel).sum()

conv = nn.Conv2d(1, 1, kernel_size=3, padding=1, bias=False)
with torch.no_grad():
    conv.weight.copy_(kernel[None, None])
    found = conv(as_batch)
assert torch.equal(found[0, 0], by_hand)
assert by_hand[0, 0] == -1

show({
    "picture": picture,  # en
    "kernel": kernel,  # en
    "image": picture,  # fr
    "noyau": kernel,  # fr
    "Conv2d": by_hand,
})  # fmt: skip

# %% [markdown] lang="en"
# ## Several channels
#
# If several maps come in, the filter has a kernel for each; the kernels' sums and a bias are added up to one number. Here the
# second kernel is -1 times the first, and the bias is 0.5: two equal maps leave nothing but the bias.

# %% [markdown] lang="fr"
# ## Plusieurs canaux
#
# Quand plusieurs cartes arrivent, le filtre a un noyau pour chacune ; les sommes des noyaux et un biais donnent un seul
# nombre. Ici, le second noyau vaut -1 fois le premier, et le biais 0,5 : de deux cartes égales, il ne reste que le biais.

# %%
conv = nn.Conv2d(2, 1, kernel_size=3, padding=1)
with torch.no_grad():
    conv.weight.copy_(torch.stack([kernel, -kernel])[None])
    conv.bias.fill_(0.5)
    left = conv(as_batch.repeat(1, 2, 1, 1))
by_hand = F.conv2d(as_batch, kernel[None, None], padding=1) + F.conv2d(as_batch, -kernel[None, None], padding=1) + 0.5
assert torch.equal(left, by_hand)

show({"1": kernel, "2": -kernel, "Conv2d(2, 1)": left[0, 0]})

# %% [markdown] lang="en"
# ## Depthwise separable convolution
#
# A convolution in two steps: first each map gets a kernel of its own (`groups`), then a 1x1 convolution mixes the maps, pixel
# by pixel. From 16 maps to 32 that takes 16 · 9 + 16 · 32 = 656 weights instead of 16 · 32 · 9 = 4608.

# %% [markdown] lang="fr"
# ## Convolution séparable
#
# Une convolution en deux temps : d'abord, chaque carte reçoit son propre noyau (`groups`), puis une convolution 1x1 mélange les
# cartes, pixel par pixel. De 16 cartes à 32, il faut 16 · 9 + 16 · 32 = 656 poids au lieu de 16 · 32 · 9 = 4608.

# %%
two_maps = torch.stack([picture, picture.flip(1)])[None]
kernels = torch.stack([kernel, kernel.T])[:, None]
apart = F.conv2d(two_maps, kernels, padding=1, groups=2)
mixed = F.conv2d(apart, torch.tensor([1.0, -1.0]).view(1, 2, 1, 1))
for number in (0, 1):
    alone = F.conv2d(two_maps[:, number : number + 1], kernels[number : number + 1], padding=1)
    assert torch.equal(apart[:, number : number + 1], alone)
assert torch.equal(mixed[0, 0], apart[0, 0] - apart[0, 1])

separable = NeuralNet((16, 32), separable=True, batch_norm=False, kernel_size=3)
weights = [getattr(separable.layers, name).weight.numel() for name in ("depthwise2", "conv2")]
assert weights == [16 * 9, 16 * 32]

show({"groups=2, 1": apart[0, 0], "groups=2, 2": apart[0, 1], "1x1": mixed[0, 0]})

# %% [markdown] lang="en"
# ## ReLU
#
# Negative numbers become zero; the others stay as they are. Without ReLU, ten convolutions in a row would be no more than
# one.

# %% [markdown] lang="fr"
# ## ReLU
#
# Ce qui est négatif devient zéro, le reste ne change pas. Sans ReLU, dix convolutions de suite n'en vaudraient qu'une.

# %%
positive = nn.ReLU()(found)
assert torch.equal(positive, torch.where(found > 0, found, torch.zeros_like(found)))

show({
    "before": found[0, 0],  # en
    "avant": found[0, 0],  # fr
    "ReLU": positive[0, 0],
})  # fmt: skip

# %% [markdown] lang="en"
# ## Max-pooling
#
# It keeps the highest number of each 2x2 square: what was found counts, its exact place matters less.

# %% [markdown] lang="fr"
# ## Max-pooling
#
# On garde le plus grand nombre de chaque carré de 2x2 : ce qui a été trouvé compte, l'endroit exact compte moins.

# %%
pooled = nn.MaxPool2d(2)(found)
by_hand = torch.zeros(2, 2)
for row in range(2):
    for column in range(2):
        by_hand[row, column] = found[0, 0, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2].max()
assert torch.equal(pooled[0, 0], by_hand)
assert torch.equal(nn.ReLU()(pooled), nn.MaxPool2d(2)(positive))

show({
    "before": found[0, 0],  # en
    "avant": found[0, 0],  # fr
    "MaxPool2d": pooled[0, 0],
})  # fmt: skip

# %% [markdown] lang="en"
# ## Pooling by stride
#
# The other way to halve the sides: the kernel moves by two pixels at a time, across and down, and three results in four are
# never computed.

# %% [markdown] lang="fr"
# ## Réduction par le pas du noyau (`stride`)
#
# L'autre façon de diviser les côtés par deux : le noyau avance de deux pixels à la fois, dans les deux directions, et trois
# résultats sur quatre ne sont jamais calculés.

# %%
strided = F.conv2d(as_batch, kernel[None, None], padding=1, stride=2)
assert torch.equal(strided, found[:, :, ::2, ::2])

show({"stride=1": found[0, 0], "stride=2": strided[0, 0]})

# %% [markdown] lang="en"
# ## Batch norm
#
# Subtract the mean of the channel, divide by its standard deviation: after that, all channels are equally loud. A weight and
# a bias, which are learnt, may make one louder again. In training, the mean and standard deviation are those of the batch;
# with `eval()`, they are the running averages kept during training. After a linear layer, `BatchNorm1d` does the same with
# each number of the row.

# %% [markdown] lang="fr"
# ## Normalisation par lot (`BatchNorm2d`)
#
# On retranche la moyenne du canal et l'on divise par son écart type : après cela, tous les canaux parlent aussi fort les uns
# que les autres. Un poids et un biais, qui s'apprennent, peuvent redonner de la voix à l'un d'eux. À l'entraînement, moyenne
# et écart type sont ceux du lot ; avec `eval()`, ce sont ceux que l'entraînement a accumulés. Après une couche linéaire,
# `BatchNorm1d` fait de même avec chaque nombre de la ligne.

# %%
norm = nn.BatchNorm2d(1)
level = norm(picture[None, None]).detach()
by_hand = (picture - picture.mean()) / (picture.var(unbiased=False) + norm.eps).sqrt()
assert torch.allclose(level[0, 0], by_hand, atol=1e-6)
print(f"{picture.mean():.4f} {picture.var(unbiased=False).sqrt():.4f}")
print(f"{level.mean():.4f} {level.var(unbiased=False).sqrt():.4f}")

show({
    "before": picture,  # en
    "avant": picture,  # fr
    "BatchNorm2d": level[0, 0],
})  # fmt: skip

# %% [markdown] lang="en"
# ## Flatten, or the average
#
# Before the linear layer, the maps become one row of numbers. **Flatten** lays all their rows end to end; the **average**
# keeps one number per map, its mean, so that far fewer weights are needed after it.

# %% [markdown] lang="fr"
# ## Flatten, ou la moyenne
#
# Avant la couche linéaire, les cartes deviennent une seule ligne de nombres. **Flatten** les aligne tous, rangée par rangée ;
# **average** ne garde qu'un nombre par carte, sa moyenne, et la suite demande bien moins de poids.

# %%
maps = torch.stack([pooled[0, 0], -pooled[0, 0]])[None]
flat = nn.Flatten()(maps)
means = nn.Flatten()(nn.AdaptiveAvgPool2d(1)(maps))
assert flat.tolist()[0] == [number for one in maps[0].tolist() for row in one for number in row]
assert torch.allclose(means[0], torch.tensor([sum(map(sum, one)) / 4 for one in maps[0].tolist()]))

show({"1": maps[0, 0], "2": maps[0, 1], "Flatten": flat, "average": means}, columns=4)

# %% [markdown] lang="en"
# ## Linear
#
# Each class has a weight for each number: multiply, add up, add the bias. Ten classes give ten numbers, the logits; here are
# two.

# %% [markdown] lang="fr"
# ## Linear
#
# Chaque classe a un poids pour chaque nombre : on multiplie, on fait la somme, on ajoute le biais. Dix classes donnent dix
# nombres, les logits ; en voici deux.

# %%
row = torch.tensor([[2.0, 0.0, -1.0, 1.0]])
linear = nn.Linear(4, 2)
with torch.no_grad():
    linear.weight.copy_(torch.tensor([[1.0, 2.0, 0.0, -1.0], [0.5, 0.0, 1.0, 1.0]]))
    linear.bias.copy_(torch.tensor([0.5, -1.0]))
    logits = linear(row)
by_hand = [2 * 1 + 0 * 2 + -1 * 0 + 1 * -1 + 0.5, 2 * 0.5 + 0 * 0 + -1 * 1 + 1 * 1 - 1]
assert logits[0].tolist() == by_hand == [1.5, 0.0]

show({
    "arrives": row,  # en
    "weights": linear.weight,  # en
    "ce qui arrive": row,  # fr
    "poids": linear.weight,  # fr
    "bias": linear.bias[:, None],  # en
    "biais": linear.bias[:, None],  # fr
    "logits": logits,
}, columns=4)  # fmt: skip

# %% [markdown] lang="en"
# ## Dropout
#
# In training, each number is set to zero with probability p, at random and anew at each step; the numbers that remain are
# divided by 1 - p, so that the sum stays about the same. The next layer cannot rely on any single number. With `eval()`,
# nothing is dropped.

# %% [markdown] lang="fr"
# ## Dropout
#
# À l'entraînement, chaque nombre est mis à zéro avec la probabilité p, par un nouveau tirage à chaque pas ; ce qui reste est
# divisé par 1 - p, pour que la somme ne change guère. Aucun nombre ne peut compter sur son voisin. Avec `eval()`, rien n'est
# mis à zéro.

# %%
dropout = nn.Dropout(0.5)
many = torch.ones(6, 6)
first, second = dropout(many), dropout(many)
for kept in (first, second):
    assert torch.equal(kept, (kept > 0) / (1 - 0.5))
assert not torch.equal(first, second)
assert torch.equal(dropout.eval()(many), many)
print(f"{nn.Dropout(0.3)(torch.ones(100_000)).mean():.2f}")

show({
    "before": many,  # en
    "step 1": first,  # en
    "step 2": second,  # en
    "avant": many,  # fr
    "pas 1": first,  # fr
    "pas 2": second,  # fr
    "eval()": dropout(many),
}, columns=4)  # fmt: skip

# %% [markdown] lang="en"
# ## Softmax and log-softmax
#
# Softmax is e to the power of each logit, divided by the sum of these powers; this gives probabilities. Their logarithm can be
# computed in one step: the logit minus the logarithm of that sum. `log_softmax` does so without overflow. Cross-entropy is
# minus this number for the right class. `NeuralNet` ends in logits, because cross-entropy has the log-softmax in it.

# %% [markdown] lang="fr"
# ## Softmax et log-softmax
#
# Le softmax est l'exponentielle de chaque logit, divisée par la somme des exponentielles : on obtient des probabilités. Leur
# logarithme se calcule en une étape : c'est le logit moins le logarithme de cette somme, et `log_softmax` l'obtient sans
# débordement. L'entropie croisée est ce nombre pour la bonne classe, avec un signe moins. `NeuralNet` finit par des logits :
# l'entropie croisée contient déjà le log-softmax.

# %%
logits = torch.tensor([[2.0, 1.0, -1.0]])
powers = logits.exp()
probabilities = powers / powers.sum()
logs = logits - powers.sum().log()
assert torch.allclose(probabilities, logits.softmax(dim=1))
assert torch.allclose(logs, logits.log_softmax(dim=1))
assert torch.allclose(-logs[0, 0], nn.CrossEntropyLoss()(logits, torch.tensor([0])))
print(f"{-logs[0, 0]:.4f}")

show({"logits": logits, "exp": powers, "softmax": probabilities, "log_softmax": logs}, columns=4)

# %% [markdown] lang="en"
# ## Around the network: upright, and five views
#
# The networks of some recipes look at the picture with more care. `Deskewed` takes the slant out: each row is pushed back by as
# much as the ink leans at its height. `Shifted` asks the network five times, about the picture as it is and moved by one pixel
# to the left, right, up and down, and averages the probabilities.

# %% [markdown] lang="fr"
# ## Autour du réseau : le redressement, et cinq vues
#
# Certaines recettes regardent l'image avec plus de soin au moment de répondre. `Deskewed` supprime l'inclinaison : à chaque
# hauteur, la rangée est repoussée d'autant que l'encre y penche. `Shifted` interroge le réseau cinq fois, avec l'image telle
# quelle et décalée d'un pixel à gauche, à droite, en haut et en bas, et fait la moyenne des probabilités.

# %%
from mnistlab.networks.deskew import deskew
from mnistlab.networks.shifts import FIVE_VIEWS, Shifted

leaning = torch.zeros(1, 1, 7, 7)
for place in range(1, 6):
    leaning[0, 0, place, 6 - place] = 1
columns = rows = torch.arange(7.0) - 3
ink = leaning[0, 0]
slant = (ink * columns[None] * rows[:, None]).sum() / (ink * rows[:, None] ** 2).sum()
straight = deskew(leaning)
assert slant == -1
assert torch.equal((straight > 0.5).nonzero()[:, 3], torch.full((5,), 3))

network = NeuralNet((4,)).eval()
digit = torch.rand(1, 1, 28, 28)
bordered = F.pad(digit, (1, 1, 1, 1), mode="replicate")
views = [bordered[:, :, y : y + 28, x : x + 28] for y, x in FIVE_VIEWS]
with torch.no_grad():
    mean = torch.stack([network(view).softmax(dim=1) for view in views]).mean(dim=0)
    assert torch.allclose(Shifted(network)(digit).exp(), mean, atol=1e-6)

show({
    "leaning": ink,  # en
    "penché": ink,  # fr
    "deskew": straight[0, 0].round(decimals=1),
})  # fmt: skip

# %% [markdown] lang="en"
# ## Contrast evened out
#
# The recipe `robust` begins with `LocalContrast`, in which nothing is learnt: from each pixel the mean of the 7x7 pixels
# around it is subtracted, and the rest is divided by how much these pixels vary around their own means. Ink a tenth as dark
# then looks almost the same, because the shadow and the strength of the pen cancel out. At the edge, only what lies within
# the picture counts.

# %% [markdown] lang="fr"
# ## Le contraste égalisé
#
# La recette `robust` commence par `LocalContrast`, où rien n'est appris : on retranche à chaque pixel la moyenne des 7x7 pixels
# qui l'entourent, puis on divise le reste par l'écart type local. Une encre dix fois plus pâle donne alors presque la même
# image, car l'ombre et la force du trait disparaissent. Au bord, seul compte ce qui se trouve dans l'image.

# %%
from mnistlab.networks.contrast import LITTLE, WHOLE, LocalContrast


def mean_around(values):
    means = torch.zeros_like(values)
    for row in range(7):
        for column in range(7):
            around = values[max(0, row - 3) : row + 4, max(0, column - 3) : column + 4]
            means[row, column] = around.mean()
    return means


stroke = torch.zeros(7, 7)
stroke[1:6, 3] = 1
away = stroke - mean_around(stroke)
deviation = mean_around(away**2).sqrt() + WHOLE * (away**2).mean().sqrt() + LITTLE
evened = LocalContrast()
assert torch.allclose(evened(stroke[None, None])[0, 0], away / deviation, atol=1e-5)
faint = evened(0.5 + 0.1 * stroke[None, None])[0, 0]
assert (faint - away / deviation).abs().max() < 0.3

show({
    "picture": stroke,  # en
    "image": stroke,  # fr
    "LocalContrast": (away / deviation).round(decimals=1),
})  # fmt: skip

# %% [markdown] lang="en"
# Those are all the operations. `describe()` says in which order they come in a network of your own:

# %% [markdown] lang="fr"
# Voilà toutes les opérations. `describe()` dit dans quel ordre elles se suivent dans votre propre réseau :

# %%
for layer in NeuralNet((16, 32), hidden=64, dropout=0.2).describe():
    print(f"{layer.name:<9} {layer.layer:<12} {layer.shape!s:<13} {layer.parameters:>7,}")
