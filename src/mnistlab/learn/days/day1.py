# %% [markdown] lang="en"
# # Day 1: set-up
#
# Welcome. After seven days you will understand, and be able to change, a program that reads handwritten digits correctly more
# than 99 times in 100. You need a little Python, and no knowledge of neural networks. Today you get your machine ready, make
# your first tensor, and see that a digit is 784 numbers. Run the cells one after the other, and change something in each:
# nothing can break. The results shown on the project's website come from our machine: your times will differ, and so may the
# last decimal places.
#
# ## The tools
#
# Open a terminal in the project's folder (your clone of its repository). A **virtual environment** is a folder with its own
# Python, so that nothing you install in it affects anything else.
#
# Linux, macOS:
#
# ```bash
# python3 -m venv .venv
# source .venv/bin/activate
# python -m pip install ".[all]" jupyterlab
# ```
#
# Windows (PowerShell; if it refuses to run scripts, `Set-ExecutionPolicy -Scope Process RemoteSigned` allows them in this
# window):
#
# ```powershell
# py -m venv .venv
# .venv\Scripts\Activate.ps1
# python -m pip install ".[all]" jupyterlab
# ```
#
# The last line installs mnistlab with everything that it needs, including PyTorch, which takes several GB on Linux. Elsewhere
# in the documentation you will see `uv run mnistlab ...`: the tool uv makes this same `.venv` and runs the command in it. Once
# you have activated the environment, `mnistlab ...` is enough.
#
# **Git** remembers the states of your work that you commit, and lets you go back to them. Keep this week's work in a folder of
# its own, next to the project's folder:
#
# ```bash
# mkdir ../my-week
# cd ../my-week
# git init
# mnistlab doctor
# mnistlab learn day1
# ```
#
# `mnistlab doctor` says whether your machine is ready; `mnistlab learn day1` writes this page as a notebook and as a script,
# and `jupyter lab day1.ipynb` opens the notebook. From now on, finish each evening with `git add .`, which chooses what to
# keep, and `git commit -m "Day 1"`, which commits it under that name; `git log` tells the story so far.

# %% [markdown] lang="fr"
# # Jour 1 : la mise en place
#
# Bienvenue. Dans sept jours, vous comprendrez, et saurez modifier, un programme qui lit les chiffres manuscrits en se trompant
# moins d'une fois sur cent. Un peu de Python suffit ; il n'est pas nécessaire de connaître les réseaux de neurones.
# Aujourd'hui, vous préparez votre machine, vous créez votre premier tenseur et vous découvrez qu'un chiffre, c'est 784 nombres.
# Exécutez les cellules l'une après l'autre et changez quelque chose dans chacune : vous ne pouvez rien casser. Les résultats
# que montre le site du projet viennent de notre machine : chez vous, les durées seront différentes, et parfois aussi les
# dernières décimales.
#
# ## Les outils
#
# Ouvrez un terminal dans le dossier du projet (votre clone du dépôt). Un **environnement virtuel** est un dossier qui possède
# son propre Python : ce que vous y installez ne change rien ailleurs.
#
# Linux, macOS :
#
# ```bash
# python3 -m venv .venv
# source .venv/bin/activate
# python -m pip install ".[all]" jupyterlab
# ```
#
# Windows (PowerShell ; s'il refuse d'exécuter des scripts, `Set-ExecutionPolicy -Scope Process RemoteSigned` les autorise dans
# cette fenêtre) :
#
# ```powershell
# py -m venv .venv
# .venv\Scripts\Activate.ps1
# python -m pip install ".[all]" jupyterlab
# ```
#
# La dernière ligne installe mnistlab et tout ce qu'il lui faut, dont PyTorch, qui pèse plusieurs Go sous Linux. Dans le reste
# de la documentation, vous lirez `uv run mnistlab ...` : l'outil uv crée ce même `.venv` et y lance la commande. Une fois
# l'environnement activé, `mnistlab ...` suffit.
#
# **Git** retient les états de votre travail que vous lui confiez (les *commits*), et vous permet d'y revenir. Gardez le travail
# de la semaine dans un dossier à part, à côté du dossier du projet :
#
# ```bash
# mkdir ../ma-semaine
# cd ../ma-semaine
# git init
# mnistlab doctor
# mnistlab learn day1 --lang fr
# ```
#
# `mnistlab doctor` vous dit si votre machine est prête ; `mnistlab learn day1 --lang fr` écrit cette page sous forme de carnet
# Jupyter et de script, et `jupyter lab day1.ipynb` ouvre le carnet. Désormais, terminez chaque journée par `git add .`, qui
# désigne les fichiers à garder, et par `git commit -m "Jour 1"`, qui les enregistre sous ce nom ; `git log` raconte l'histoire
# de votre travail depuis le début.

