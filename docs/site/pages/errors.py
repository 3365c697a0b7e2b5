# %% [markdown] lang="en"
# # The errors that everyone runs into
#
# Fourteen of them, made on purpose: what you see, why, and the remedy. An error message is read from its last line upwards;
# that last line is what is shown here. Some of the fourteen raise no error at all: those are the worst.

# %% [markdown] lang="fr"
# # Les erreurs que tout le monde rencontre
#
# En voici quatorze, commises exprès : ce que l'on voit, pourquoi, et le remède. Un message d'erreur se lit en commençant par
# la dernière ligne ; c'est elle qui figure ici. Certaines des quatorze ne donnent aucun message : ce sont les pires.

# %%
import torch
from torch import nn

torch.manual_seed(0)
images = torch.rand(64, 1, 28, 28)
labels = torch.randint(10, (64,))

# %% [markdown] lang="en"
# ## 1. The download fails: 403, 503
#
# > RuntimeError: Error downloading train-images-idx3-ubyte.gz: Tried ..., got: HTTP Error 403: Forbidden
#
# **Why.** The server that hosted MNIST for twenty years turns programs away, and a mirror may be overloaded (503). Your code
# is not to blame. **Remedy.** Do not try a hundred times. A copy of MNIST ships with mnistlab: `mnistlab data` puts it where
# torchvision looks for it, and `download=True` then finds it there ([day 2](day2.ipynb)).

# %% [markdown] lang="fr"
# ## 1. Le téléchargement échoue : 403, 503
#
# > RuntimeError: Error downloading train-images-idx3-ubyte.gz: Tried ..., got: HTTP Error 403: Forbidden
#
# **Pourquoi.** Le serveur qui a hébergé MNIST pendant vingt ans refuse désormais les programmes, et un miroir peut être
# surchargé (503). Votre code n'y est pour rien. **Remède.** N'insistez pas. Une copie de MNIST est livrée avec mnistlab :
# `mnistlab data` la place là où torchvision la cherche, et `download=True` l'y trouve ([jour 2](day2.ipynb)).

# %% [markdown] lang="en"
# ## 2. `mat1 and mat2 shapes cannot be multiplied`

# %% [markdown] lang="fr"
# ## 2. `mat1 and mat2 shapes cannot be multiplied`

# %% raises="RuntimeError"
wrong = nn.Sequential(
    nn.Conv2d(1, 16, kernel_size=3, padding=1), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(16 * 28 * 28, 10)
)
wrong(images)

# %% [markdown] lang="en"
# **Why.** `mat1` is what arrives: 64 rows of 3136 numbers. `mat2` is the linear layer, made for rows of 12544. Max-pooling
# has halved both sides, and 16 · 14 · 14 is 3136. **Remedy.** Print the shape of what arrives at the layer, and give the layer
# that size.

# %% [markdown] lang="fr"
# **Pourquoi.** `mat1` est ce qui arrive : 64 lignes de 3136 nombres. `mat2` est la couche linéaire, faite pour des lignes
# de 12544. Le max-pooling a divisé les deux côtés par deux, et 16 · 14 · 14 font 3136. **Remède.** Affichez la forme de ce qui
# arrive à la couche, et donnez à la couche cette taille.

# %%
print(wrong[:3](images).shape)

# %% [markdown] lang="en"
# ## 3. Softmax before `CrossEntropyLoss`, or over the wrong dimension
#
# No error. The loss falls a little and then stays at about 1.46; or it does not fall at all.

# %% [markdown] lang="fr"
# ## 3. Un softmax avant `CrossEntropyLoss`, ou sur la mauvaise dimension
#
# Aucune erreur. La perte baisse un peu, puis se fige vers 1,46 ; ou bien elle ne baisse pas du tout.

# %%
perfect = torch.zeros(1, 10)
perfect[0, 7] = 1
print(f"{nn.CrossEntropyLoss()(perfect, torch.tensor([7])):.4f}")

logits = torch.randn(64, 10)
print(logits.softmax(dim=1).sum(dim=1)[:3], logits.softmax(dim=0).sum(dim=1)[:3])

