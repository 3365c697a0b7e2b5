# %% [markdown] lang="en"
# # Day 6: your own handwriting
#
# It happens to everybody: the network is right 99 times in 100, so you write a digit on a sheet of paper and photograph it, and
# the network's answer is wrong. The next digit gets the same wrong answer. Today you find out why, one cause at a time, and deal
# with each of them.

# %% [markdown] lang="fr"
# # Jour 6 : votre propre écriture
#
# Tout le monde y passe : le réseau a raison 99 fois sur 100, alors on écrit un chiffre sur une feuille, on le photographie, et
# la réponse est fausse. Le chiffre suivant reçoit la même réponse. Aujourd'hui, vous cherchez pourquoi, une cause après
# l'autre, et vous remédiez à chacune.

# %%
from pathlib import Path

import cv2
import matplotlib.pyplot as plt
import numpy as np
import torch

from mnistlab import RECIPES, MNISTDataLoader, Reader, load_model, train

# %% [markdown] lang="en"
# First, we need a network: that of the recipe `quick` (day 7 says what makes it quick). Its accuracy on the test images and
# its training time on two cores of a CPU: {{quick}}.

# %% [markdown] lang="fr"
# Il nous faut d'abord un réseau : celui de la recette `quick` (le jour 7 dira ce qui rend cette recette rapide). Son exactitude
# sur le jeu de test, et la durée de son entraînement sur deux cœurs d'un processeur : {{quick}}.

# %% quick="recipe = recipe.override(steps=20)"
recipe = RECIPES["quick"]

# %%
run, evaluation = train(recipe)
saved = load_model(run)
print(f"{evaluation.accuracy:.2%}")


# %%
def probabilities_of(images):
    pixels = torch.from_numpy(np.stack(images)).float()[:, None] / 255
    with torch.no_grad():
        logits = saved.model((pixels - saved.mean) / saved.std)
    return logits.softmax(dim=1).numpy()


def strip(*pictures, titles=()):
    figure, axes = plt.subplots(1, len(pictures), figsize=(1.6 * len(pictures), 1.9), squeeze=False)
    for number, (axis, picture) in enumerate(zip(axes[0], pictures, strict=True)):
        axis.imshow(picture, cmap="gray", vmin=0, vmax=255)
        axis.set_title(titles[number] if len(titles) else "")
        axis.axis("off")
    figure.tight_layout()
    plt.show()


# %% [markdown] lang="en"
# ## A photograph
#
# At the end of the day you will photograph your own digits. So that this page runs everywhere, and so that we can count the
# errors, we make 300 artificial photographs here: digits by people whose writing the network has never seen, traced with a fine
# dark pen on grey paper, with light coming from the left and the digit not quite in the middle.

# %% [markdown] lang="fr"
# ## Une photographie
#
# À la fin de la journée, vous photographierez votre propre écriture. Pour que cette page marche partout, et pour que nous
# puissions compter les erreurs, nous fabriquons ici 300 photos artificielles : des chiffres de personnes dont le réseau n'a
# jamais vu l'écriture, retracés au stylo fin et foncé sur du papier gris, sous une lumière qui vient de la gauche, et
# légèrement décentrés.


# %%
def trace(digit, pen=7):
    large = cv2.resize(digit, (224, 224), interpolation=cv2.INTER_CUBIC)
    depth = cv2.distanceTransform((large > 110).astype(np.uint8), cv2.DIST_L2, 5)
    middle = (depth > 1) & (depth >= cv2.dilate(depth, np.ones((3, 3))) - 0.3)
    middle = cv2.morphologyEx(middle.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((9, 9)))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (pen, pen))
    return cv2.GaussianBlur(cv2.dilate(middle, disc).astype(np.float32), (5, 5), 0)


def photograph(digit):
    paper = np.linspace(225, 175, 400, dtype=np.float32) + np.zeros((400, 1), np.float32)
    paper[110:334, 130:354] -= 130 * trace(digit)
    return paper.round().astype(np.uint8)


