# %% [markdown] lang="en"
# # Day 7: fast and far
#
# Six days ago a digit became 784 numbers. Today you find out where the time of a training run goes and how to spend less of
# it; you let others use your network, without PyTorch; you train on pictures of your own; and you change mnistlab itself: a
# layer, an augmentation, a recipe.

# %% [markdown] lang="fr"
# # Jour 7 : plus vite, plus loin
#
# Il y a six jours, un chiffre devenait 784 nombres. Aujourd'hui, vous cherchez où passe le temps d'un entraînement et comment
# en dépenser moins ; vous mettez votre réseau à la portée d'autres personnes, sans PyTorch ; vous entraînez un réseau sur vos
# propres images ; et vous modifiez mnistlab lui-même : une couche, une augmentation, une recette.

# %%
import time
from pathlib import Path

import cv2
import matplotlib.pyplot as plt
import numpy as np
import torch
from PIL import Image
from torch import nn

from mnistlab import DATASETS, RECIPES, MNISTDataLoader, NeuralNet, load_model, train


# %%
def strip(*pictures):
    figure, axes = plt.subplots(1, len(pictures), figsize=(1.3 * len(pictures), 1.4), squeeze=False)
    for axis, picture in zip(axes[0], pictures, strict=True):
        axis.imshow(picture, cmap="gray")
        axis.axis("off")
    figure.tight_layout()
    plt.show()


# %% [markdown] lang="en"
# ## Where the time goes
#
# Never guess: measure. The first call of a function is slower than the next ones, because memory has to be allocated and caches
# filled, so leave that call out; and a single measurement proves nothing, so take the median of several.

# %% [markdown] lang="fr"
# ## Où passe le temps
#
# Ne devinez jamais : mesurez. Le premier appel d'une fonction est plus lent que les suivants, car il faut réserver de la
# mémoire et remplir les caches : ne comptez pas cet appel. Et une seule mesure ne prouve rien : prenez la médiane de plusieurs.


# %%
def milliseconds(work, times=9):
    work()
    measured = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        measured.append(1000 * (time.perf_counter() - start))
    return np.median(measured)


# %% [markdown] lang="en"
# **The data first.** Most loaders fetch images one by one, convert each, then stack them into a batch, here of 128. Ours keeps
# all the images in memory as `uint8` and takes a whole batch in one go, by index. The resulting pixels are the same.

# %% [markdown] lang="fr"
# **Les données d'abord.** La plupart des chargeurs vont chercher les images et les convertissent une par une, puis les empilent
# en un lot, ici de 128. Le nôtre garde toutes les images en mémoire, en `uint8`, et en prend un lot entier d'un seul coup,
# d'après les indices des images. Les pixels obtenus sont les mêmes.

# %%
from torchvision.transforms import Compose, Normalize, ToTensor

loader = MNISTDataLoader("train", batch_size=128, shuffle=False)
transform = Compose([ToTensor(), Normalize(DATASETS["mnist"].mean, DATASETS["mnist"].std)])


class OneByOne(torch.utils.data.Dataset):
    def __len__(self):
        return len(loader.dataset)

    def __getitem__(self, index):
        picture = Image.fromarray(loader.dataset.images[index, 0].numpy())
        return transform(picture), int(loader.dataset.labels[index])


# %%
one_by_one = torch.utils.data.DataLoader(OneByOne(), batch_size=128)
images, labels = next(iter(loader))
print(torch.allclose(images, next(iter(one_by_one))[0], atol=1e-6))
print(f"{milliseconds(lambda: next(iter(one_by_one))):.2f} ms")
print(f"{milliseconds(lambda: next(iter(loader))):.2f} ms")

# %% [markdown] lang="en"
# **Then the three parts of a step**, with the network of the recipe `quick`:

# %% [markdown] lang="fr"
# **Puis les trois parties d'un pas**, avec le réseau de la recette `quick` :

# %%
architecture = RECIPES["quick"].network.architecture(classes=10, image_size=(28, 28))
network = NeuralNet.of(architecture)
optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
loss = nn.functional.cross_entropy(network(images), labels)
spent = {
    "batch": milliseconds(lambda: next(iter(loader))),  # en
    "lot": milliseconds(lambda: next(iter(loader))),  # fr
    "forward()": milliseconds(lambda: network(images)),
    "backward()": milliseconds(lambda: loss.backward(retain_graph=True)),
    "step()": milliseconds(optimizer.step),
}