# %% [markdown] lang="en"
# **Why.** `CrossEntropyLoss` has a log-softmax in it. Given probabilities instead of logits, it sees numbers that only go from
# 0 to 1: even the perfect answer, above, has a loss of 1.46. And with `dim=0`, the probabilities add up to 1 over the 64
# pictures, not over the ten classes: the last three sums are not 1. **Remedy.** Let the network end in logits; to look at
# probabilities, call `softmax(dim=1)`. `mnistlab doctor` finds a double softmax in a network of yours.

# %% [markdown] lang="fr"
# **Pourquoi.** `CrossEntropyLoss` contient déjà un log-softmax. Les probabilités qu'elle reçoit au lieu des logits ne vont que
# de 0 à 1 : même la réponse parfaite, ci-dessus, a une perte de 1,46. Et `dim=0` répartit les probabilités entre les 64 images,
# non entre les dix classes : les trois dernières sommes ne font pas 1. **Remède.** Terminez le réseau par des logits ; pour
# regarder des probabilités, appelez `softmax(dim=1)`. `mnistlab doctor` trouve un double softmax dans votre réseau.

# %% [markdown] lang="en"
# ## 4. My own photo is always a 3
#
# No error: nearly every photo gets the same answer, whatever it shows. Which answer they get is a matter of chance; for many
# people it is a 3.

# %% [markdown] lang="fr"
# ## 4. Ma photo est toujours un 3
#
# Aucune erreur : toutes les photos, ou presque, reçoivent la même réponse, quoi qu'elles montrent. Laquelle ? Le hasard en
# décide : chez beaucoup, c'est un 3.

# %%
from mnistlab import MNISTDataLoader

training = MNISTDataLoader("train", batch_size=100, seed=0)
batches = [batch for batch, _ in zip(training, range(100), strict=False)]
network = nn.Sequential(nn.Flatten(), nn.Linear(784, 64), nn.ReLU(), nn.Dropout(0.5), nn.Linear(64, 10))
optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
correct = 0
for pictures, digits in batches:
    optimizer.zero_grad()
    logits = network(pictures)
    nn.CrossEntropyLoss()(logits, digits).backward()
    optimizer.step()
    correct += (logits.argmax(dim=1) == digits).sum().item()

network.eval()
pictures, _ = batches[0]
paper = pictures.min() + pictures.max()
for shown in (pictures, paper - pictures):
    print(network(shown).argmax(dim=1).bincount(minlength=10).tolist())

# %% [markdown] lang="en"
# A small network was trained for a hundred steps. The two lines say how often it answers 0, 1, 2 ... 9: first to a hundred
# digits as they are in MNIST, then to the same digits inverted, with dark ink on white, as in a photo. **Why.** The network has
# only seen bright ink on black, thick, in the middle, 20 pixels high. **Remedy.** Invert, centre, scale, or let
# `mnistlab read photo.jpg` do it; [day 6](day6.ipynb) does it step by step.

# %% [markdown] lang="fr"
# Un petit réseau, entraîné pendant cent pas. Voici combien de fois il répond 0, 1, 2 ... 9, d'abord à cent chiffres tels que
# MNIST les donne, puis aux mêmes chiffres inversés, encre sombre sur blanc, comme sur une photo. **Pourquoi.** Le réseau n'a
# vu que de l'encre claire sur du noir, épaisse, au milieu, haute de 20 pixels. **Remède.** Inversez, centrez, mettez à
# l'échelle, ou laissez faire `mnistlab read photo.jpg` ; le [jour 6](day6.ipynb) procède pas à pas.

# %% [markdown] lang="en"
# ## 5. `Weights only load failed`

# %% [markdown] lang="fr"
# ## 5. `Weights only load failed`

# %% raises="UnpicklingError"
torch.save(wrong, "whole.pth")
torch.load("whole.pth")