# %%
validation = MNISTDataLoader("val", shuffle=False)
digits = validation.dataset.images[:300, 0].numpy()
labels = validation.dataset.labels[:300].numpy()
photos = [photograph(digit) for digit in digits]
strip(digits[1], photos[1], digits[9], photos[9])

# %% [markdown] lang="en"
# A phone's photograph is in colour: three channels. Give it to the network as it is, and the first layer refuses it:

# %% [markdown] lang="fr"
# Une photo prise avec un téléphone est en couleurs : trois canaux. Donnez-la telle quelle au réseau, et la première couche la
# refuse :

# %% raises="RuntimeError"
colour = np.stack([photos[1]] * 3)
saved.model(torch.from_numpy(colour).float()[None] / 255)

# %% [markdown] lang="en"
# The layer expected 1 channel and got 3: the network wants (B, 1, 28, 28). So make the photo grey, and 28 pixels wide and
# high. In the library Pillow, that is `Image.open("photo.jpg").convert("L").resize((28, 28))`, and it is what most people try
# first.

# %% [markdown] lang="fr"
# L'erreur le dit : la couche attend 1 canal, et elle en reçoit 3. Le réseau veut un tenseur (B, 1, 28, 28). Passons donc la
# photo en niveaux de gris, et à 28 pixels de côté. Avec la bibliothèque Pillow, cela s'écrit
# `Image.open("photo.jpg").convert("L").resize((28, 28))`, et c'est ce que presque tout le monde essaie en premier.

# %%
accuracies = {}


def attempt(number, images):
    answers = probabilities_of(images).argmax(axis=1)
    accuracies[number] = (answers == labels).mean()
    print(f"{accuracies[number]:.1%}", np.bincount(answers, minlength=10))
    strip(*images[1:7], titles=answers[1:7])


def shrink(picture):
    return cv2.resize(picture, (28, 28), interpolation=cv2.INTER_AREA)


attempt(1, [shrink(photo) for photo in photos])

# %% [markdown] lang="en"
# The network's answer is above each picture; the ten numbers say how often it gave each digit from 0 to 9. All photos, or
# nearly all, get the same answer: the famous "my photo is always a 3". (Which digit it is depends on the network.) The network
# does not see a digit here. It sees a large light square, of a kind that it has never met, and some class has to come out on
# top.
#
# ## Cause 1: black on white
#
# MNIST's ink is *bright*, 255, on black, 0. On paper it is the other way round.

# %% [markdown] lang="fr"
# Au-dessus de chaque image se trouve la réponse du réseau ; les dix nombres disent combien de fois il a donné chacun des
# chiffres, du 0 au 9. Toutes les photos, ou presque, reçoivent la même réponse : c'est le fameux « ma photo est toujours un
# 3 ». (D'un réseau à l'autre, le chiffre change.) Le réseau ne voit ici aucun chiffre. Il voit un grand carré clair, comme il
# n'en a jamais rencontré, et il faut bien qu'une classe l'emporte.
#
# ## Première cause : noir sur blanc
#
# Dans MNIST, l'encre est *claire*, 255, sur du noir, 0. Sur le papier, c'est l'inverse.

# %%
attempt(2, [255 - shrink(photo) for photo in photos])

# %% [markdown] lang="en"
# Inverting is not enough. The paper was not white but grey, and darker on the right; inverted, it is not 0. MNIST's background
# is 0 at every pixel, and the network has learnt to count on that.
#
# ## Cause 2: the paper
#
# To estimate how light the paper is at a pixel, take the median of a wide neighbourhood, most of which is paper. The ink is
# this estimate minus the photo. But beware of the subtraction: `uint8` has no negative numbers, and goes from 0 back to 255,
# like an old mileage counter turning backwards.

# %% [markdown] lang="fr"
# Inverser la photo ne suffit pas. Le papier n'était pas blanc mais gris, et plus sombre à droite ; inversé, il ne donne pas 0.
# Le fond des images de MNIST vaut 0 partout, et le réseau a appris à compter là-dessus.
#
# ## Deuxième cause : le papier
#
# Pour estimer la clarté du papier en un point, prenons la médiane d'un large voisinage, où il y a surtout du papier. L'encre,
# c'est cette estimation moins la photo. Mais gare à la soustraction : `uint8` ne connaît pas de nombres négatifs, et passe de 0 à
# 255, comme un vieux compteur kilométrique qui tournerait à l'envers.

