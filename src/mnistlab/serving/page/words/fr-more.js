// More of the page's words in French: saving a drawing, the tab "Learning", breaking and comparing.

export const MORE_FRENCH = {
  link: "Copier le lien",
  linkTitle: "Un lien qui ouvre la page avec ce dessin",
  linkCopied: "Le lien avec votre dessin est copié.",
  linkInAddress: "Le lien avec votre dessin est dans la barre d’adresse : c’est là qu’il faut le copier.",
  linkBroken: "Le dessin de ce lien est endommagé : la feuille reste telle quelle. Demandez un nouveau lien, ou dessinez.",
  save: "Enregistrer",
  saveTitle: "Un PNG avec le dessin et ce que le réseau en fait",
  pictureSaved: "L’image est enregistrée : mnistlab.png.",
  storageRefused: "Votre navigateur ne garde rien pour cette page : tout marche, mais recharger la page efface le dessin.",
  fullScreen: "Plein écran (F)",
  fullScreenEnd: "Quitter le plein écran (F)",

  learnPlay: "Lecture",
  learnPause: "Pause",
  learnTraining: "Entraînement",
  learnStep: "Le pas de l’entraînement à regarder",
  learnHow:
    "À chaque pas, on montre au réseau un lot d’exemples avec leurs étiquettes. La perte dit à quel point ses réponses sont fausses ; zéro serait parfait. Puis chaque poids est un peu déplacé dans le sens qui fait diminuer la perte.",
  learnCourse: "La perte, qui baisse de pas en pas",
  learnEnds: "La perte : {first} au pas {from}, {last} au pas {to}. Les pas montrés sont inégalement espacés.",
  learnBefore: "Avant l’entraînement",
  learnAfter: "Après {step} pas",
  learnGuess: "{value}, {percent}",
  learnLoss: "Perte {loss}",
  learnRight: "{right} chiffres difficiles sur {digits} bien lus",
  learnBetween: " ; ",
  learnFilters: "Les premiers filtres du réseau et, sous chacun, ce qu’il trouve dans votre dessin",
  learnDeep: "Ce que la deuxième convolution fait de ces cartes",
  learnDraw: "Dessinez un chiffre : vous verrez ce que ce réseau en aurait dit à chaque pas.",
  learnNote:
    "Ces états du réseau ont été enregistrés pendant l’entraînement {title} ; votre navigateur applique chacun d’eux à votre dessin. Après quelques pas, un réseau ne sait encore rien ; après quelques dizaines, il commence à voir. Les chiffres difficiles sont ceux, parmi les données de validation, qui ressemblent le plus à d’autres chiffres.",
  learnOther: "Ce réseau n’est pas celui qui répond dans les autres onglets.",
  learnQuick:
    "Ce réseau n’est pas celui qui répond dans les autres onglets : il n’a été entraîné que peu de temps, et se trompe donc davantage.",
  learnNone:
    "Cet entraînement n’a gardé aucun état complet : son réseau est trop grand pour cela, ou l’entraînement a été fait avec une version plus ancienne de mnistlab. Choisissez un autre entraînement.",
  learnDamaged: "Les instantanés de cet entraînement sont endommagés ou ont été modifiés. Choisissez un autre entraînement, ou refaites celui-ci.",

  brokenLabel: "L’image altérée. Les flèches ou un clic déplacent le carré gommé.",
  breakNow: "Lu maintenant :",
  breakTurn: "Tourner",
  breakThick: "Épaissir, amincir",
  breakBlur: "Flouter",
  breakNoise: "Ajouter du bruit",
  breakErase: "Gommer",
  breakFind: "Où cède-t-il ?",
  breakFindLabel: "Où cède-t-il ? ({name})",
  breakHolds: "La réponse tient d’un bout à l’autre.",
  breakAt: "La réponse change vers {places}.",
  breakUnsure: "Le réseau n’est plus sûr de lui vers {places}.",
  breakReset: "Remettre à zéro",
  breakNote:
    "Cela change les 28 × 28 pixels que le réseau reçoit, pas votre dessin. Un « ? » après une réponse signifie que le réseau n’en est pas assez sûr.",
  and: " et ",

  compareA: "Un modèle",
  compareB: "Un autre modèle",
  compareOne:
    "Pour mettre un de vos modèles à côté de celui-ci, démarrez le serveur avec les deux : mnistlab serve --model mnistlab --model latest",
  compareNothing: "Dessinez quelque chose à comparer.",
  milliseconds: "{number}\u00a0ms",
  breakBefore: "Avant : {value}, {percent}",
  compareTrained: "{title}, entraîné",
  compareUntrained: "{title}, non entraîné",
  compareOwn: "{number}\u00a0ms, dans votre navigateur",
  compareSame: "Ils sont d’accord.",
  compareDiffer: "Ils ne sont pas d’accord.",

  // La page sans serveur (`mnistlab site`) : une clé qui finit par Alone y remplace celle qui n’a pas cette fin.
  documentation: "Documentation",
  footerAlone: "Ce que vous dessinez reste dans ce navigateur : le réseau y tourne.",
  pictureNoteAlone: "Déposez l’image n’importe où sur cette page, collez-la, choisissez-la ou prenez une photo. Elle reste dans ce navigateur.",
  compareOneAlone:
    "Pour mettre un de vos modèles à côté de celui de cette page, écrivez la page avec les deux : mnistlab site public --model mnistlab --model latest",
  aloneSheets:
    "Les tableaux et les champs d’un formulaire sont lus par la page que cette commande ouvre sur votre ordinateur : mnistlab serve",
  fileMissing: "Impossible d’obtenir {file} : le site ne l’a pas envoyé, et le navigateur n’en a pas de copie.",
  modelBroken: "{model} n’est pas un modèle utilisable par cette page : {reason}.",
  operatorUnknown: "{model} emploie des opérateurs ONNX que cette page ne sait pas calculer : {operators}.",
  offlineRefused: "Le navigateur ne garde pas cette page : elle aura encore besoin d’une connexion la prochaine fois.",
  slowRefused: "Le navigateur refuse WebAssembly : les réponses prennent plus de temps.",
};
