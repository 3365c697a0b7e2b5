// More of the page's words in French: of keeping a drawing, of the tab "Learning", of breaking and comparing.

export const MORE_FRENCH = {
  link: "Copier le lien",
  linkTitle: "Un lien qui ouvre la page avec ce dessin",
  linkCopied: "Le lien avec votre dessin est copié.",
  linkInAddress: "Le lien avec votre dessin est dans la barre d’adresse : copiez-le de là.",
  linkBroken: "Le dessin de ce lien est abîmé, la feuille reste telle quelle. Redemandez le lien, ou dessinez.",
  save: "Enregistrer l’image",
  saveTitle: "Un PNG avec le dessin et ce que le réseau en fait",
  pictureSaved: "L’image est enregistrée : mnistlab.png.",
  storageRefused: "Votre navigateur ne garde rien pour cette page : tout marche, mais recharger la page efface le dessin.",
  fullScreen: "Plein écran (F)",
  fullScreenEnd: "Quitter le plein écran (F)",

  learnPlay: "Lecture",
  learnPause: "Pause",
  learnTraining: "Entraînement",
  learnStep: "Le pas de l’entraînement à regarder",
  learnCourse: "La perte, qui baisse de pas en pas",
  learnBefore: "Avant l’entraînement",
  learnAfter: "Après {step} pas",
  learnGuess: "{value}, {percent}",
  learnLoss: "Perte {loss}",
  learnRight: "{right} chiffres difficiles sur {digits} bien lus",
  learnBetween: " ; ",
  learnFilters: "Ses premiers filtres et, sous chacun, ce qu’il trouve dans votre dessin",
  learnDeep: "Ce qu’en fait la deuxième convolution",
  learnDraw: "Dessinez un chiffre : vous verrez ce que ce réseau en aurait dit à chaque pas.",
  learnNote:
    "De vrais états de l’entraînement {title}, gardés en cours de route, leurs poids arrondis à 8 bits. Votre navigateur les applique à votre dessin : après quelques pas, le réseau ne sait rien ; après quelques dizaines, il commence à voir.",
  learnNone:
    "Cet entraînement n’a gardé aucun état complet : son réseau est trop grand pour cela, ou il date d’un mnistlab plus ancien. Choisissez-en un autre.",
  learnDamaged: "Les instantanés de cet entraînement sont abîmés ou ont été modifiés. Choisissez-en un autre, ou refaites-le.",

  breakBefore: "Avant : {value}, {percent}",
  compareTrained: "{title}, entraîné",
  compareUntrained: "{title}, non entraîné",
  compareOwn: "{number}\u00a0ms, dans votre navigateur",
  compareSame: "Ils sont d’accord.",
  compareDiffer: "Ils ne sont pas d’accord.",
};