# %%
print(np.array([200], np.uint8) - np.array([201], np.uint8))

paper = cv2.medianBlur(photos[1], 151)
strip(photos[1], paper, paper - photos[1], cv2.subtract(paper, photos[1]))

# %% [markdown] lang="en"
# The third picture is NumPy's subtraction: wherever the photo is lighter than the estimated paper, even by a hair's breadth,
# the picture shows ink. `cv2.subtract` stops at 0. The next step is to stretch the contrast, so that the darkest ink is 255.

# %% [markdown] lang="fr"
# La troisième image montre ce que donne la soustraction avec NumPy : partout où la photo est plus claire que le papier estimé,
# même d'un rien, cette image montre de l'encre. `cv2.subtract` s'arrête à 0. Il reste à étirer le contraste, pour que l'encre
# la plus sombre vaille 255.


# %%
def ink_of(photo):
    ink = cv2.subtract(cv2.medianBlur(photo, 151), photo)
    return cv2.convertScaleAbs(ink, alpha=255 / ink.max())


inks = [ink_of(photo) for photo in photos]
attempt(3, [shrink(ink) for ink in inks])

# %% [markdown] lang="en"
# A human can now read every one of these digits. The network cannot: they are small, off centre and faint.
#
# ## Cause 3: size and place
#
# Should we cut the digit out and make it fill the picture? Try it, and look at what becomes of the 1s:

# %% [markdown] lang="fr"
# Maintenant, un être humain peut lire toutes ces images. Le réseau ne le peut pas : les chiffres sont petits, décentrés et
# pâles.
#
# ## Troisième cause : la taille et la place
#
# Faut-il découper le chiffre et lui faire remplir l'image ? Essayez, et regardez ce que deviennent les 1 :


