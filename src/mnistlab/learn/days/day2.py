# %% [markdown] lang="en"
# # Day 2: data
#
# A network sees nothing but its data, and half of its troubles start there. Today you fetch MNIST as everybody does, turn its
# pictures into tensors, look at a batch of them, and find out why pictures are normalised and shuffled. Then you write a data
# loader of your own, which has to give the same numbers as ours.
#
# ## Fetching MNIST
#
# torchvision knows MNIST. First, look for it where it is not:

# %% [markdown] lang="fr"
# # Jour 2 : les données
#
# Un réseau ne voit que ses données, et la moitié de ses ennuis commencent là. Aujourd'hui, vous récupérez MNIST comme tout le
# monde, vous transformez ses images en tenseurs, vous regardez un lot de ces images et vous découvrez pourquoi on les normalise
# et pourquoi on les mélange. Puis vous écrivez votre propre chargeur de données, qui devra donner les mêmes nombres que le
# nôtre.
#
# ## Aller chercher MNIST
#
# torchvision connaît MNIST. Cherchez d'abord ce jeu de données là où il n'est pas :

# %% raises="RuntimeError"
from torchvision import datasets

datasets.MNIST("elsewhere")

# %% [markdown] lang="en"
# The message names the remedy, `download=True`, which fetches four files (about 12 MB) from a *mirror*, a server that holds a
# copy. Mirrors sometimes fail, and that is the first wall that learners run into. Let us hit it on purpose, with a mirror that
# does not exist:

# %% [markdown] lang="fr"
# Le message donne lui-même le remède, `download=True`, qui prend quatre fichiers (environ 12 Mo) sur un *miroir*, un serveur
# qui en garde une copie. Or un miroir tombe parfois en panne, et c'est le premier obstacle auquel se heurte un débutant.
# Provoquons la panne exprès, avec un miroir qui n'existe pas :


# %% raises="RuntimeError"
class Unreachable(datasets.MNIST):
    mirrors = ("http://127.0.0.1:9/",)


Unreachable("data", download=True)

# %% [markdown] lang="en"
# The message lists each mirror that was tried, and what it answered. Here no server answers; often you will instead see
# `HTTP Error 503` (the server is overloaded or down) or `HTTP Error 403` (the server refuses to serve you, or a firewall
# forbids the download). None of these is your program's fault. Wait, or copy the files to where torchvision looks for them:
# `data/MNIST/raw`. That is what mnistlab does with the copy that ships with it, after checking every byte;
# `download=True` then finds everything in place and downloads nothing.

# %% [markdown] lang="fr"
# Le message énumère les miroirs essayés, et ce que chacun a répondu. Ici, aucun serveur ne répond ; souvent, vous lirez plutôt
# `HTTP Error 503` (le serveur est surchargé ou en panne) ou `HTTP Error 403` (le serveur refuse de vous servir, ou un pare-feu
# interdit le téléchargement). Votre programme n'y est pour rien. Attendez, ou placez les fichiers vous-même là où torchvision
# les cherche : `data/MNIST/raw`. C'est ce que fait mnistlab avec la copie qu'il contient, après en avoir vérifié chaque octet ;
# `download=True` trouve alors tout sur place et ne télécharge rien.

# %%
from pathlib import Path

from mnistlab import open_dataset

images, labels = open_dataset("mnist").read("train")
print(*sorted(path.name for path in Path("data/MNIST/raw").glob("*ubyte")), sep="\n")
raw = datasets.MNIST("data", train=True, download=True)
print(len(raw), raw[0])

# %% [markdown] lang="en"
# `train=False` would open the 10,000 official test images. Leave them alone: day 5 says why.
#
# ## From pictures to tensors
#
# An example is a pair: a picture, as an object of the library PIL, and its label. But torch cannot stack such objects into a
# batch:

# %% [markdown] lang="fr"
# `train=False` ouvre les 10 000 images du jeu de test officiel. N'y touchez pas : le jour 5 dira pourquoi.
#
# ## Des images aux tenseurs
#
# Un exemple est une paire : une image, objet de la bibliothèque PIL, et son étiquette. Mais torch ne sait pas empiler de tels
# objets en un lot :

# %% raises="TypeError"
from torch.utils.data import DataLoader