# %%
import sys

print(sys.version.split()[0])
print(sys.executable)

# %% [markdown] lang="en"
# The second printed line says *which* Python is running: it should be the one in your `.venv`. Here is the most common error of
# a first day, made on purpose:

# %% [markdown] lang="fr"
# La seconde ligne dit *quel* Python est utilisé : ce doit être celui de votre `.venv`. Voici l'erreur la plus fréquente du
# premier jour, commise exprès.

# %% raises="ModuleNotFoundError"
import troch

troch.tensor([1, 2, 3])

# %% [markdown] lang="en"
# Read an error from its last line up. "No module named" has one of two causes: the name is misspelt (here it should be
# `torch`), or the library is installed in a different Python, because the environment was not activated. Here are the four
# libraries of the week:
#
# - [NumPy](https://numpy.org/doc/stable/user/quickstart.html) computes with whole arrays of numbers at once.
# - [Matplotlib](https://matplotlib.org/stable/tutorials/pyplot.html) draws; `pyplot` is the part of it that you will use.
# - [PyTorch](https://docs.pytorch.org/docs/stable/tensors.html) can work out gradients, and its arrays, called *tensors*, can
#   live on a graphics card; [torch.nn](https://docs.pytorch.org/docs/stable/nn.html) has the layers of networks, and
#   [DataLoader](https://docs.pytorch.org/docs/stable/data.html) makes batches.
# - torchvision offers [datasets](https://docs.pytorch.org/vision/stable/datasets.html) of pictures and
#   [transforms](https://docs.pytorch.org/vision/stable/transforms.html) for them.
#
# ## A picture is numbers
#
# Start small, with a picture of a 7, six rows by five columns, in which 0 is paper and 255 is full ink. (Ink is drawn white,
# because MNIST is white on black.)

# %% [markdown] lang="fr"
# Un message d'erreur se lit en commençant par la dernière ligne. « No module named » signifie « aucun module de ce nom », et il
# y a deux causes possibles : le nom est mal orthographié (ici, il fallait écrire `torch`), ou bien la bibliothèque est
# installée dans un autre Python, parce que l'environnement n'était pas activé. Voici maintenant les quatre bibliothèques de la
# semaine :
#
# - [NumPy](https://numpy.org/doc/stable/user/quickstart.html) calcule d'un coup sur tout un tableau de nombres.
# - [Matplotlib](https://matplotlib.org/stable/tutorials/pyplot.html) dessine ; vous vous servirez de son module `pyplot`.
# - [PyTorch](https://docs.pytorch.org/docs/stable/tensors.html) a aussi des tableaux, les *tenseurs*, qui peuvent résider sur
#   une carte graphique, et il sait calculer des gradients ; [torch.nn](https://docs.pytorch.org/docs/stable/nn.html) contient
#   les couches des réseaux, et [DataLoader](https://docs.pytorch.org/docs/stable/data.html) regroupe les images en lots.
# - torchvision fournit des [jeux de données](https://docs.pytorch.org/vision/stable/datasets.html) d'images et les
#   [transformations](https://docs.pytorch.org/vision/stable/transforms.html) qui vont avec.
#
# ## Une image, ce sont des nombres
#
# Commençons par un petit exemple, un 7 dessiné sur six lignes et cinq colonnes, où 0 est le papier et 255 l'encre pleine.
# (L'encre est dessinée en blanc, car les chiffres de MNIST, que vous verrez plus loin, sont en blanc sur noir.)