plt.figure(figsize=(5, 2))
plt.barh(list(spent), list(spent.values()))
plt.xlabel("ms")
plt.tight_layout()
plt.show()

# %% [markdown] lang="en"
# It is the network that takes time, on the way forward and on the way back; by comparison, fetching a batch costs almost
# nothing. So let us look into the network. A layer's work can be counted without a clock: a convolution uses each of its
# weights once at every place where its kernel is laid.

# %% [markdown] lang="fr"
# C'est le réseau qui prend du temps, à l'aller comme au retour ; en comparaison, aller chercher un lot ne coûte presque rien.
# Regardons donc à l'intérieur du réseau. Le travail d'une couche se compte sans chronomètre : une convolution se sert de chacun
# de ses poids une fois à chaque endroit où se pose son noyau.

# %%
rows = [row for row in network.describe() if row.multiply_adds]
for row in rows:
    print(f"{row.name:<10}{row.shape!s:<14}{row.parameters:>8,}{row.multiply_adds:>12,}")

conv = network.layers.conv2
height, width = rows[1].shape[1:]
print(conv.weight.numel() * height * width)

# %% [markdown] lang="en"
# The columns give the layer, the shape of its output, the number of its parameters and that of its multiplications for one
# image; the last number is how many multiplications `conv2` does, worked out by hand. Parameters and work are two different
# things: a linear layer has many weights and uses each once; a convolution has few and uses them everywhere. And it is the work
# that takes time.
#
# That is why it pays to make the picture small early. ReLU after max-pool gives the same as max-pool after ReLU, bit for bit,
# and has only a quarter of the values to look at:

# %% [markdown] lang="fr"
# Les colonnes donnent la couche, la forme de sa sortie, le nombre de ses paramètres et celui de ses multiplications pour une
# image ; le dernier nombre est celui des multiplications de `conv2`, calculé à la main. Les paramètres et le travail sont deux
# choses différentes : une couche linéaire a beaucoup de poids et se sert de chacun une seule fois ; une convolution en a peu et
# s'en sert partout. Et c'est le travail qui prend du temps.
#
# Voilà pourquoi l'on gagne à réduire l'image dès les premières couches. ReLU après le max-pooling donne exactement ce que donne
# le max-pooling après ReLU, et n'a plus alors qu'un quart des valeurs à regarder :

# %%
maps = torch.randn(128, 32, 28, 28)
pool, relu = nn.MaxPool2d(2), nn.ReLU()
smaller = pool(maps)
print(torch.equal(pool(relu(maps)), relu(smaller)))
print(f"{maps.numel():>10,}{milliseconds(lambda: relu(maps)):>7.2f} ms")
print(f"{smaller.numel():>10,}{milliseconds(lambda: relu(smaller)):>7.2f} ms")

# %% [markdown] lang="en"
# ## `quick` and `best`
#
# Here are two recipes with opposite aims and, between them, `default`, which `mnistlab train` uses if you name none:
#
# | command | accuracy on the test images, training time on two cores |
# |---|---|
# | `mnistlab train quick` | {{quick}} |
# | `mnistlab train` | {{default}} |
# | `mnistlab train best` | {{best}} |
#
# A recipe is nothing but values, so Python can list those in which `quick` and `best` differ:

# %% [markdown] lang="fr"
# ## `quick` et `best`
#
# Voici deux recettes aux buts opposés et, entre elles, `default`, celle que suit `mnistlab train` si l'on ne précise rien :
#
# | commande | exactitude sur les images de test, durée de l'entraînement sur deux cœurs |
# |---|---|
# | `mnistlab train quick` | {{quick}} |
# | `mnistlab train` | {{default}} |
# | `mnistlab train best` | {{best}} |
#
# Une recette n'est faite que de valeurs : Python peut donc afficher celles qui distinguent `quick` de `best`.

# %%
quick, best = RECIPES["quick"].values(), RECIPES["best"].values()
for name in quick:
    if quick[name] != best[name] and name not in ("name", "summary"):
        print(f"{name:<16}{quick[name]!s:<28}{best[name]}")