next(iter(DataLoader(raw, batch_size=64)))

# %% [markdown] lang="en"
# "Batch must contain tensors": a **transform** is missing. `ToTensor` turns a picture of whole numbers from 0 to 255 into a
# tensor of floats from 0 to 1, of shape (1, 28, 28), channel first. Start small, with a picture of 2x2 pixels:

# %% [markdown] lang="fr"
# Le lot doit contenir des tenseurs (« must contain tensors ») : il manque une **transformation**. `ToTensor` convertit une
# image de nombres entiers de 0 à 255 en un tenseur de nombres à virgule flottante de 0 à 1, de forme (1, 28, 28) : d'abord le
# canal (une image en niveaux de gris n'en a qu'un), puis les lignes et les colonnes. Commençons par un petit exemple, une image
# de deux pixels sur deux :

# %%
import numpy as np
from torchvision import transforms

small = np.array([[0, 51], [102, 255]], dtype=np.uint8)
tensor = transforms.ToTensor()(small)
print(tensor)
print(transforms.Normalize((0.5,), (0.25,))(tensor))
print((tensor - 0.5) / 0.25)

# %% [markdown] lang="en"
# `Normalize(mean, std)` subtracts the mean and divides by the standard deviation. Given the mean and standard deviation of the
# training images, it brings the pixels of these images to a mean of 0 and a standard deviation of 1. Many examples on the web
# are for colour pictures, with three means and three standard deviations:

# %% [markdown] lang="fr"
# `Normalize(mean, std)` soustrait la moyenne (`mean`) et divise par l'écart type (`std`). Avec la moyenne et l'écart type des
# images d'entraînement, les pixels de ces images, une fois normalisés, ont une moyenne de 0 et un écart type de 1. Bien des
# exemples trouvés sur le web sont faits pour des images en couleurs, avec trois moyennes et trois écarts types :

# %% raises="RuntimeError"
transforms.Normalize((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))(transforms.ToTensor()(raw[0][0]))

# %% [markdown] lang="en"
# The shapes `[1, 28, 28]` and `[3, 28, 28]` do not match: three channels do not go into one. A grey picture has one channel, so
# it needs one mean and one standard deviation. Let us compute them.

# %% [markdown] lang="fr"
# Les formes `[1, 28, 28]` et `[3, 28, 28]` ne s'accordent pas : trois canaux n'entrent pas dans un seul. Une image en niveaux
# de gris n'a qu'un canal : il lui faut une seule moyenne et un seul écart type. Calculons-les.

# %%
import torch

scaled = torch.tensor(images) / 255
mean, std = scaled.mean().item(), scaled.std().item()
print(f"{mean:.4f} {std:.4f}")

# %%
transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((mean,), (std,))])
train = datasets.MNIST("data", train=True, download=True, transform=transform)

torch.manual_seed(0)
loader = DataLoader(train, batch_size=64, shuffle=True)
batch, batch_labels = next(iter(loader))
print(batch.shape, batch.dtype, f"{batch.min():.2f} {batch.max():.2f}")
print(batch_labels.shape, batch_labels.dtype, batch_labels[:10])

# %% [markdown] lang="en"
# Always print two lines like these. Here they show 64 pictures, 1 channel, 28 rows, 28 columns; and 64 labels, whole numbers
# from 0 to 9.
#
# ## Look at the pictures
#
# `plt.subplots` makes a grid of *axes*, small drawing areas; `axes.flat` goes through them one after the other, and
# `tight_layout` makes room for the titles. Looking at pictures with their labels may reveal wrong labels; on day 4, a network
# will help you find some.

# %% [markdown] lang="fr"
# Affichez toujours deux lignes comme celles-ci. Elles indiquent ici 64 images, 1 canal, 28 lignes, 28 colonnes ; et 64
# étiquettes, des nombres entiers de 0 à 9.
#
# ## Regarder les images
#
# `plt.subplots` crée une grille d'*axes*, de petites surfaces de dessin ; `axes.flat` les parcourt l'une après l'autre, et
# `tight_layout` fait de la place pour les titres. Regarder les images avec leurs étiquettes révèle parfois une étiquette
# fausse ; au jour 4, un réseau vous aidera à en trouver.

# %%
import matplotlib.pyplot as plt

