# %% [markdown] lang="en"
# # Day 3: the first convolutional classifier
#
# On day 2 a digit became a tensor. Today you build the network that reads it. What matters most is computed twice: by hand, on
# pictures small enough to follow with a finger, and with PyTorch, which has to give the same numbers. Change something in every
# cell, and run it again.

# %% [markdown] lang="fr"
# # Jour 3 : le premier classifieur convolutif
#
# Au jour 2, un chiffre est devenu un tenseur. Aujourd'hui, vous construisez le réseau qui le lit. L'essentiel est
# calculé deux fois : à la main, sur des images assez petites pour être suivies du doigt, et par PyTorch, qui doit donner les
# mêmes nombres. Changez quelque chose dans chaque cellule, et relancez-la.

# %%
import matplotlib.pyplot as plt
import torch
from torch import nn

from mnistlab import MNISTDataLoader
from mnistlab.learn.pictures import show

torch.manual_seed(0)

# %% [markdown] lang="en"
# ## A convolution by hand
#
# A *kernel* is a small grid of weights. Lay it on a corner of the picture, multiply each weight by the pixel that it covers,
# and add up the products: that is one number of the result. Move one pixel to the right and do the same again; at the end of
# the row, go on to the next one. The kernel below asks, at each place: is the picture brighter on the right than on the left?

# %% [markdown] lang="fr"
# ## Une convolution à la main
#
# Un *noyau* est une petite grille de poids. Posez-le sur un coin de l'image, multipliez chaque poids par le pixel qu'il
# recouvre, faites la somme des produits : voilà un nombre du résultat. Avancez d'un pixel vers la droite et recommencez ; au
# bout de la ligne, passez à la suivante. Le noyau ci-dessous pose partout la même question : est-ce plus clair à droite qu'à
# gauche ?

# %%
picture = torch.zeros(6, 6)
picture[1:5, 2:4] = 1
kernel = torch.tensor([[-1.0, 0.0, 1.0], [-1.0, 0.0, 1.0], [-1.0, 0.0, 1.0]])

by_hand = torch.zeros(4, 4)
for row in range(4):
    for column in range(4):
        window = picture[row : row + 3, column : column + 3]
        by_hand[row, column] = (window * kernel).sum()

show({
    "picture 6x6": picture,  # en
    "kernel 3x3": kernel,  # en
    "convolution 4x4": by_hand,  # en
    "image 6x6": picture,  # fr
    "noyau 3x3": kernel,  # fr
    "convolution 4x4 ": by_hand,  # fr
})  # fmt: skip

# %% [markdown] lang="en"
# The result is red (above 0) on the left edge of the stroke and blue (below 0) on its right edge. It is also smaller than the
# picture: a kernel of side 3 fits into 6 pixels at 6 - 3 + 1 = 4 places. Now comes `nn.Conv2d`, with our weights in it. It
# takes a tensor of shape (B, C, H, W): B pictures, each with C channels (a grey picture has one), H rows and W columns. So our
# picture becomes (1, 1, 6, 6).

# %% [markdown] lang="fr"
# Le résultat est rouge (plus grand que 0) au bord gauche du trait clair, et bleu (plus petit que 0) au bord droit. Il est aussi
# plus petit que l'image : le long de 6 pixels, un noyau de côté 3 peut prendre 6 - 3 + 1 = 4 positions. Voici `nn.Conv2d`, avec
# nos poids. Cette couche prend un tenseur de forme (B, C, H, W) : B images, chacune de C canaux (une image en niveaux de gris
# n'en a qu'un), H lignes et W colonnes. Notre image devient donc (1, 1, 6, 6).

# %%
layer = nn.Conv2d(in_channels=1, out_channels=1, kernel_size=3, bias=False)
with torch.no_grad():
    layer.weight.copy_(kernel.view(1, 1, 3, 3))

by_torch = layer(picture.view(1, 1, 6, 6))
print(by_torch.shape, torch.equal(by_torch[0, 0], by_hand))

# %% [markdown] lang="en"
# Two things remain to be said. Nobody writes the weights by hand: they start as random numbers, and training finds better ones.
# And `padding=1` lays a border of zeros around the picture, so that 6 pixels stay 6, and 28 stay 28:

# %% [markdown] lang="fr"
# Il reste deux choses à savoir. Personne n'écrit les poids à la main : ils sont tirés au hasard, puis l'entraînement en trouve
# de meilleurs. Et `padding=1` entoure l'image d'un bord de zéros, si bien que 6 pixels restent 6, et 28 restent 28 :

# %%
framed = nn.functional.pad(picture, (1, 1, 1, 1))
padded = nn.functional.conv2d(picture.view(1, 1, 6, 6), kernel.view(1, 1, 3, 3), padding=1)
show({"picture + 0": framed, "padding=1": padded[0, 0]})  # en
show({"image + 0": framed, "padding=1": padded[0, 0]})  # fr
print(torch.equal(layer(framed.view(1, 1, 8, 8)), padded))

# %% [markdown] lang="en"
# ## One digit, layer by layer
#
# **ReLU** keeps what is positive and makes the rest zero: a kernel says "found", or says nothing. **Max-pool** keeps the
# highest number of each 2x2 square: what was found counts, its exact place matters less, and only a quarter of the numbers are
# left.

# %% [markdown] lang="fr"
# ## Un chiffre, couche après couche
#
# **ReLU** garde ce qui est positif et met le reste à zéro : un noyau dit « trouvé », ou ne dit rien. Le **max-pooling** garde
# le plus grand nombre de chaque carré de 2x2 : ce qui a été trouvé compte, l'endroit exact compte moins, et il ne reste qu'un
# quart des nombres.

# %%
loader = MNISTDataLoader("train", batch_size=64, seed=0)
digit, label = loader.dataset[7]
digit = digit - digit.min()  # the paper is now 0  # en
digit = digit - digit.min()  # le papier vaut maintenant 0  # fr

edges = nn.Conv2d(1, 1, kernel_size=3, padding=1, bias=False)
with torch.no_grad():
    edges.weight.copy_(kernel.view(1, 1, 3, 3))
    found = edges(digit[None])
    positive = nn.ReLU()(found)
    pooled = nn.MaxPool2d(2)(positive)

show({
    f"a {label}": digit[0],  # en
    f"un {label}": digit[0],  # fr
    "Conv2d": found[0, 0],
    "ReLU": positive[0, 0],
    "MaxPool2d": pooled[0, 0],
})  # fmt: skip

# %% [markdown] lang="en"
# Here are ReLU and max-pool with only eight numbers, so that you can check each by eye:

# %% [markdown] lang="fr"
# Voici ReLU et le max-pooling sur huit nombres seulement, pour tout vérifier d'un coup d'œil :

# %%
corner = torch.tensor([[[[3.0, -1.0, 0.0, 2.0], [-2.0, 5.0, 1.0, -4.0]]]])
after = nn.ReLU()(corner)
show({
    "before": corner[0, 0],  # en
    "avant": corner[0, 0],  # fr
    "ReLU": after[0, 0],
    "MaxPool2d": nn.MaxPool2d(2)(after)[0, 0],
})  # fmt: skip

# %% [markdown] lang="en"
# **Flatten** puts the 14x14 numbers into one row of 196. **Linear** has 196 weights for each of the ten digits, one for each of
# the 196 numbers: it multiplies each number by its weight, adds up the products, and adds a bias. The ten results, one for each
# digit, are the *logits*; the digit with the highest one is the answer. Here the weights are still random.

# %% [markdown] lang="fr"
# **Flatten** met les 14x14 nombres sur une seule ligne de 196. **Linear** a, pour chacun des dix chiffres, un poids par nombre
# de cette ligne : cette couche multiplie chaque nombre par son poids, fait la somme des produits et y ajoute un biais. Les dix
# résultats, un par chiffre, sont les *logits* ; le plus grand désigne la réponse. Ici, les poids sont encore des nombres tirés
# au hasard.

# %%
flat = nn.Flatten()(pooled)
linear = nn.Linear(196, 10)
logits = linear(flat).detach()

by_hand = (linear.weight[3] * flat[0]).sum() + linear.bias[3]
print(flat.shape, logits.shape)
print(f"{by_hand.item():.4f} {logits[0, 3].item():.4f}")