# %%
import matplotlib.pyplot as plt
import numpy as np
import torch

from mnistlab.learn.pictures import show

seven = np.zeros((6, 5), dtype=np.uint8)
seven[1, 1:4] = 255
seven[2, 3] = 255
seven[3:5, 2] = 200
print(seven.shape, seven.dtype)

# %%
show({"6x5": seven})
print(seven.reshape(30))

# %% [markdown] lang="en"
# `seven[1, 3]` is the pixel in row 1, column 3: the row comes first, and counting starts at 0. `reshape(30)` lays the rows end
# to end; that pixel is then at position 1 * 5 + 3.
#
# A `uint8` is a whole number from 0 to 255, in one byte. What comes after 255?

# %% [markdown] lang="fr"
# `seven[1, 3]`, c'est le pixel de la ligne 1, colonne 3 : la ligne vient d'abord, et l'on compte à partir de 0. `reshape(30)`
# met les lignes bout à bout ; ce pixel se retrouve alors à la position 1 * 5 + 3.
#
# Un `uint8` est un nombre entier de 0 à 255, qui tient dans un octet. Qu'y a-t-il après 255 ?

# %%
print(seven[1, 3], seven.reshape(30)[1 * 5 + 3])
print(seven[3] + np.uint8(100))
print(seven[3].astype(np.int64) + 100)

# %% [markdown] lang="en"
# Like the mileage counter of an old car, a `uint8` starts again from 0: 200 + 100 gives 44, without a word of warning. So
# convert to a larger type before you compute.
#
# ## The first tensor
#
# A tensor has a **shape**, a **dtype** (the type of its numbers) and a **device** (where it resides). Nearly every error this
# week comes from one of the three not being what you thought, so print them first.

# %% [markdown] lang="fr"
# Comme un vieux compteur kilométrique, un `uint8` repart de zéro : 200 + 100 donnent 44, sans un mot d'avertissement. Avant de
# calculer, passez donc à un type plus grand.
#
# ## Le premier tenseur
#
# Un tenseur a une forme (**shape**), un type de nombres (**dtype**) et un appareil où il réside (**device**). Presque toutes
# les erreurs de la semaine viennent de là : l'une de ces propriétés n'est pas celle que vous croyiez. Commencez donc par
# afficher les trois.

# %%
pixels = torch.tensor(seven)
print(pixels.shape, pixels.dtype, pixels.device)
ink = pixels.float() / 255
print(ink.sum(dim=1))
print(ink.mean().item())

# %% raises="RuntimeError"
product = torch.from_numpy(seven / 255).reshape(1, 30) @ torch.ones(30, 10)

# %% [markdown] lang="en"
# The message asks for "the same dtype" on both sides of `@`: NumPy computes in `float64` (double), torch in `float32`
# (float), and `@` will not mix them. `.float()` puts it right.

# %% [markdown] lang="fr"
# Le message réclame le même type des deux côtés de `@` (« the same dtype ») : NumPy calcule en `float64` (double), torch en
# `float32` (float), et `@` refuse de les mélanger. `.float()` y remédie.

# %%
flat = torch.from_numpy(seven / 255).float().reshape(1, 30)
print((flat @ torch.ones(30, 10)).shape)

# %% [markdown] lang="en"
# Now the device. Every machine has the device `"meta"`, which has no memory; here it stands in for a graphics card.

# %% [markdown] lang="fr"
# L'appareil, maintenant. `"meta"` est un appareil sans mémoire, présent sur toutes les machines ; il joue ici le rôle d'une
# carte graphique.

# %% raises="RuntimeError"
total = flat + torch.ones(1, 30, device="meta")

# %% [markdown] lang="en"
# Tensors that are used together must be on the same device. (With a real graphics card the message reads "Expected all tensors
# to be on the same device, but found at least two devices, cuda:0 and cpu!") Choose the device once, at the top of your
# program, and send everything there with `.to(device)`.

# %% [markdown] lang="fr"
# Des tenseurs utilisés ensemble doivent résider sur le même appareil. (Avec une carte graphique, le message est « Expected all
# tensors to be on the same device, but found at least two devices, cuda:0 and cpu! ».) Choisissez l'appareil une fois pour
# toutes, au début de votre programme, et envoyez tout sur cet appareil avec `.to(device)`.