figure, axes = plt.subplots(3, 8, figsize=(8, 3.6))
for axis, picture, label in zip(axes.flat, batch, batch_labels, strict=False):
    axis.imshow(picture[0].numpy(), cmap="gray")
    axis.set_title(label.item(), fontsize=10)
    axis.axis("off")
plt.tight_layout()
plt.show()

# %% [markdown] lang="en"
# ## Why normalise?
#
# Do not take our word for it: measure. We train the same small network three times, from the same initial weights, on the same
# pictures, with the same `lr`; only the scale of the pixels differs. (Day 3 explains `lr` and the lines of `losses_with`;
# `loss` says how wrong the network is. We use one thread: with so small a network, several threads would mostly
# wait for each other.)

# %% [markdown] lang="fr"
# ## Pourquoi normaliser ?
#
# Ne nous croyez pas sur parole : mesurez. Entraînons trois fois le même petit réseau, avec les mêmes poids (les nombres qu'il
# apprend) au départ, les mêmes images et le même `lr` ; seule l'échelle des pixels change. (Le jour 3 expliquera `lr` et les
# lignes de `losses_with` ; `loss` dit à quel point le réseau se trompe. Un seul thread, c'est-à-dire un seul fil d'exécution,
# suffit : avec un si petit réseau, plusieurs threads passeraient leur temps à s'attendre.)

# %%
from torch import nn

torch.set_num_threads(1)


def losses_with(pixels, targets, steps):
    torch.manual_seed(1)
    network = nn.Sequential(nn.Flatten(), nn.Linear(784, 32), nn.ReLU(), nn.Linear(32, 10))
    optimizer = torch.optim.SGD(network.parameters(), lr=0.05)
    losses = []
    for step in range(steps):
        chosen = slice(step * 64, step * 64 + 64)
        loss = nn.functional.cross_entropy(network(pixels[chosen]), targets[chosen])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses, network


# %%
few, targets = scaled[:19_200], torch.tensor(labels[:19_200])
scales = {"0 ... 255": few * 255, "0 ... 1": few, "$(x - m) / s$": (few - mean) / std}
plt.figure(figsize=(6, 3))
for name, pixels in scales.items():
    losses, _ = losses_with(pixels, targets, 300)
    plt.plot(losses, label=name)
plt.ylim(0, 4)
plt.xlabel("step")  # en
plt.xlabel("pas")  # fr
plt.ylabel("loss")  # en
plt.ylabel("perte")  # fr
plt.legend()
plt.tight_layout()
plt.show()

# %% [markdown] lang="en"
# With numbers up to 255, the first steps are far too large and fling the weights so far off that the network gives every
# picture the same answer, whatever it shows. The network's loss then stays at 2.30, that of a pure guess among ten digits. With
# numbers from 0 to 1 the network learns; with normalised pixels it learns faster.
#
# ## Why shuffle?
#
# We train the same network twice on the same pictures, in one pass each time: first with the pictures sorted by digit, from 0
# to 9; then with the pictures well mixed. Both times, the network then reads digits that it has never seen.

# %% [markdown] lang="fr"
# Avec des nombres qui vont jusqu'à 255, les premiers pas de l'entraînement sont bien trop grands et envoient les poids si loin
# que le réseau donne la même réponse à toutes les images, quoi qu'elles montrent. La perte (`loss`) du réseau reste alors à
# 2,30, celle d'une réponse au hasard parmi dix chiffres. Avec des nombres de 0 à 1, le réseau apprend ; avec des pixels
# normalisés, il apprend plus vite.
#
# ## Pourquoi mélanger ?
#
# Entraînons deux fois le même réseau sur les mêmes images, en un seul passage à chaque fois. La première fois, les images sont
# triées : tous les 0, puis tous les 1, jusqu'aux 9 ; la seconde fois, elles sont bien mélangées. Les deux fois, le réseau lit
# ensuite des chiffres qu'il n'a jamais vus.

# %% quick="steps = 20"
from mnistlab import MNISTDataLoader

known, seen = MNISTDataLoader("train").dataset[:]
unknown, truth = MNISTDataLoader("val").dataset[:]
torch.manual_seed(0)
steps = len(seen) // 64