# %% [markdown] lang="en"
# **Why.** Since PyTorch 2.6, `torch.load` takes tensors and plain values only: a file that holds an object may run any
# program on your computer when it is loaded. **Remedy.** Save the weights, `torch.save(network.state_dict(), ...)`. Write
# `weights_only=False` only for a file that you made yourself.

# %% [markdown] lang="fr"
# **Pourquoi.** Depuis PyTorch 2.6, `torch.load` n'accepte que des tenseurs et des valeurs simples : un fichier qui contient
# un objet peut lancer n'importe quel programme sur votre ordinateur. **Remède.** Enregistrez les poids,
# `torch.save(network.state_dict(), ...)`. N'écrivez `weights_only=False` que pour un fichier que vous avez créé vous-même.

# %% [markdown] lang="en"
# ## 6. Workers on Windows and macOS
#
# > RuntimeError: An attempt has been made to start a new process before the current process has finished its bootstrapping phase.
#
# **Why.** A loader with `num_workers=2` starts two more Python processes; on these systems each of them imports your script
# anew, which starts two more, and so on. **Remedy.** Put what the script *does* below `if __name__ == "__main__":`. Or keep
# `num_workers=0`: `MNISTDataLoader` has the images in memory and needs no workers.

# %% [markdown] lang="fr"
# ## 6. Les processus auxiliaires sous Windows et macOS
#
# > RuntimeError: An attempt has been made to start a new process before the current process has finished its bootstrapping phase.
#
# **Pourquoi.** Un chargeur avec `num_workers=2` lance deux autres processus Python ; sur ces systèmes, chacun importe à nouveau
# votre script, qui en lance deux autres, et ainsi de suite. **Remède.** Placez sous `if __name__ == "__main__":` ce que *fait*
# le script. Ou gardez `num_workers=0` : `MNISTDataLoader` a les images en mémoire et n'a pas besoin de processus auxiliaires.

# %% [markdown] lang="en"
# ## 7. Tensors on two devices
#
# > RuntimeError: Expected all tensors to be on the same device, ... cuda:0 ... cpu
#
# **Why.** The network is on the graphics card, the images are not. **Remedy.** Put both on the same device:
# `network.to(device)` once, and in the loop `images, labels = images.to(device), labels.to(device)`. `to` on a network
# changes the network; `to` on a tensor *returns* a new one, so keep it. Without a card, the device `meta`, which only knows
# shapes, shows the same mistake:

# %% [markdown] lang="fr"
# ## 7. Des tenseurs sur deux appareils
#
# > RuntimeError: Expected all tensors to be on the same device, ... cuda:0 ... cpu
#
# **Pourquoi.** Le réseau est sur la carte graphique, les images n'y sont pas. **Remède.** Placez les deux au même endroit :
# `network.to(device)` une fois, et dans la boucle `images, labels = images.to(device), labels.to(device)`. Appelé sur un
# réseau, `to` le modifie ; appelé sur un tenseur, il en *renvoie* un nouveau : gardez-le. Sans carte, l'appareil `meta`, qui
# ne connaît que des formes, montre la même faute :

# %% raises="RuntimeError"
nn.Linear(784, 10, device="meta")(images.flatten(1))

# %% [markdown] lang="en"
# ## 8. Input and weight of different types

# %% [markdown] lang="fr"
# ## 8. Une entrée et des poids de types différents

# %% raises="RuntimeError"
pixels = (images * 255).to(torch.uint8)
nn.Conv2d(1, 16, kernel_size=3)(pixels)

# %% [markdown] lang="en"
# **Why.** The picture is made of bytes (`unsigned char`; on some machines the message says `Byte`), the weights of `float32`.
# NumPy's numbers, which are `double`, give an error of the same kind. **Remedy.** Call `images.float()`, then normalise as in
# training; `MNISTDataLoader` does both, and so does `ToTensor` followed by `Normalize`.

# %% [markdown] lang="fr"
# **Pourquoi.** L'image est faite d'octets (`unsigned char` ; sur certaines machines, le message dit `Byte`), les poids de
# `float32`. Les nombres de NumPy, des `double`, donnent une erreur du même genre. **Remède.** Appelez `images.float()`, puis
# normalisez comme à l'entraînement ; `MNISTDataLoader` fait les deux, de même que `ToTensor` suivi de `Normalize`.