# %% [markdown] lang="en"
# `quick` has three narrow convolutions, shrinks the picture to 12x12 right away with a `stride` of 2, and stops three fifths of
# the way through the first epoch. Its large steps make up for such a short training run: the learning rate climbs to a peak
# that would wreck the training if it stayed there, and then falls to almost nothing (*one cycle*, day 5). `best` takes its
# time: it has pairs of convolutions, and trains on rotated and shifted images for 24 epochs. Its network first makes each digit
# upright (*deskewing*). It then averages its answers to five views of the image: as it is, and moved by one pixel left, right,
# up and down (`test_shifts`). A digit's *slant* says how far its strokes move to the right (negative: to the left) from one row
# to the row below. It is the mean of x times y over the ink, divided by the mean of y squared; x and y are counted from the
# centre of mass. First you see the learning rate of `quick`, step by step; then slants, computed by hand, of two small strokes,
# and of digits before and after our function `deskew`:

# %% [markdown] lang="fr"
# `quick` a trois convolutions étroites, réduit l'image à 12x12 dès le début, avec un `stride` de 2, et s'arrête aux trois
# cinquièmes de la première époque. Ses grands pas compensent un entraînement si court : le taux d'apprentissage monte à un
# sommet qui ruinerait l'entraînement s'il y restait, puis redescend presque à rien (`one_cycle`, jour 5). `best` prend son
# temps : des convolutions par paires, et 24 époques sur des images tournées et décalées. Son réseau commence par redresser
# chaque chiffre (`deskew`). Puis il fait la moyenne de ses réponses à cinq vues de l'image, telle quelle et décalée d'un pixel
# à gauche, à droite, en haut et en bas (`test_shifts`). L'*inclinaison* d'un chiffre dit de combien ses traits se décalent vers
# la droite (ou vers la gauche, si elle est négative) quand on descend d'une ligne. C'est la moyenne du produit xy sur l'encre,
# divisée par celle de y² ; x, vers la droite, et y, vers le bas, se comptent à partir du centre de masse. Voici d'abord le taux
# d'apprentissage de `quick`, pas à pas, puis, calculées à la main, les inclinaisons de deux petits traits, et celles de quatre
# chiffres avant et après notre fonction `deskew` :

# %%
from mnistlab.networks.deskew import deskew
from mnistlab.training.optimizers import learning_rate

plt.figure(figsize=(5, 2.4))
settings = RECIPES["quick"].optimisation
plt.plot([learning_rate(settings, step, settings.steps) for step in range(settings.steps)])
plt.xlabel("step")  # en
plt.xlabel("pas")  # fr
plt.ylabel("learning rate")  # en
plt.ylabel("taux d'apprentissage")  # fr
plt.tight_layout()
plt.show()


# %%
def slant(image):
    rows, columns = np.indices(image.shape)
    y = rows - (rows * image).sum() / image.sum()
    x = columns - (columns * image).sum() / image.sum()
    return (image * x * y).sum() / (image * y**2).sum()


print(slant(np.fliplr(np.eye(5))), slant(np.array([[0, 0, 1], [0, 1, 0], [0, 1, 0], [1, 0, 0]])))

some, upright = loader.dataset.images[:500, 0].float(), deskew(loader.dataset.images[:500].float())[:, 0]
change = (upright - some).abs().sum(dim=(1, 2))
most = [int((change * (loader.dataset.labels[:500] == digit)).argmax()) for digit in (0, 4, 7, 9)]
pairs = [(some[index].numpy(), upright[index].numpy()) for index in most]
strip(*[picture for pair in pairs for picture in pair])
for before, after in pairs:
    print(f"{slant(before):6.2f} {round(slant(after), 2) + 0:6.2f}")

# %% [markdown] lang="en"
# Now train `quick`:

# %% [markdown] lang="fr"
# Entraînez maintenant `quick` :

# %% quick="recipe = recipe.override(steps=20)"
recipe = RECIPES["quick"]

# %%
start = time.perf_counter()
run, evaluation = train(recipe)
print(f"{evaluation.accuracy:.2%}, {time.perf_counter() - start:.0f} s")