# %%
answers = {}
for name, order in {"0000...9999": seen.argsort(stable=True), "7194...": torch.randperm(len(seen))}.items():
    _, network = losses_with(known[order], seen[order], steps)
    answers[name] = network(unknown).argmax(dim=1)
    print(f"{name:<12} {(answers[name] == truth).float().mean().item():.2%}")

# %%
plt.figure(figsize=(6, 2.6))
for shift, (name, digits) in enumerate(answers.items()):
    plt.bar(np.arange(10) + 0.4 * shift - 0.2, digits.bincount(minlength=10).numpy(), width=0.4, label=name)
plt.xticks(range(10))
plt.xlabel("answer")  # en
plt.xlabel("réponse")  # fr
plt.ylabel("how often")  # en
plt.ylabel("nombre de fois")  # fr
plt.legend()
plt.tight_layout()
plt.show()

# %% [markdown] lang="en"
# When the training pictures are sorted, the network answers 9 for nearly every new picture: the 9s were the last thing it was
# taught, and each step undoes a little of the steps before. When the training pictures are mixed, each batch is a small portrait
# of the whole. Write the result for the mixed pictures in your diary: it is far above the result of day 1's averages.

# %% [markdown] lang="fr"
# Quand les images d'entraînement sont triées, le réseau répond 9 à presque toutes les nouvelles images : les 9 sont la dernière
# chose qu'il a apprise, et chaque pas défait un peu le travail des pas précédents. Quand les images d'entraînement sont
# mélangées, chaque lot est un petit portrait de l'ensemble. Notez dans votre journal le résultat obtenu avec les images
# mélangées : il dépasse nettement celui des moyennes du jour 1.

# %%
from mnistlab.learn.diary import write_down

write_down(day="day2", accuracy=(answers["7194..."] == truth).float().mean().item())

# %% [markdown] lang="en"
# ## A loader in twenty lines
#
# `DataLoader` decodes, converts and normalises one picture after the other. But all of MNIST fits into memory, so a whole batch
# can be taken in one go, by the positions of its pictures. `__len__` says how many batches an epoch (one pass over all
# pictures) has; `__iter__` yields them, and draws a new order each time.

# %% [markdown] lang="fr"
# ## Un chargeur en vingt lignes
#
# `DataLoader` décode, convertit et normalise les images une par une. Or MNIST tient tout entier en mémoire : on peut prendre un
# lot entier d'un seul coup, d'après les indices de ses images. `__len__` dit combien de lots compte une époque (un passage sur
# toutes les images) ; `__iter__` fournit ces lots un par un, après avoir tiré au sort un nouvel ordre des images.


# %%
import math


class LittleLoader:
    def __init__(self, images, labels, batch_size=64, shuffle=True, seed=0):
        self.images, self.labels = torch.tensor(images).unsqueeze(1), torch.tensor(labels)
        self.batch_size, self.shuffle = batch_size, shuffle
        self.generator = torch.Generator().manual_seed(seed)

    def __len__(self):
        return math.ceil(len(self.labels) / self.batch_size)

    def __iter__(self):
        order = torch.arange(len(self.labels))
        if self.shuffle:
            order = torch.randperm(len(self.labels), generator=self.generator)
        for chosen in order.split(self.batch_size):
            pixels = self.images[chosen].float() / 255
            yield (pixels - mean) / std, self.labels[chosen]


# %% [markdown] lang="en"
# `math.ceil` rounds up, as the last batch may be smaller. Here are three loaders, which all keep to the order of the file:
# torch's `DataLoader`, `LittleLoader`, and ours, `MNISTDataLoader`. Do they give the same numbers, and how long does each take
# for a batch?

# %% [markdown] lang="fr"
# `math.ceil` arrondit vers le haut, car le dernier lot peut être plus petit. Voici trois chargeurs : `DataLoader` (celui de
# torch), `LittleLoader` et le nôtre, `MNISTDataLoader`. Tous trois suivent l'ordre du fichier. Donnent-ils les mêmes nombres, et
# combien de temps chacun met-il pour un lot ?

# %%
import itertools
import time