# %% [markdown] lang="en"
# ## 9. Three channels into one

# %% [markdown] lang="fr"
# ## 9. Trois canaux au lieu d'un

# %% raises="RuntimeError"
colour = torch.rand(1, 3, 28, 28)
nn.Conv2d(1, 16, kernel_size=3)(colour)

# %% [markdown] lang="en"
# **Why.** The photo is in colour: red, green and blue; the network was made for one channel. **Remedy.** Make the photo grey,
# `Image.open("photo.jpg").convert("L")`.

# %% [markdown] lang="fr"
# **Pourquoi.** La photo est en couleurs : rouge, vert et bleu ; le réseau est fait pour un seul canal. **Remède.** Passez la
# photo en niveaux de gris, `Image.open("photo.jpg").convert("L")`.

# %% [markdown] lang="en"
# ## 10. Better in validation than in training
#
# No error, and most often no mistake either. **Why.** Training accuracy is measured *with* dropout and augmentation, and
# while the network is still learning: its mean over the epoch is that of a younger network. Here is the accuracy of the
# network from number 4 on the same 10,000 pictures, first counted while it was learning, then measured afterwards, as in
# validation:

# %% [markdown] lang="fr"
# ## 10. Meilleur en validation qu'à l'entraînement
#
# Aucune erreur, et le plus souvent aucune faute non plus. **Pourquoi.** L'exactitude à l'entraînement se mesure *avec* le
# dropout et l'augmentation, et pendant que le réseau apprend encore : sa moyenne sur l'époque est celle d'un réseau plus
# jeune. Voici l'exactitude du réseau du numéro 4 sur les mêmes 10 000 images, comptée pendant qu'il apprenait, puis mesurée
# après coup, comme en validation :

# %%
again = sum((network(pictures).argmax(dim=1) == digits).sum().item() for pictures, digits in batches)
print(f"{correct / 10_000:.1%} {again / 10_000:.1%}")
assert again > correct

# %% [markdown] lang="en"
# **Remedy.** To compare the two, measure on the training images once more after the epoch, in `eval()` and without augmentation.
# If validation is still ahead then, check whether it holds pictures that training has seen ([day 5](day5.ipynb)).

# %% [markdown] lang="fr"
# **Remède.** Pour comparer les deux, mesurez de nouveau sur les images d'entraînement, après l'époque, en `eval()` et sans
# augmentation. Si la validation reste devant, vérifiez qu'elle ne contient pas d'images vues à l'entraînement ([jour
# 5](day5.ipynb)).

# %% [markdown] lang="en"
# ## 11. Forgotten `zero_grad()`
#
# No error; the loss falls at first, then jumps about.

# %% [markdown] lang="fr"
# ## 11. `zero_grad()` oublié
#
# Aucune erreur ; la perte baisse d'abord, puis saute dans tous les sens.

# %%
layer = nn.Linear(784, 10)
for _ in range(3):
    nn.CrossEntropyLoss()(layer(images.flatten(1)), labels).backward()
    print(f"{layer.weight.grad.norm():.4f}")

# %% [markdown] lang="en"
# **Why.** `backward()` *adds* to the gradients that are there: after three calls they are three times as large, and after a
# hundred steps the network is chasing a hundred old mistakes. **Remedy.** Call `optimizer.zero_grad()` at the start of each
# step.

# %% [markdown] lang="fr"
# **Pourquoi.** `backward()` *ajoute* ses gradients à ceux qui sont déjà là : après trois appels, ils sont trois fois plus
# grands, et après cent pas, le réseau court après cent erreurs passées. **Remède.** Appelez `optimizer.zero_grad()` au début
# de chaque pas.

# %% [markdown] lang="en"
# ## 12. Forgotten `eval()`
#
# With batch norm and a single picture there is an error; with two or more there is none, but the same picture gets another
# answer each time.