# %% [markdown] lang="en"
# The printed time covers everything: reading the data, training, testing, drawing the pictures in the run folder. The table
# above counts the training alone, on two free cores that compute in bf16 (16-bit numbers). On the project's website, the time
# printed above was measured on a single busy core.
#
# ## Export: without PyTorch
#
# People who use your network should not have to install PyTorch. `mnistlab export latest` writes one ONNX file, with
# normalisation, calibration and softmax in it, and keeps the file only if its answers match PyTorch's on 10,000 images. In
# Python, `export_model` does the same:

# %% [markdown] lang="fr"
# La durée affichée ci-dessus comprend tout : la lecture des données, l'entraînement, le test, le dessin des images du dossier
# d'entraînement. Le tableau plus haut ne compte que l'entraînement, sur deux cœurs libres qui calculent en bf16 (des nombres de
# 16 bits) ; la durée affichée sur le site du projet a été mesurée sur un seul cœur, très occupé.
#
# ## Exporter : se passer de PyTorch
#
# On doit pouvoir se servir de votre réseau sans installer PyTorch. `mnistlab export latest` écrit un seul fichier ONNX, avec la
# normalisation, la calibration et le softmax, et ne garde ce fichier que s'il répond comme PyTorch sur 10 000 images. En
# Python, `export_model` fait la même chose :

# %%
from mnistlab import Reader, export_model

made = export_model(run)
print(made.path.name, f"{made.bytes / 1000:.0f} kB")  # en
print(made.path.name, f"{made.bytes / 1000:.0f} ko")  # fr
print(f"{made.parity.largest_difference:.1e}")

# %%
pixels = MNISTDataLoader("val", shuffle=False).dataset.images[:100, 0].numpy()
saved, reader = load_model(run), Reader(made.path)
with torch.no_grad():
    normalised = (torch.from_numpy(pixels)[:, None] / 255 - saved.mean) / saved.std
    by_torch = saved.model(normalised).argmax(dim=1).numpy()
print((reader.classify(pixels)[0] == by_torch).all())

# %% [markdown] lang="en"
# ## Serve: for everybody
#
# `mnistlab serve --model latest` opens a page on which you draw digits and your own network reads them; add `--model mnistlab`
# to compare it with the model that ships with mnistlab. Behind the page is an API that any program can call. Here a Python
# program starts the server, sends it ten images as plain bytes, and stops it:

# %% [markdown] lang="fr"
# ## Servir : pour tout le monde
#
# `mnistlab serve --model latest` ouvre une page où vous dessinez des chiffres que votre propre réseau lit ; ajoutez
# `--model mnistlab` pour le comparer au modèle livré avec mnistlab. Derrière la page, il y a une API que n'importe quel
# programme peut interroger. Ici, un programme en Python lance le serveur, lui envoie dix images en octets bruts, et l'arrête :

# %%
import json
import subprocess
import sys
import urllib.request

command = [sys.executable, "-m", "mnistlab", "serve", "--model", str(made.path), "--port", "0", "--no-browser"]
server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
address = next(word for word in server.stdout.readline().split() if word.startswith("http"))
direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
kind = {"Content-Type": "application/octet-stream"}
request = urllib.request.Request(f"{address}/api/v1/classify", pixels[:10].tobytes(), kind)
answer = json.load(direct.open(request))
server.terminate()
server.communicate()
print(answer["values"], reader.classify(pixels[:10])[0])

# %% [markdown] lang="en"
# ## Other data with one option
#
# Nothing in the training code says that the images are digits. These are the datasets that mnistlab knows:

# %% [markdown] lang="fr"
# ## D'autres données, une seule option
#
# Rien dans le code d'entraînement ne dit que les images sont des chiffres. Voici les jeux de données que mnistlab connaît :

# %%
print(*DATASETS)
for name in ("mnist", "fashion"):
    print(name, DATASETS[name].image_size, DATASETS[name].mean, DATASETS[name].std)