weights = linear.weight[3].view(14, 14)
show({
    "what arrives": pooled[0, 0],  # en
    "weights of the 3": weights,  # en
    "products": weights * pooled[0, 0],  # en
    "ce qui arrive": pooled[0, 0],  # fr
    "poids du 3": weights,  # fr
    "produits": weights * pooled[0, 0],  # fr
})  # fmt: skip

# %% [markdown] lang="en"
# ## Cross-entropy: how wrong is the answer?
#
# *Softmax* turns logits into probabilities: e to the power of each logit, divided by the sum of these powers. Cross-entropy is
# minus the logarithm of the probability of the right digit: it is close to 0 if the network was sure and right, and large if it
# was sure and wrong. The logarithm of the softmax can be computed in one step, called *log-softmax*: the logit minus the
# logarithm of the sum of the powers.

# %% [markdown] lang="fr"
# ## L'entropie croisée : à quel point la réponse est-elle fausse ?
#
# Le *softmax* transforme les logits en probabilités : l'exponentielle de chacun, divisée par la somme des exponentielles.
# L'entropie croisée est l'opposé du logarithme de la probabilité du bon chiffre : elle est proche de 0 quand le réseau est sûr
# de lui et a raison, et grande quand il est sûr de lui et se trompe. Le logarithme du softmax se calcule en une seule étape, le
# *log-softmax* : le logit moins le logarithme de la somme des exponentielles.

# %%
probabilities = logits.exp() / logits.exp().sum()
log_softmax = logits - logits.exp().sum().log()
by_hand = -log_softmax[0, label]
by_torch = nn.CrossEntropyLoss()(logits, torch.tensor([label]))
print(f"{by_hand.item():.6f} {by_torch.item():.6f}")

colours = ["tab:orange" if digit == label else "tab:blue" for digit in range(10)]
plt.figure(figsize=(5, 2.2))
plt.bar(range(10), probabilities[0].tolist(), color=colours)
plt.xticks(range(10))
plt.ylabel("probability")  # en
plt.ylabel("probabilité")  # fr
plt.title(f"orange: the right digit, {label}")  # en
plt.title(f"en orange : le bon chiffre, {label}")  # fr
plt.tight_layout()
plt.show()

# %% [markdown] lang="en"
# An untrained network guesses. If it gave each digit a probability of 1/10, its loss would be log 10 (the natural logarithm),
# about 2.30. Remember that number: every training run starts near it.

# %% [markdown] lang="fr"
# Un réseau qui n'a rien appris répond au hasard. S'il donnait à chaque chiffre une probabilité de 1/10, sa perte vaudrait
# log 10 (logarithme népérien), soit environ 2,30. Retenez ce nombre : un entraînement commence toujours à peu près là.

# %% [markdown] lang="en"
# ## The two networks
#
# These are the two networks with which mnistlab itself began, and they follow the order of the textbooks: convolution, ReLU and
# max-pool, repeated two or three times, then flatten and linear. Each convolution now gives many channels; to make one of
# these, it has one kernel for each channel that comes in, and adds up what the kernels give.

# %% [markdown] lang="fr"
# ## Les deux réseaux
#
# Les deux réseaux que voici sont ceux avec lesquels mnistlab lui-même a commencé ; ils suivent l'ordre des manuels :
# convolution, ReLU et max-pooling, répétés deux ou trois fois, puis Flatten et Linear. Chaque convolution donne maintenant de
# nombreux canaux ; pour former chacun d'eux, elle a un jeu de noyaux, un par canal d'entrée, et additionne ce qu'ils donnent.