# %% [markdown] lang="fr"
# ## 12. `eval()` oublié
#
# Avec une normalisation par lot et une seule image, il y a une erreur ; avec deux images ou plus, il n'y en a aucune, mais la
# même image reçoit chaque fois une autre réponse.

# %% raises="ValueError"
network = nn.Sequential(nn.Flatten(), nn.Linear(784, 16), nn.BatchNorm1d(16), nn.Dropout(0.5), nn.Linear(16, 10))
network(images[:1])

# %%
print([round(network(images[:8])[0, 0].item(), 3) for _ in range(3)])
network.eval()
print([round(network(images[:8])[0, 0].item(), 3) for _ in range(3)])

# %% [markdown] lang="en"
# **Why.** In training, dropout leaves numbers out at random, which is why the same eight pictures got three answers; and
# batch norm takes the mean and standard deviation from the batch, so that other neighbours would change the answer too.
# **Remedy.** Call `network.eval()` before you measure or use the network, `network.train()` before you go on training.

# %% [markdown] lang="fr"
# **Pourquoi.** À l'entraînement, le dropout omet des nombres au hasard : voilà pourquoi les huit mêmes images ont donné trois
# réponses. Et la normalisation par lot prend la moyenne et l'écart type du lot : d'autres voisins changeraient la réponse, eux
# aussi. **Remède.** Appelez `network.eval()` avant de mesurer le réseau ou de vous en servir, `network.train()` avant de
# reprendre l'entraînement.

# %% [markdown] lang="en"
# ## 13. One-hot labels
#
# A table of zeros and ones is refused if it holds whole numbers; a table of floats is accepted, and its values are taken for
# probabilities.

# %% [markdown] lang="fr"
# ## 13. Des étiquettes « one-hot »
#
# Un tableau de 0 et de 1 en nombres entiers est refusé ; en nombres à virgule flottante, il est accepté, et ses valeurs sont
# prises pour des probabilités.

# %% raises="RuntimeError"
one_hot = nn.functional.one_hot(labels, 10)
logits = torch.randn(64, 10)
nn.CrossEntropyLoss()(logits, one_hot)

# %%
print(f"{nn.CrossEntropyLoss()(logits, one_hot.float()):.4f} {nn.CrossEntropyLoss()(logits, labels):.4f}")

# %% [markdown] lang="en"
# **Why.** `CrossEntropyLoss` wants for each picture the number of its class, `int64` of shape (B,). **Remedy.** Leave the
# labels as the loader gives them; if you have a table, take `one_hot.argmax(dim=1)`.

# %% [markdown] lang="fr"
# **Pourquoi.** `CrossEntropyLoss` attend pour chaque image le numéro de sa classe, soit un tenseur `int64` de forme (B,).
# **Remède.** Laissez les étiquettes telles que le chargeur les donne ; si vous avez un tableau, prenez `one_hot.argmax(dim=1)`.

# %% [markdown] lang="en"
# ## 14. Labels out of range

# %% [markdown] lang="fr"
# ## 14. Des étiquettes hors limites

# %% raises="IndexError"
nn.CrossEntropyLoss()(torch.randn(1, 10), torch.tensor([10]))

# %% [markdown] lang="en"
# **Why.** Ten classes have the numbers 0 to 9, but EMNIST's letters, for instance, begin at 1. (On a graphics card, the
# message for the same mistake is "device-side assert triggered", and often points to a later line of your code.) **Remedy.**
# Look at `labels.min()` and `labels.max()`; subtract 1, or give the network one more class. `MNISTDataLoader` numbers every
# dataset from 0.

# %% [markdown] lang="fr"
# **Pourquoi.** Dix classes portent les numéros 0 à 9, mais les lettres d'EMNIST, par exemple, commencent à 1. (Sur une carte
# graphique, la même faute donne le message « device-side assert triggered », qui désigne souvent une ligne située plus loin
# dans votre code.) **Remède.** Regardez `labels.min()` et `labels.max()` ; retranchez 1, ou donnez au réseau une classe de
# plus. `MNISTDataLoader` numérote tous les jeux de données à partir de 0.