# %% [markdown] lang="en"
# Fashion-MNIST, images of ten kinds of clothes, was made to take MNIST's place without any change to the code: the numbers and
# sizes of the images and the names of the files are the same. Write `--dataset fashion` after `mnistlab train quick`; the
# first time, the dataset is downloaded (30 MB; only MNIST ships with mnistlab). It is harder than MNIST: expect an accuracy
# nearer to 90 % than to 99 %.
#
# ## A folder of your own pictures
#
# The option `--dataset` also takes a folder with one sub-folder per class, named after the class. Let us draw pictures for
# such a folder and, as everybody does the first time, begin with a single class:

# %% [markdown] lang="fr"
# Fashion-MNIST, des images de dix sortes de vêtements, a été conçu pour prendre la place de MNIST sans que l'on ait à changer
# le code : le nombre et la taille des images et les noms des fichiers sont les mêmes. Ajoutez `--dataset fashion` à
# `mnistlab train quick` : la première fois, les données sont téléchargées (30 Mo ; seul MNIST est livré avec mnistlab). Ce jeu
# est plus difficile que MNIST : attendez-vous à une exactitude plus proche de 90 % que de 99 %.
#
# ## Un dossier de vos propres images
#
# L'option `--dataset` accepte aussi un dossier qui contient un sous-dossier par classe, portant le nom de cette classe.
# Remplissons un tel dossier de dessins et, comme tout le monde la première fois, commençons par une seule classe :

# %%
from mnistlab import open_dataset

random = np.random.default_rng(0)
folder, sides = Path("shapes"), {"circle": 40, "square": 4, "triangle": 3}  # en
folder, sides = Path("formes"), {"rond": 40, "carré": 4, "triangle": 3}  # fr


def draw(corners):
    angles = random.uniform(0, 2 * np.pi) + 2 * np.pi * np.arange(corners) / corners
    middle, radius = random.uniform(26, 38, 2), random.uniform(14, 22)
    points = middle + radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return cv2.polylines(np.full((64, 64), 255, np.uint8), [points.astype(np.int32)], True, 0, 3)


def fill(name, count=120):
    (folder / name).mkdir(parents=True, exist_ok=True)
    for number in range(count):
        Image.fromarray(draw(sides[name])).save(folder / name / f"{number:03}.png")


strip(*[draw(corners) for corners in sides.values() for _ in range(2)])

# %% raises="UserError"
fill("triangle")
open_dataset(folder)

# %% [markdown] lang="en"
# Read the message to the end: it says what was found, and what a folder has to look like. Now let us add the other two
# classes:

# %% [markdown] lang="fr"
# Lisez le message jusqu'au bout. Il dit qu'une seule classe a été trouvée, et comment un dossier doit être fait : un
# sous-dossier par classe. Ajoutons maintenant les deux autres classes :

# %%
for name in sides:
    fill(name)

mine = RECIPES["quick"].override(batch_size=32, epochs=12, learning_rate=0.1)
run_of_mine, by_class = train(mine, dataset=folder)
print(f"{by_class.accuracy:.1%}", by_class.total)
print(load_model(run_of_mine).classes)

# %% [markdown] lang="en"
# The second number is how many test pictures there were: about one picture in six was kept for the test. With so few, the
# accuracy is not worth much; day 5 showed how to tell how much it is worth. The same training run, from the command line:
#
# ```
# mnistlab train quick --dataset shapes --epochs 12 --batch-size 32 --learning-rate 0.1
# ```
#
# ## Add a layer
#
# `NeuralNet` takes any number of blocks, as long as the image can still be halved. With five blocks, nothing is left of it:

# %% [markdown] lang="fr"
# Le second nombre dit combien d'images ont servi au test : environ une sur six a été gardée pour cela. Avec si peu d'images,
# l'exactitude ne vaut pas grand-chose ; le jour 5 a montré comment savoir ce qu'elle vaut. Le même entraînement en ligne de
# commande :
#
# ```
# mnistlab train quick --dataset formes --epochs 12 --batch-size 32 --learning-rate 0.1
# ```
#
# ## Ajouter une couche
#
# `NeuralNet` accepte autant de blocs que l'on veut, tant que l'on peut encore réduire l'image de moitié. Avec cinq blocs, il ne
# reste rien de l'image :

# %% raises="UserError"
NeuralNet(widths=(8, 16, 32, 64, 128))