# %%
def cut_out(ink):
    rows = np.flatnonzero((ink > 80).any(axis=1))
    columns = np.flatnonzero((ink > 80).any(axis=0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


attempt(4, [shrink(cut_out(ink)) for ink in inks])

# %% [markdown] lang="en"
# The 1s are stretched beyond recognition. How were MNIST's own images made? From the black and white scans of NIST, an American
# institute, in two steps: the digit was scaled, *keeping its proportions*, to fit a box of 20x20 pixels (that is where the grey
# edges come from); then the box was laid on 28x28 pixels so that the digit's *centre of mass*, the point at which it would
# balance on a fingertip, was in the middle. You need not take our word for it: measure.

# %% [markdown] lang="fr"
# Les 1 sont étirés au point d'être méconnaissables. Comment les images de MNIST ont-elles été faites ? À partir des
# numérisations en noir et blanc du NIST (un institut américain), en deux temps : on a mis le chiffre à l'échelle, *sans changer
# ses proportions*, pour qu'il tienne dans un carré de 20x20 pixels (c'est de là que viennent les bords gris des traits) ; puis
# on a posé ce carré sur une image de 28x28 pixels, de façon à mettre au milieu le *centre de masse* du chiffre, le point par
# lequel il tiendrait en équilibre sur le bout du doigt. Inutile de nous croire sur parole : mesurez.


# %%
def centre_of_mass(image):
    rows, columns = np.indices(image.shape)
    return (rows * image).sum() / image.sum(), (columns * image).sum() / image.sum()


longest = [max(cut_out(digit).shape) for digit in digits]
centres = np.array([centre_of_mass(digit) for digit in digits])
print(np.bincount(longest)[18:], centres.mean(axis=0), np.abs(centres - 14).max())

figure, (left, right) = plt.subplots(1, 2, figsize=(6, 2.4))
left.hist(longest, bins=np.arange(14.5, 23))
right.scatter(centres[:, 1], centres[:, 0], s=4)
right.set(xlim=(0, 27), ylim=(27, 0), aspect="equal")
figure.tight_layout()
plt.show()

# %% [markdown] lang="en"
# Left: a histogram of the digits' longer sides, in pixels. Right: the centres of mass of the 300 digits, on the 28x28 pixels.
# So let us prepare our photos in the same way:

# %% [markdown] lang="fr"
# À gauche, l'histogramme du plus grand côté des chiffres, en pixels. À droite, les centres de masse des 300 chiffres, sur les
# 28x28 pixels. Préparons donc nos photos de la même façon :


# %%
def as_mnist(ink):
    piece = cut_out(ink)
    scale = 20 / max(piece.shape)
    height, width = (max(1, round(side * scale)) for side in piece.shape)
    image = np.zeros((28, 28), np.uint8)
    image[:height, :width] = cv2.resize(piece, (width, height), interpolation=cv2.INTER_AREA)
    down, across = (round(14 - middle) for middle in centre_of_mass(image))
    return np.roll(image, (down, across), axis=(0, 1))


attempt(5, [as_mnist(ink) for ink in inks])

# %% [markdown] lang="en"
# That was the largest gain of the day. One thing is left.
#
# ## Cause 4: the pen
#
# A modern pen is finer than the pens of MNIST's writers, and a line that is thinner than a pixel of the small image turns
# grey. Measure how wide the strokes are, in pixels of the 28x28 image, and make them thicker: `cv2.dilate` gives each pixel
# the brightest value around it.

# %% [markdown] lang="fr"
# C'était le plus grand progrès de la journée. Il reste une chose à corriger.
#
# ## Quatrième cause : le stylo
#
# Un stylo d'aujourd'hui est plus fin que ceux qui ont servi à écrire MNIST, et un trait plus mince qu'un pixel de la petite
# image devient gris. Mesurez la largeur des traits, en pixels de l'image de 28x28, puis épaississez ces traits : `cv2.dilate`
# donne à chaque pixel la valeur la plus claire de son voisinage.

# %%
from mnistlab.reading.paper import stroke_width


def width_in_box(ink):
    piece = cut_out(ink)
    return stroke_width((piece > 80).astype(np.uint8)) * 20 / max(piece.shape)


large = [cv2.resize(digit, (224, 224), interpolation=cv2.INTER_CUBIC) for digit in digits]
for strokes in (large, inks):
    widths = [width_in_box(one) for one in strokes]
    print(f"{np.median(widths):.2f}")

# %%
pen = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (15, 15))
attempt(6, [as_mnist(cv2.dilate(ink, pen)) for ink in inks])

# %% [markdown] lang="en"
# ## mnistlab's reader
#
# `Reader` takes the same steps, for any picture: `find_ink` removes paper, shadow and ruled lines, and straightens the page
# (the ink may also be light on dark paper); `find_pieces` finds the connected strokes; `to_mnist_form` does what `as_mnist` does,
# and corrects the width of strokes that are far too thin or far too thick.

# %% [markdown] lang="fr"
# ## Le lecteur de mnistlab
#
# `Reader` suit ces mêmes étapes, pour n'importe quelle image : `find_ink` enlève le papier, les ombres et les lignes imprimées,
# et redresse la feuille (l'encre peut aussi être claire sur un fond sombre) ; `find_pieces` trouve les traits d'un seul
# tenant ; `to_mnist_form` fait ce que fait `as_mnist`, et corrige l'épaisseur des traits beaucoup trop fins ou beaucoup trop
# épais.

# %%
from mnistlab.reading.ink import find_ink
from mnistlab.reading.mnist_form import to_mnist_form
from mnistlab.reading.pieces import find_pieces

ink = find_ink(photos[1])
piece = max(find_pieces(ink), key=lambda piece: piece.height)
strip(photos[1], ink.strength, piece.strength, to_mnist_form(piece), digits[1])

# %%
reader = Reader()
pages = [reader.read(photo) for photo in photos[:100]]
accuracies[7] = np.mean([page.text == str(label) for page, label in zip(pages, labels[:100], strict=True)])

plt.figure(figsize=(5, 2.4))
plt.bar(list(accuracies), [100 * accuracy for accuracy in accuracies.values()])
plt.ylabel("%")
plt.tight_layout()
plt.show()

# %% [markdown] lang="en"
# The day in one picture: 1, as photographed; 2, inverted; 3, without the paper; 4, stretched; 5, as in MNIST; 6, with a
# thicker pen; 7, `Reader` on the first 100 photos. For the last bar, the text of the whole picture must be right, and the
# reader must be sure of it: where it hesitates, it writes "?". Our network, on the other hand, always has to answer, which is
# the next subject.
#
# ## Not a digit
#
# Here are four marks that are not digits. The network's softmax shares out a probability of 1 among ten digits, whatever comes
# in: the network *has* to answer.

# %% [markdown] lang="fr"
# La journée en un graphique : 1, la photo telle quelle ; 2, inversée ; 3, sans le papier ; 4, étirée ; 5, comme dans MNIST ; 6,
# avec un trait plus épais ; 7, `Reader`, sur les 100 premières photos. Pour la dernière barre, il faut que le texte de l'image
# entière soit juste, et que le lecteur en soit sûr : quand il hésite, il écrit « ? ». Notre réseau, lui, doit toujours
# répondre : c'est ce que nous allons voir.
#
# ## Ce qui n'est pas un chiffre
#
# Voici quatre dessins qui ne sont pas des chiffres. Le softmax du réseau partage une probabilité de 1 entre dix chiffres, quoi
# qu'on montre au réseau : celui-ci est *obligé* de répondre.

# %%
marks = np.zeros((4, 200, 200), np.uint8)
cv2.putText(marks[0], "K", (50, 150), cv2.FONT_HERSHEY_SIMPLEX, 5, 255, 16)
cv2.drawMarker(marks[1], (100, 100), 255, cv2.MARKER_STAR, 120, 16)
cv2.rectangle(marks[2], (50, 60), (150, 140), 255, 16)
turns = np.linspace(0, 6 * np.pi, 100)
spiral = np.stack([100 + 4 * turns * np.cos(turns), 100 + 4 * turns * np.sin(turns)], axis=1)
cv2.polylines(marks[3], [spiral.astype(np.int32)], False, 255, 9)

forms = np.stack([as_mnist(mark) for mark in marks])
for values in (probabilities_of(forms), reader.classify(forms)[1]):
    print([f"{row.argmax()}: {row.max():.0%}" for row in values])
print(f"{reader.threshold:.0%}")
strip(*forms)

# %% [markdown] lang="en"
# The first line has our network's answers, the second the reader's; the third line is the threshold, the lowest probability at
# which the reader accepts an answer. In training, the reader's network has also seen letters, scribbles and pieces of digits,
# with the target "all ten digits equally probable", so it has learnt to be unsure. Its probabilities are then calibrated (day
# 5), and the threshold is set to let through 99 % of the validation digits. The reader is not infallible: like people, it can
# take an O for a 0 and an l for a 1.
#
# ## A page
#
# Let us write three clock times (1945 for 19:45), each in one person's hand, on ruled paper that lies a little askew, and add
# a K, which is not a digit:

# %% [markdown] lang="fr"
# La première ligne donne les réponses de notre réseau, la deuxième celles du lecteur ; la troisième est le seuil, c'est-à-dire
# la probabilité à partir de laquelle le lecteur accepte une réponse. Pendant son entraînement, le réseau du lecteur a vu aussi
# des lettres, des gribouillis et des morceaux de chiffres, avec pour consigne « les dix chiffres à égalité » : il a appris à
# douter. Ses probabilités sont ensuite calibrées (jour 5), et le seuil est choisi pour laisser passer 99 % des chiffres de
# validation. Le lecteur n'est pas infaillible : il peut, comme nous, prendre un O pour un 0 et un l pour un 1.
#
# ## Une page
#
# Écrivons trois horaires (1945 pour 19 h 45), chacun de la main d'une seule personne, sur du papier ligné posé un peu de
# travers, et ajoutons un K, qui n'est pas un chiffre :

# %%
from mnistlab.data.numbers import write_numbers

everything = validation.dataset.images[:, 0].numpy()
numbers = write_numbers("time", validation.dataset.labels.numpy(), validation.writers, count=3, seed=1)
page = np.linspace(240, 170, 900, dtype=np.float32) + np.zeros((700, 1), np.float32)
page[165::180] -= 40
for line, number in enumerate(numbers):
    for place, index in enumerate(number.indices):
        y, x = 40 + 180 * line, 60 + 190 * place
        page[y : y + 224, x : x + 224] -= 120 * trace(everything[index], pen=9)
page[400:600, 680:880] -= 0.45 * marks[0]
turn = cv2.getRotationMatrix2D((450, 350), 3, 1)
page = cv2.warpAffine(page.clip(0, 255), turn, (900, 700), borderMode=cv2.BORDER_REPLICATE).astype(np.uint8)
cv2.imwrite("page.png", page)

# %%
from mnistlab.reading.annotation import annotate

found = reader.read("page.png")
print([number.digits for number in numbers], found.text.split("\n"))
plt.figure(figsize=(6, 4.6))
plt.imshow(annotate("page.png", found))
plt.axis("off")
plt.show()

# %% [markdown] lang="en"
# The same on the command line, without PyTorch: `mnistlab read page.png --annotate read.png`.
#
# ## Now yours
#
# Write a few digits with a pen, photograph the sheet, save the picture in this folder as `mine.jpg` and run the next cell. If
# an answer is wrong, look at the small picture below it: that is what the network saw. Is the digit whole? Is its ink in one
# piece? Is the bar of a crossed 7 still there? Nothing leaves your computer.

# %% [markdown] lang="fr"
# La même chose en ligne de commande, sans PyTorch : `mnistlab read page.png --annotate read.png`.
#
# ## À vous
#
# Écrivez quelques chiffres au stylo, photographiez la feuille, enregistrez l'image dans votre dossier de travail sous le nom
# `mine.jpg`, et lancez la cellule suivante. Si une réponse est fausse, regardez la petite image au-dessous : c'est ce que le
# réseau a vu. Le chiffre est-il entier ? L'encre est-elle d'un seul tenant ? Si c'est un 7 barré, la barre est-elle toujours
# là ? Rien ne quitte votre ordinateur.

# %%
if Path("mine.jpg").exists():
    mine = reader.read("mine.jpg")
    print(mine.text)
    if seen := mine.digits[:12]:
        strip(*[digit.image for digit in seen], titles=[f"{digit.value}  {digit.probability:.0%}" for digit in seen])

# %% [markdown] lang="en"
# Write in your diary the accuracy that your own preprocessing reached:

# %% [markdown] lang="fr"
# Notez dans votre journal l'exactitude que votre propre prétraitement a permis d'atteindre :

# %%
from mnistlab.learn.diary import write_down

write_down(day="day6", accuracy=float(accuracies[6]))

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
# - A network knows only pictures like those it was trained on; in MNIST, these have bright ink on 0, in a box of 20x20,
#   balanced in the middle of 28x28, with strokes two to three pixels wide.
# - "It is always the same digit" has four causes: the ink is dark, the paper is grey, the digit is off centre, and the pen is
#   thin.
# - `uint8` wraps around at 0 and 255; `cv2.subtract` does not.
# - A softmax always answers. If you want "I do not know", train the network to be unsure, calibrate it and set a threshold.
#
# Write a line for yourself: `mnistlab learn note "..." --day day6`

# %% [markdown] lang="fr"
# ## Ce que vous savez maintenant
#
# - Un réseau ne connaît que des images semblables à celles de son entraînement : une encre claire sur un fond à 0, un chiffre
#   qui tient dans un carré de 20x20 et dont le centre de masse est au milieu de l'image, des traits larges de deux à trois
#   pixels.
# - « C'est toujours le même chiffre » a quatre causes : l'encre est sombre, le papier est gris, le chiffre est décentré et le
#   trait est fin.
# - `uint8` déborde à 0 et à 255 ; `cv2.subtract`, non.
# - Un softmax répond toujours. Pour obtenir « je ne sais pas », il faut entraîner le réseau à douter, le calibrer et fixer un
#   seuil.
#
# Notez pour vous, en une ligne, l'essentiel de ce que vous avez appris : `mnistlab learn note "..." --day day6 --lang fr`