# %%
device = "cuda" if torch.cuda.is_available() else "cpu"
print(device, (flat.to(device) @ torch.ones(30, 10).to(device)).device)

# %% [markdown] lang="en"
# And this is what torch is really for. Ask it to watch a number *w*, here 3. If you then compute something from *w*, here
# (*w* - 5)², it tells you the slope (the *gradient*), that is, how fast the result grows as *w* grows. A slope below zero, as
# at *w* = 3, says that the result falls as *w* grows, so to make the result smaller, make *w* larger. A network learns by
# following slopes downhill.

# %% [markdown] lang="fr"
# Et voici à quoi torch sert vraiment. Demandez-lui de surveiller un nombre *w*, ici 3, calculez quelque chose à partir de ce
# nombre, ici (*w* - 5)², et il vous donne la pente (le *gradient*) : à quelle vitesse le résultat augmente quand *w* augmente.
# Une pente négative, comme ici, signifie que le résultat diminue quand *w* augmente : pour descendre, il faut donc augmenter
# *w*. Un réseau apprend en descendant la pente.

# %%
w = torch.tensor(3.0, requires_grad=True)
loss = (w - 5) ** 2
loss.backward()
print(loss.item(), w.grad.item())

# %%
x = np.linspace(1, 9, 100)
near = np.array([2.0, 4.0])
plt.figure(figsize=(4, 2.6))
plt.plot(x, (x - 5) ** 2)
plt.plot(near, loss.item() + w.grad.item() * (near - 3), color="tab:orange", linewidth=3)
plt.plot(3, loss.item(), "o", color="tab:orange")
plt.xlabel("$w$")
plt.ylabel("$(w - 5)^2$")
plt.tight_layout()
plt.show()

# %% [markdown] lang="en"
# ## A digit is 784 numbers
#
# Now a real digit. MNIST has 60,000 digits to learn from, written by people in the United States around 1990, each a picture of
# 28x28 pixels. A copy ships with mnistlab, so the next cell works offline too. Here is the first digit, with all its numbers.

# %% [markdown] lang="fr"
# ## Un chiffre, c'est 784 nombres
#
# Un vrai chiffre, maintenant. MNIST contient 60 000 chiffres d'entraînement, écrits aux États-Unis vers 1990 ; chacun est une
# image de 28x28 pixels. Une copie de MNIST est livrée avec mnistlab : la cellule suivante marche donc aussi sans connexion.
# Voici le premier chiffre, avec tous ses nombres.

# %%
from mnistlab import open_dataset

images, labels = open_dataset("mnist").read("train")
print(images.shape, images.dtype, labels[0])

plt.figure(figsize=(8, 8))
plt.imshow(images[0], cmap="gray")
for (row, column), value in np.ndenumerate(images[0]):
    plt.text(column, row, value, ha="center", va="center", fontsize=6, color="black" if value > 127 else "silver")
plt.axis("off")
plt.tight_layout()
plt.show()

# %% [markdown] lang="en"
# And here are the same 784 numbers as a single row. Your eye gets lost in them, but the program never sees anything else.

# %% [markdown] lang="fr"
# Et voici les mêmes 784 nombres sur une seule ligne. L'œil s'y perd ; le programme, lui, ne voit jamais rien d'autre.

# %%
plt.figure(figsize=(8, 1.2))
plt.imshow(images[0].reshape(1, 784), cmap="gray", aspect="auto")
plt.yticks([])
plt.tight_layout()
plt.show()

# %% [markdown] lang="en"
# ## A first guess, without learning
#
# If a digit is made of numbers, digits can be averaged. Take the average of all images of a 0, of all images of a 1, and so on:
# you get ten blurred pictures.

# %% [markdown] lang="fr"
# ## Deviner sans avoir rien appris
#
# Puisqu'un chiffre est fait de nombres, on peut calculer la moyenne de plusieurs images. Prenez celle de tous les 0, celle de
# tous les 1, et ainsi de suite : voilà dix images floues.