# %% [markdown] lang="en"
# To add a layer that mnistlab does not have, write a class of ten lines. The idea that let networks grow deep (ResNet, 2015)
# is the *residual connection*: a layer adds to its input instead of replacing it. As long as the layer's weights are zero, it
# changes nothing, so inserting it cannot spoil what the network knows; training then finds weights for it.

# %% [markdown] lang="fr"
# Pour ajouter une couche que mnistlab n'a pas, écrivez une classe de dix lignes. L'idée qui a permis aux réseaux de devenir
# profonds (ResNet, 2015) est la *connexion résiduelle* : une couche ajoute quelque chose à son entrée au lieu de la remplacer.
# Tant que les poids de la nouvelle couche sont nuls, celle-ci ne change rien : l'insérer ne peut pas abîmer ce que le réseau
# sait. C'est ensuite l'entraînement qui trouve les poids de cette couche.


# %%
class Residual(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, kernel_size=3, padding=1)
        nn.init.zeros_(self.conv.weight)
        nn.init.zeros_(self.conv.bias)

    def forward(self, maps):
        return maps + self.conv(maps.relu())


trained = load_model(run).model
layers = list(trained.layers)
deeper = nn.Sequential(*layers[:6], Residual(layers[3].out_channels), *layers[6:]).eval()
with torch.no_grad():
    print(torch.equal(deeper(images), trained(images)))

# %% [markdown] lang="en"
# Not one bit of the output differs. And the new layer learns: a single step of day 3's loop moves the new weights away from
# zero.

# %% [markdown] lang="fr"
# Pas un bit de la sortie ne change. Et la nouvelle couche apprend : un seul pas de la boucle du jour 3 écarte de zéro les
# nouveaux poids.

# %%
optimizer = torch.optim.SGD(deeper.parameters(), lr=0.01)
optimizer.zero_grad()
nn.functional.cross_entropy(deeper(images), labels).backward()
optimizer.step()
print(f"{deeper[6].conv.weight.abs().max().item():.1e}")

# %% [markdown] lang="en"
# In mnistlab itself, such a layer would be a field of `NetworkDesign` (networks/architecture.py) and a line in
# `make_convolution` (networks/network.py). The command line's option, the check of its value and its entry in the run folder
# follow automatically.
#
# ## Add an augmentation
#
# An augmentation is a function that takes images (B, 1, 28, 28), with values from 0 to 255, and their labels, and returns
# both. This one hides a random square, so that the network does not rely on a single place (*cutout*, 2017):

# %% [markdown] lang="fr"
# Pour ajouter cette couche à mnistlab lui-même, il faut un champ dans `NetworkDesign` (networks/architecture.py) et une ligne
# dans `make_convolution` (networks/network.py). L'option de la ligne de commande, le contrôle de sa valeur et sa trace dans le
# dossier d'entraînement viennent alors tout seuls.
#
# ## Ajouter une augmentation
#
# Une augmentation est une fonction qui prend des images (B, 1, 28, 28), dont les valeurs vont de 0 à 255, et leurs étiquettes,
# et qui renvoie les deux. L'augmentation que voici cache un carré placé au hasard, pour que le réseau ne se fie pas à un seul
# endroit (*cutout*, 2017) :


# %%
def cutout(images, labels, side=10):
    images = images.clone()
    for image in images:
        top, left = torch.randint(0, 28 - side + 1, (2,)).tolist()
        image[:, top : top + side, left : left + side] = 0
    return images, labels


changed, _ = next(iter(MNISTDataLoader("train", batch_size=6, shuffle=False, augment=cutout)))
strip(*changed[:, 0].numpy())

# %% [markdown] lang="en"
# Why `clone()`? Because without it the function would blacken the squares in the caller's own images. Does the augmentation
# help? To answer that, do as on day 5: train with several seeds, with and without the augmentation, and compare the means on
# validation images, with their spread.
#
# ## Add a recipe
#
# A recipe of your own is an existing one with some values changed. Values that make no sense are all reported at once, here 2
# for the dropout and 0 for the number of epochs:

# %% [markdown] lang="fr"
# Pourquoi `clone()` ? Parce que, sans lui, la fonction noircirait les carrés dans les images mêmes qu'on lui passe. Cette
# augmentation aide-t-elle vraiment ? Pour le savoir, faites comme au jour 5 : entraînez avec plusieurs graines, avec et sans
# l'augmentation, et comparez les moyennes sur les images de validation, en tenant compte de la dispersion.
#
# ## Ajouter une recette
#
# Votre propre recette, c'est une recette existante dont vous changez quelques valeurs. Les valeurs qui n'ont pas de sens sont
# signalées toutes à la fois, ici 2 pour le dropout et 0 pour le nombre d'époques :

# %% raises="UserError"
RECIPES["quick"].override(dropout=2, epochs=0)

# %%
mine = RECIPES["quick"].override(name="mine", widths=(16, 32), rotate=10, shift=2)
print(mine.network.widths, mine.network.pooling, mine.data.rotate)
Path("my.toml").write_text("widths = [16, 32]\nrotate = 10\nshift = 2\n", encoding="utf-8")

# %% [markdown] lang="en"
# `widths` now has two values, and the settings with one value per block were shortened to match. To train with this recipe,
# call `train(mine)` in Python, or run `mnistlab train quick --config my.toml` on the command line. A recipe for everybody
# needs an entry in recipes/catalog.py and a measurement with several seeds, whose results go into the documentation.
#
# ## What next
#
# - Run `mnistlab train best`, then `mnistlab runs` to see all the training runs of your week.
# - Try letters, or Japanese characters: the datasets `emnist-letters` and `kmnist`. Are they as hard as you thought?
# - Read the code in the order in which the data passes through it: `data`, `augmentation`, `networks`, `training`,
#   `evaluation`, `reading`. You have met every one of these packages.
# - Then leave MNIST: take colour pictures (CIFAR-10), a network with three input channels, and the same loop.

# %% [markdown] lang="fr"
# `widths` n'a plus que deux valeurs, et les réglages qui ont une valeur par bloc ont été raccourcis en conséquence. Pour suivre
# cette recette, appelez `train(mine)` en Python, ou lancez `mnistlab train quick --config my.toml` en ligne de commande. Pour
# offrir une recette à tout le monde, il faut l'ajouter à recipes/catalog.py, la mesurer avec plusieurs graines et mettre les
# résultats dans la documentation.
#
# ## Et après ?
#
# - Lancez `mnistlab train best`, puis `mnistlab runs` pour revoir tous les entraînements de votre semaine.
# - Essayez des lettres, ou des caractères japonais : les jeux de données `emnist-letters` et `kmnist`. Sont-ils aussi
#   difficiles que vous le pensiez ?
# - Lisez le code dans l'ordre où les données le traversent : `data`, `augmentation`, `networks`, `training`, `evaluation`,
#   `reading`. Vous connaissez déjà chacun de ces paquets.
# - Puis quittez MNIST : prenez des images en couleurs (CIFAR-10), un réseau à trois canaux d'entrée, et la même boucle.

# %%
from mnistlab.learn.diary import write_down

write_down(day="day7", accuracy=run.metrics[-1]["val_accuracy"])

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
# - Measure before you make anything faster; count the multiplications; make the picture small early.
# - A short training run needs a learning rate that climbs and falls; a long one needs augmentation.
# - An ONNX file and a server bring your network to people who have no PyTorch.
# - Datasets, layers, augmentations and recipes are small pieces, and you know how to write each of them.
#
# Write a line for yourself: `mnistlab learn note "..." --day day7`. Then look at the whole week: `mnistlab learn`.

# %% [markdown] lang="fr"
# ## Ce que vous savez maintenant
#
# - On mesure avant d'accélérer ; on compte les multiplications ; on réduit l'image tôt.
# - Un entraînement court demande un taux d'apprentissage qui monte puis descend ; un entraînement long demande des augmentations.
# - Un fichier ONNX et un serveur mettent votre réseau à la portée de ceux qui n'ont pas PyTorch.
# - Jeux de données, couches, augmentations et recettes sont de petites pièces, et vous savez écrire chacune d'elles.
#
# Notez pour vous, en une ligne, l'essentiel de ce que vous avez appris : `mnistlab learn note "..." --day day7 --lang fr`.
# Puis regardez toute votre semaine : `mnistlab learn --lang fr`.