# %%
def make_network(*widths):
    layers, channels, side = [], 1, 28
    for width in widths:
        layers += [nn.Conv2d(channels, width, kernel_size=3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
        channels, side = width, side // 2
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(channels * side * side, 10))


two, three = make_network(16, 32), make_network(16, 32, 64)
print(two)

# %% [markdown] lang="en"
# The size of the linear layer is where everybody trips. Let us trip on purpose, and forget that max-pool halves the sides of
# the picture:

# %% [markdown] lang="fr"
# C'est sur la taille de la couche linéaire que tout le monde trébuche. Trébuchons exprès, en oubliant que le max-pooling
# divise le côté de l'image par deux :

# %% raises="RuntimeError"
images, labels = next(iter(loader))
wrong = nn.Sequential(
    nn.Conv2d(1, 16, kernel_size=3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(16 * 28 * 28, 10)
)
wrong(images)

# %% [markdown] lang="en"
# Read the last line of the message from left to right. `mat1` is what arrives, 64 pictures of 3136 numbers; `mat2` is the
# layer, made for 12544 numbers per picture. But 3136 is 16 x 14 x 14, so the layer has to be `nn.Linear(16 * 14 * 14, 10)`.
# When in doubt, print the shape of what arrives at the layer: `wrong[:4](images).shape`.

# %% [markdown] lang="fr"
# Lisez la dernière ligne du message de gauche à droite. `mat1` est ce qui arrive, 64 images de 3136 nombres ; `mat2` est la
# couche, faite pour 12544 nombres par image. Or 3136, c'est 16 x 14 x 14 : la couche doit être `nn.Linear(16 * 14 * 14, 10)`.
# Dans le doute, affichez la forme de ce qui arrive à la couche : `wrong[:4](images).shape`.

# %%
wrong[4] = nn.Linear(16 * 14 * 14, 10)
print(wrong[:4](images).shape, wrong(images).shape)

# %% [markdown] lang="en"
# ## The loop, line by line
#
# - `zero_grad()` wipes out the gradients of the previous step.
# - `network(images)` is the forward pass, which gives the logits.
# - `loss_function` computes the mean cross-entropy of the batch.
# - `backward()` computes for each weight how the loss changes with it: its *gradient*, the slope of day 1.
# - `step()` moves each weight a little downhill: it subtracts from the weight its gradient times the *learning rate* `lr`;
#   with `momentum`, it keeps some of the speed of the steps before.
#
# An *epoch* is one pass over all the training images.

# %% [markdown] lang="fr"
# ## La boucle, ligne par ligne
#
# - `zero_grad()` efface les gradients du pas précédent.
# - `network(images)` est la *passe avant*, qui donne les logits.
# - `loss_function` calcule l'entropie croisée moyenne du lot.
# - `backward()` calcule pour chaque poids comment la perte varie avec lui : son *gradient*, la pente du jour 1.
# - `step()` déplace un peu chaque poids vers le bas de la pente : il retranche du poids son gradient multiplié par le *taux
#   d'apprentissage* `lr` ; avec `momentum`, il garde une partie de l'élan des pas précédents.
#
# Une *époque* est un passage sur toutes les images d'entraînement.

# %%
loss_function = nn.CrossEntropyLoss()


def train_epoch(network, batches):
    network.train()
    optimizer = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9)
    losses = []
    for images, labels in batches:
        optimizer.zero_grad()
        logits = network(images)
        loss = loss_function(logits, labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


# %% [markdown] lang="en"
# ## Dropout, and `eval()`
#
# Here is one more layer, which comes before a linear layer. In training, **dropout** sets each number to 0 with probability p,
# at random and anew each time, so that the next layer cannot rely on any single number. The numbers that are kept are divided
# by 1 - p (with p = 0.5, they double), so that the sum stays about the same as after `eval()`, when all are kept. Here is the
# picture after pooling: as it is, twice with dropout, and after `eval()`. Then comes the same computation by hand, on six
# numbers:

# %% [markdown] lang="fr"
# ## Le dropout, et `eval()`
#
# Encore une couche, qui se place devant une couche linéaire. Pendant l'entraînement, le **dropout** met chaque nombre à 0 avec
# une probabilité p, avec un nouveau tirage à chaque fois : la couche suivante ne peut donc compter sur aucun nombre en
# particulier. Les nombres gardés sont divisés par 1 - p (avec p = 0,5, ils doublent), pour que la somme reste à peu près la
# même qu'après `eval()`, quand tous sont gardés. Voici l'image sortie du max-pooling : telle quelle, deux fois avec dropout,
# puis après `eval()`. Vient ensuite le même calcul à la main, sur six nombres :

# %%
torch.manual_seed(3)
dropout = nn.Dropout(0.5)
maps = {
    "MaxPool2d": pooled,
    "train() 1": dropout(pooled),
    "train() 2": dropout(pooled),
    "eval()": dropout.eval()(pooled),
}
show({name: one[0, 0] for name, one in maps.items()})

six = torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
dropped = dropout.train()(six)
by_hand = torch.where(dropped == 0, 0, six / (1 - 0.5))
print(dropped, torch.equal(dropped, by_hand))
print(dropout.eval()(six))

# %% [markdown] lang="en"
# `eval()` tells layers such as dropout that training is over. For measuring, two more things change: `no_grad()` saves the
# work of preparing gradients, and `argmax(dim=1)` takes, in each row of logits, the position of the highest, which is the
# network's answer. (Dimension 0 runs through the pictures, dimension 1 through the ten classes.) And we measure on images that
# the network was not trained on, those of the validation split; the official test images wait until training is over (day 5).

# %% [markdown] lang="fr"
# `eval()` annonce la fin de l'entraînement aux couches telles que le dropout. Pour mesurer, deux choses changent encore :
# `no_grad()` évite de préparer des gradients, et `argmax(dim=1)` donne, pour chaque ligne de logits, la position du plus grand,
# c'est-à-dire la réponse. (La dimension 0 parcourt les images, la dimension 1 les dix classes.) Et l'on mesure sur des images
# qui n'ont pas servi à l'entraînement, celles du jeu de validation ; le jeu de test officiel attend que l'entraînement soit
# fini (jour 5).


# %%
def accuracy_of(network, batches):
    network.eval()
    correct = total = 0
    with torch.no_grad():
        for images, labels in batches:
            answers = network(images).argmax(dim=1)
            correct += (answers == labels).sum().item()
            total += len(labels)
    return correct / total


validation = MNISTDataLoader("val", batch_size=1000)

# %% quick="loader, validation = list(loader)[:8], list(validation)[:1]"
print(f"{accuracy_of(two, validation):.2%}")

# %%
curves = {"two-conv": train_epoch(two, loader), "three-conv": train_epoch(three, loader)}
accuracies = {"two-conv": accuracy_of(two, validation), "three-conv": accuracy_of(three, validation)}
for name, accuracy in accuracies.items():
    print(f"{name:<12}{accuracy:.2%}")


# %%
def smooth(losses, count=40):
    return [sum(losses[i : i + count]) / len(losses[i : i + count]) for i in range(0, len(losses), count)]


plt.figure(figsize=(6, 3))
for name, losses in curves.items():
    plt.plot(smooth(losses), label=name)
plt.yscale("log")
plt.xlabel("steps, in groups of 40")  # en
plt.xlabel("pas, par groupes de 40")  # fr
plt.ylabel("mean loss")  # en
plt.ylabel("perte moyenne")  # fr
plt.legend()
plt.tight_layout()
plt.show()

# %% [markdown] lang="en"
# One pass over the images took the two networks from guessing to these accuracies. Which of them is ahead says little after a
# single epoch of a single run: after full training, the one with three convolutions wins (see below). Write the better result
# down in your diary; day 5 says why a result chosen like this looks a little better than it is:

# %% [markdown] lang="fr"
# Les deux réseaux sont partis du hasard, et un seul passage sur les images leur a suffi pour atteindre ces exactitudes. Que
# l'un soit en tête ne dit pas grand-chose après une seule époque d'un seul entraînement : après un entraînement complet, le
# réseau à trois convolutions l'emporte (voir plus bas). Notez le meilleur résultat dans votre journal ; le jour 5 dira pourquoi
# un résultat choisi ainsi est un peu flatteur :

# %%
from mnistlab.learn.diary import write_down

write_down(day="day3", accuracy=max(accuracies.values()))

# %% [markdown] lang="en"
# ## Two mistakes that raise no error
#
# **Softmax before `CrossEntropyLoss`.** The loss already contains a log-softmax, so the values are squeezed twice. Even the
# *perfect* answer, with probability 1 for the right digit, then has this loss:

# %% [markdown] lang="fr"
# ## Deux fautes qui ne provoquent aucune erreur
#
# **Un softmax avant `CrossEntropyLoss`.** La perte contient déjà un log-softmax : les valeurs sont comprimées deux fois.
# Voyez la perte qu'obtient alors la réponse *parfaite*, celle qui donne la probabilité 1 au bon chiffre :

# %%
perfect = torch.zeros(1, 10)
perfect[0, 7] = 1
print(f"{loss_function(perfect, torch.tensor([7])).item():.4f}")

# %% [markdown] lang="en"
# The loss never falls below 1.46, and there is hardly any gradient to learn from. A loss that stays near that number tells you
# where to look. The remedy is to let the network end in logits.
#
# **Forgotten `zero_grad()`.** `backward()` *adds* to the gradients. Called twice for the same batch, it doubles them; after a
# hundred steps, the network is chasing a hundred old mistakes at once.

# %% [markdown] lang="fr"
# La perte ne descend pas au-dessous de 1,46, et il ne reste presque aucun gradient pour apprendre. Si votre perte reste près de
# ce nombre, vous savez où chercher. Le remède : terminer le réseau par les logits.
#
# **`zero_grad()` oublié.** `backward()` *ajoute* ses gradients à ceux d'avant. Appelé deux fois pour le même lot, il les
# double ; au bout de cent pas, le réseau cherche à corriger d'un coup les erreurs de tous ces pas.

# %%
network = make_network(16, 32)
loss_function(network(images), labels).backward()
once = network[0].weight.grad.clone()
loss_function(network(images), labels).backward()
print(f"{(network[0].weight.grad / once).mean().item():.3f}")

# %% quick="few = few[:8]"
few = [batch for batch, _ in zip(loader, range(150), strict=False)]


def train_without_zero_grad(network, batches):
    optimizer = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9)
    losses = []
    for images, labels in batches:
        loss = loss_function(network(images), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


# %%
right = train_epoch(make_network(16, 32), few)
twice = train_epoch(nn.Sequential(make_network(16, 32), nn.Softmax(dim=1)), few)
adding = train_without_zero_grad(make_network(16, 32), few)

plt.figure(figsize=(6, 3))
plt.plot(smooth(right, 10), label="as above")  # en
plt.plot(smooth(twice, 10), label="softmax twice")  # en
plt.plot(smooth(adding, 10), label="no zero_grad")  # en
plt.xlabel("steps, in groups of 10")  # en
plt.ylabel("mean loss")  # en
plt.plot(smooth(right, 10), label="comme ci-dessus")  # fr
plt.plot(smooth(twice, 10), label="deux softmax")  # fr
plt.plot(smooth(adding, 10), label="sans zero_grad")  # fr
plt.xlabel("pas, par groupes de 10")  # fr
plt.ylabel("perte moyenne")  # fr
plt.ylim(0, 4)
plt.legend()
plt.tight_layout()
plt.show()

# %% [markdown] lang="en"
# ## Save, and load again
#
# Save the weights, not the network object: `state_dict()` returns a dictionary of tensors. To load the weights, make the same
# network again and give it these weights.

# %% [markdown] lang="fr"
# ## Enregistrer, puis recharger
#
# Enregistrez les poids, et non le réseau en tant qu'objet : `state_dict()` renvoie un dictionnaire de tenseurs. Pour les
# recharger, recréez le même réseau et mettez-y ces poids.

# %%
torch.save(two.state_dict(), "two.pth")

again = make_network(16, 32)
again.load_state_dict(torch.load("two.pth", weights_only=True))
print(accuracy_of(again, validation) == accuracy_of(two, validation))

# %% [markdown] lang="en"
# `weights_only=True`, the default since PyTorch 2.6, refuses everything but tensors and plain values, because a file of another
# kind may run any program on your computer when it is loaded. Saving a whole network as an object makes such a file:

# %% [markdown] lang="fr"
# `weights_only=True`, la valeur par défaut depuis PyTorch 2.6, refuse tout ce qui n'est ni tenseur ni valeur simple, car un
# fichier qui contient autre chose peut, quand on le charge, lancer n'importe quel programme sur votre ordinateur. Enregistrer
# un réseau tout entier, comme objet, donne un tel fichier :

# %% raises="UnpicklingError"
torch.save(two, "whole.pth")
torch.load("whole.pth")

# %% [markdown] lang="en"
# The message offers `weights_only=False`. Accept that only for a file that you made yourself; the real remedy is to save the
# `state_dict()`.
#
# ## Our network
#
# `NeuralNet` is the same sequence of layers, except that it has batch norm (see day 4), and that max-pool comes before ReLU:
# the numbers are the same as in the other order, and ReLU has only a quarter of the work.

# %% [markdown] lang="fr"
# Le message propose `weights_only=False`. N'acceptez cette option que pour un fichier que vous avez créé vous-même ; le vrai
# remède est d'enregistrer le `state_dict()`.
#
# ## Notre réseau
#
# `NeuralNet` est la même suite de couches, à ceci près qu'elle a une normalisation par lot (voir le jour 4), et que le
# max-pooling y précède ReLU : on obtient les mêmes nombres que dans l'autre ordre, et ReLU n'a plus qu'un quart du travail.

# %%
from mnistlab import NeuralNet

ours = NeuralNet(widths=(16, 32))
print(ours)
print(torch.equal(nn.ReLU()(nn.MaxPool2d(2)(found)), pooled))

# %% [markdown] lang="en"
# mnistlab has commands for the full training runs, which have more epochs, batch norm, and images that are rotated and shifted
# a little (day 5 says why). In its first week, mnistlab reached 99.14 % with two convolutions and 99.31 % with three. On two
# cores of a CPU, these commands now give:
#
# | command | accuracy on the test images, training time |
# |---|---|
# | `mnistlab train two-conv` | {{two-conv}} |
# | `mnistlab train three-conv` | {{three-conv}} |
#
# Each command leaves a run folder, with the training curves in `training.png`; `mnistlab runs` lists these folders.
#
# ## Exercises
#
# {{exercises}}

# %% [markdown] lang="fr"
# mnistlab a des commandes pour les entraînements complets, qui ont plus d'époques, une normalisation par lot et des images un
# peu tournées et décalées (le jour 5 dit pourquoi). Dans sa première semaine, mnistlab atteignait 99,14 % avec deux
# convolutions et 99,31 % avec trois. Sur deux cœurs d'un processeur, ces commandes donnent aujourd'hui :
#
# | commande | exactitude sur les images de test, durée de l'entraînement |
# |---|---|
# | `mnistlab train two-conv` | {{two-conv}} |
# | `mnistlab train three-conv` | {{three-conv}} |
#
# Chaque commande laisse un dossier d'entraînement, avec les courbes dans `training.png` ; `mnistlab runs` donne la liste de ces
# dossiers.
#
# ## Exercices
#
# {{exercises}}

# %% [markdown] lang="en"
# ## What you now know
#
# - A convolution is a sum of products, which asks the same question at every place; without padding, a kernel of side 3 leaves
#   26 of 28 pixels.
# - What ReLU, max-pool, flatten, linear and dropout do to the numbers; logits, softmax, and cross-entropy with the log-softmax
#   in it.
# - The loop: `zero_grad`, forward, loss, `backward`, `step`; and to measure, `eval`, `no_grad`, `argmax(dim=1)`.
# - What "mat1 and mat2" means, why a loss gets stuck at 1.46, and why gradients are wiped out.
#
# Write a line for yourself: `mnistlab learn note "..." --day day3`

# %% [markdown] lang="fr"
# ## Ce que vous savez maintenant
#
# - Une convolution est une somme de produits, la même question posée partout ; sans bord de zéros, un noyau de côté 3 laisse
#   26 pixels sur 28.
# - Ce que ReLU, max-pooling, Flatten, Linear et dropout font des nombres ; les logits, le softmax, et l'entropie croisée,
#   qui contient le log-softmax.
# - La boucle : `zero_grad`, passe avant, perte, `backward`, `step` ; et pour mesurer, `eval`, `no_grad`, `argmax(dim=1)`.
# - Ce que veulent dire « mat1 and mat2 », pourquoi une perte reste bloquée à 1,46, et pourquoi l'on efface les gradients.
#
# Notez pour vous, en une ligne, l'essentiel de ce que vous avez appris : `mnistlab learn note "..." --day day3 --lang fr`