loaders = {
    "DataLoader": DataLoader(train, batch_size=64),
    "LittleLoader": LittleLoader(images, labels, shuffle=False),
    "MNISTDataLoader": MNISTDataLoader("train+val", batch_size=64, shuffle=False),
}
first = next(iter(loaders["DataLoader"]))[0]
for name, one in loaders.items():
    started = time.perf_counter()
    taken = list(itertools.islice(one, 50))
    milliseconds = (time.perf_counter() - started) / 50 * 1000
    print(f"{name:<16} {len(one)} {torch.allclose(taken[0][0], first, atol=1e-3)} {milliseconds:6.2f} ms")

# %% [markdown] lang="en"
# The numbers are the same, and nothing cleverer is needed. (Your times will differ; their order will not.) Our loader adds what
# a long training run needs: a shuffle that depends only on the seed and the epoch, so that the run can go on after a power cut;
# a part of the pictures kept for validation; and random changes to the pictures (day 5).
#
# ## Workers
#
# If the pictures are large files, let `DataLoader(..., num_workers=2)` decode them in other processes. On Windows and macOS
# (and on Linux since Python 3.14) such a process begins by importing your script again. Let us see what that leads to:

# %% [markdown] lang="fr"
# Les nombres sont les mêmes : inutile de faire plus compliqué. (Chez vous, les durées seront différentes, mais leur ordre sera
# le même.) Notre chargeur ajoute ce que demande un long entraînement : un mélange qui ne dépend que de la graine (`seed`) et de
# l'époque, pour que l'on puisse reprendre l'entraînement après une coupure de courant ; une partie des images réservée à la
# validation ; des déformations des images, tirées au hasard (jour 5).
#
# ## Les processus auxiliaires
#
# Si les images sont de gros fichiers, faites-les décoder par d'autres processus : `DataLoader(..., num_workers=2)`. Sous Windows
# et macOS (et sous Linux depuis Python 3.14), un tel processus commence par importer une nouvelle fois votre script. Voyons ce
# qui en résulte :

# %%
import subprocess
import sys


def run(program):
    Path("data/workers.py").write_text(program, encoding="utf-8")
    done = subprocess.run([sys.executable, "data/workers.py"], check=False, capture_output=True, text=True)
    print(done.stdout + "".join(done.stderr.partition("RuntimeError:")[1:]))


program = """
from multiprocessing import get_context

if {condition}:
    get_context('spawn').Process(target=print, args=[42]).start()
"""
run(program.format(condition=True))

# %% [markdown] lang="en"
# The worker imports the script, which starts a worker, which imports the script... Python stops that, and says how to fix it:
# what only the main program should do belongs under `if __name__ == "__main__":`, in training scripts too.

# %% [markdown] lang="fr"
# Le processus importe le script, qui lance un autre processus, qui importe le script... Python y met fin et donne le remède :
# ce que seul le programme principal doit faire se place sous `if __name__ == "__main__":`, dans les scripts d'entraînement
# aussi.

# %%
run(program.format(condition="__name__ == '__main__'"))

# %% [markdown] lang="en"
# ## Exercises
#
# {{exercises}}
#
# ## What you now know
#
# - Where torchvision looks for MNIST, and what 403 and 503 mean.
# - What `ToTensor` and `Normalize` give (shapes, ranges of values), and why three channels do not go into one.
# - How to look at a batch, and why pixels are normalised and pictures shuffled.
# - What a data loader does, in twenty lines of your own.
#
# `mnistlab data` prints the shapes and ranges of a batch for any dataset, and draws a gallery of its images. Write a line for
# yourself: `mnistlab learn note "..." --day day2`

# %% [markdown] lang="fr"
# ## Exercices
#
# {{exercises}}
#
# ## Ce que vous savez maintenant
#
# - Où torchvision cherche MNIST, et ce que veulent dire 403 et 503.
# - Ce que donnent `ToTensor` et `Normalize` (formes, plages de valeurs), et pourquoi trois canaux n'entrent pas dans un seul.
# - Comment regarder un lot, pourquoi on normalise les pixels et pourquoi on mélange les images.
# - Ce que fait un chargeur de données, en vingt lignes de votre main.
#
# `mnistlab data` affiche, pour n'importe quel jeu de données, les formes et les plages de valeurs d'un lot, et dessine une
# planche d'images de ce jeu. Notez l'essentiel du jour en une ligne, pour vous :
# `mnistlab learn note "..." --day day2 --lang fr`