# %%
from mnistlab import MNISTDataLoader

images, labels = MNISTDataLoader("train").dataset[:]
means = torch.stack([images[labels == digit].mean(dim=0) for digit in range(10)])
print(means.shape)
show({str(digit): mean[0] - mean.min() for digit, mean in enumerate(means)})

# %% [markdown] lang="en"
# A new digit is then given the label of the average that it is nearest to. How often is this method right? We try it on digits
# by people whose writing did not go into the averages (`"val"`; day 5 says why that matters). `cdist` measures all distances at
# once.

# %% [markdown] lang="fr"
# On donne alors à un nouveau chiffre l'étiquette (de 0 à 9) de la moyenne dont il est le plus proche. Cette méthode répond-elle
# souvent juste ? Essayons avec des chiffres écrits par d'autres personnes, dont l'écriture n'a pas servi à calculer les
# moyennes (`"val"` ; le jour 5 dira pourquoi c'est important). `cdist` mesure toutes les distances d'un coup.

# %%
images, labels = MNISTDataLoader("val").dataset[:]
distances = torch.cdist(images.flatten(1), means.flatten(1))
print(distances.shape)
guesses = distances.argmin(dim=1)
accuracy = (guesses == labels).float().mean().item()
print(f"{accuracy:.4f}")

# %% [markdown] lang="en"
# More than four answers in five are right (random answers would be right one time in ten), although the program has not learnt
# anything yet. This accuracy is the first result in your diary, the one to beat:

# %% [markdown] lang="fr"
# Plus de quatre réponses sur cinq sont justes (une sur dix seulement, si l'on répond au hasard), alors que le programme n'a
# encore rien appris. Cette exactitude est le premier résultat de votre journal de la semaine, celui qu'il faudra battre :

# %%
from mnistlab.learn.diary import write_down

write_down(day="day1", accuracy=accuracy)

# %% [markdown] lang="en"
# ## What git should not keep
#
# Data can be fetched again and models can be trained again, so neither belongs in git. The file `.gitignore` lists what git
# should ignore, one pattern per line. The next cell writes such a file into this folder, before the first `git add .`:

# %% [markdown] lang="fr"
# ## Ce que git ne doit pas garder
#
# On peut retélécharger des données et réentraîner des modèles : leur place n'est pas dans git. Le fichier `.gitignore` énumère
# ce que git doit ignorer, un motif par ligne. La cellule suivante écrit un tel fichier dans votre dossier de travail, avant le
# premier `git add .` :

# %%
from pathlib import Path

wanted = [".venv/", "data/", "runs/", "*.pth", ".ipynb_checkpoints/"]
ignored = Path(".gitignore")
lines = ignored.read_text(encoding="utf-8").splitlines() if ignored.exists() else []
lines += [line for line in wanted if line not in lines]
ignored.write_text("\n".join(lines) + "\n", encoding="utf-8")
print("\n".join(lines))

# %% [markdown] lang="en"
# ## Exercises
#
# {{exercises}}
#
# ## What you now know
#
# - Which Python is running, and what to do when a module is not found.
# - That a picture is an array whose first index is the row, and that a `uint8` starts again from 0 after 255.
# - A tensor's shape, dtype and device, and the errors that a wrong dtype or device causes.
# - That torch finds slopes by itself, and how often the nearest average is right.
#
# Write a line for yourself: `mnistlab learn note "..." --day day1`

# %% [markdown] lang="fr"
# ## Exercices
#
# {{exercises}}
#
# ## Ce que vous savez maintenant
#
# - Quel Python est utilisé, et que faire quand un module est introuvable.
# - Qu'une image est un tableau dont le premier indice est la ligne, et qu'un `uint8` repart de zéro après 255.
# - La forme, le type et l'appareil d'un tenseur, et les erreurs dues à un mauvais type ou à un mauvais appareil.
# - Que torch trouve les pentes tout seul, et jusqu'où mènent de simples moyennes.
#
# Notez pour vous, en une ligne, l'essentiel de ce que vous avez appris : `mnistlab learn note "..." --day day1 --lang fr`
