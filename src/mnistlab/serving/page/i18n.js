// The page's words in English and French, and how each language writes numbers.

const ENGLISH = {
  title: "mnistlab: draw a digit, see what the network sees",
  motto: "Draw a digit, see what the network sees.",
  settings: "Settings",
  model: "Model",
  bundledReader: "mnistlab's reader",
  apiTitle: "How programs can ask this server",
  otherLanguage: "Français",
  darkTheme: "Dark",
  lightTheme: "Light",
  footer: "Only this server sees what you draw, and it keeps nothing.",
  drop: "Drop the picture",

  sheetHeading: "The sheet",
  sheetLabel: "Sheet to draw on",
  sheetHelp:
    "Draw with a finger, a pen or the mouse. With the keyboard: the arrow keys move the pen, with Shift in bigger steps; Space lowers and raises it; Delete clears the sheet.",
  hint: "Draw a digit, or a number of several",
  tools: "Tools",
  undo: "Undo",
  clear: "Clear",
  example: "Show me one",
  pen: "Pen",
  penDown: "Pen lowered.",
  penUp: "Pen raised.",
  cleared: "The sheet is empty.",

  studyHeading: "What the network sees",
  tabAnswer: "Answer",
  tabInside: "Inside",
  tabWhy: "Why",
  tabBreak: "Break it",
  tabCompare: "Compare",
  tabPicture: "Picture",

  answerLabel: "The digits read; choose one to look at",
  digitLabel: "{value}, {percent}, digit {position} of {count}",
  doubtfulLabel: "not sure, perhaps {value}, {percent}, digit {position} of {count}",
  start: "The answer follows your pen.",
  invite: "Then look inside the network, ask it why, and try to break it.",
  noDigit: "No digit found here yet.",
  notSure: "Not sure enough: perhaps {value}, {percent}",
  barsHeading: "How sure the network is",
  barsHeadingOf: "How sure the network is of the digit underlined",
  barsLabel: "Probability of each digit",
  gotHeading: "What the network got",
  cropLabel: "The digit, cut out of the sheet or the picture",
  cropCaption: "cut out",
  seenLabel: "The 28 by 28 pixels that the network gets",
  seenCaption: "28 × 28 pixels",
  gotNote:
    "Cut out, scaled into 20 × 20 pixels keeping its shape, centred by its mass on 28 × 28, white on black: as MNIST was made.",
  read: "Read: {digits}.",
  readLast: "Last digit {value}, {percent}.",
  readChosen: "Digit number {position}: {value}, {percent}.",
  doubtful: "not sure",

  lensLabel: "The picture that the network gets; the part that the chosen value looks at is framed",
  lensHelp:
    "Point at a value in a map below: the frame shows the part of the picture that it looks at. In the maps orange is over zero, blue under.",
  lensValue: "{name}, map {map}, row {row}, column {column}",
  lensTells: "{name}: {value}, {looks}.",
  lensNumber: "value {value}",
  lensField: "looks at {height} × {width} pixels",
  lensWhole: "looks at the whole picture",
  lensUpright: "looks at a part of the digit made upright",
  lensIndex: "{name}, no. {index}",
  insideNone: "The inside of this model cannot be shown: only its answer is known.",
  layerMaps: "Maps of {name}. Arrow keys move from value to value, Page Up and Page Down from map to map.",
  layerValues: "Values of {name}. Arrow keys move from value to value.",
  layerFilters: "Filters of {name}",
  filtersOne: "The {count} filters: blue subtracts, orange adds. Below, the map that each one makes, in the same order.",
  filtersMany: "The {count} filters reach through {channels} maps; shown is how strongly. Below, the map that each one makes.",
  kind_picture: "784 numbers from 0 to 255: all that the network knows of your drawing.",
  kind_convolution: "Each filter slides over what comes before and lights up where it finds its stroke, corner or curve.",
  kind_pooling: "Keeps the strongest value of each small square: fewer values, and a small shift no longer matters.",
  kind_normalisation: "Brings every map to the same scale, so that none drowns the others out.",
  kind_relu: "Keeps what was found, sets the rest to zero.",
  kind_average: "Averages each map: how much was found, no longer where.",
  kind_flatten: "Lays all values out in one row, ready to be weighed.",
  kind_linear: "Weighs every value for and against each class, and adds up. The last sums are the logits.",
  kind_probabilities: "Turns the logits into probabilities: all positive, 100 % together.",
  kind_calibrated:
    "Divides the logits by {temperature}, which makes the network as sure as it is right (calibration), and turns them into probabilities: all positive, 100 % together.",
  kind_other: "One more step of the computation.",
  name_convolution: "Convolution",
  name_pooling: "Max-pooling",
  name_normalisation: "Batch normalisation",
  name_relu: "ReLU",
  name_average: "Average pooling",
  name_flatten: "Flatten",
  name_linear: "Linear layer",
  name_probabilities: "Softmax",

  whyHeading: "Why {value}?",
  whyFor: "speaks for {value}",
  whyAgainst: "speaks against {value}",
  whyLabel: "The drawing, coloured by what speaks for {value} and what against: {share} of the effect is for it.",
  whyNote:
    "Each spot of ink is wiped out in turn. Where the answer becomes less sure, that ink spoke for it; where it becomes surer, against it.",

  brokenLabel: "The broken picture. Arrow keys or a click move the erased patch.",
  breakNow: "Now read as",
  breakTurn: "Turn",
  breakThick: "Thicken or thin",
  breakBlur: "Blur",
  breakNoise: "Noise",
  breakErase: "Erase",
  breakFind: "Find where it breaks",
  breakFindLabel: "Find where it breaks ({name})",
  breakHolds: "The answer holds all the way.",
  breakAt: "The answer changes near {places}.",
  breakReset: "Reset",
  breakNote: "This changes the 28 × 28 pixels that the network gets, not your drawing.",
  and: " and ",

  compareA: "One model",
  compareB: "Another model",
  compareOne:
    "Only one model is served. To set one of yours beside it, start the server with both: mnistlab serve --model mnistlab --model latest",
  compareNothing: "Draw something to compare.",
  milliseconds: "{number} ms",

  pictureHeading: "Read a picture of handwriting",
  pictureNote:
    "Drop it anywhere on this page, paste it, choose it or take it. Only the server sees it, and nothing is kept.",
  pictureChoose: "Choose a picture",
  picturePhoto: "Take a photo",
  pictureLabel: "The picture with a frame around each digit. Left and right arrow keys choose a digit.",
  pictureBlank: "The browser cannot show this format: the frames stand on blank paper.",
  pictureTextLabel: "The text read",
  pictureReading: "Reading the picture.",
  pictureWaiting: "The picture will be read once the token is given.",
  pictureFailed: "This file could not be read.",
  pictureNone: "No digit found.",
  pictureDigit: "{count} digit",
  pictureDigits: "{count} digits",
  pictureSure: "none doubtful",
  pictureDoubtful: "{count} doubtful",
  pictureSelect: "Choose a frame to look at its digit.",
  pictureSelected: "Chosen: {value}, {percent}. Answer, Inside, Why and Break it now show this digit.",
  copy: "Copy",
  copied: "Copied",

  serverDown: "The server does not answer. Is mnistlab serve still running?",
  busy: "The server is busy; trying again.",
  tokenNeeded: "This server asks for its token.",
  tokenLabel: "Token",
  tokenSend: "Use it",
};

const FRENCH = {
  title: "mnistlab : dessinez un chiffre, voyez ce que voit le réseau",
  motto: "Dessinez un chiffre, voyez ce que voit le réseau.",
  settings: "Réglages",
  model: "Modèle",
  bundledReader: "Lecteur de mnistlab",
  apiTitle: "Comment un programme peut interroger ce serveur",
  otherLanguage: "English",
  darkTheme: "Sombre",
  lightTheme: "Clair",
  footer: "Seul ce serveur voit ce que vous dessinez, et il ne garde rien.",
  drop: "Déposez l’image",

  sheetHeading: "La feuille",
  sheetLabel: "Feuille où dessiner",
  sheetHelp:
    "Dessinez au doigt, au stylet ou à la souris. Au clavier : les flèches déplacent la plume, à plus grands pas avec Maj ; Espace la pose et la lève ; Suppr efface la feuille.",
  hint: "Dessinez un chiffre, ou un nombre de plusieurs chiffres",
  tools: "Outils",
  undo: "Annuler",
  clear: "Effacer",
  example: "Un exemple",
  pen: "Plume",
  penDown: "Plume posée.",
  penUp: "Plume levée.",
  cleared: "La feuille est vide.",

  studyHeading: "Ce que voit le réseau",
  tabAnswer: "Réponse",
  tabInside: "Intérieur",
  tabWhy: "Pourquoi",
  tabBreak: "Piéger",
  tabCompare: "Comparer",
  tabPicture: "Image",

  answerLabel: "Les chiffres lus ; choisissez celui à regarder",
  digitLabel: "{value}, {percent}, chiffre {position} sur {count}",
  doubtfulLabel: "pas sûr, peut-être {value}, {percent}, chiffre {position} sur {count}",
  start: "La réponse suit votre plume.",
  invite: "Ensuite, regardez à l’intérieur du réseau, demandez-lui pourquoi, essayez de le piéger.",
  noDigit: "Pas encore de chiffre ici.",
  notSure: "Pas assez sûr : peut-être {value}, {percent}",
  barsHeading: "À quel point le réseau est sûr de lui",
  barsHeadingOf: "À quel point le réseau est sûr du chiffre souligné",
  barsLabel: "Probabilité de chaque chiffre",
  gotHeading: "Ce que le réseau a reçu",
  cropLabel: "Le chiffre, découpé dans la feuille ou l’image",
  cropCaption: "découpé",
  seenLabel: "Les 28 pixels sur 28 que le réseau reçoit",
  seenCaption: "28 × 28 pixels",
  gotNote:
    "Découpé, mis à l’échelle dans 20 × 20 pixels sans être déformé, placé dans 28 × 28 avec son centre de masse au milieu, blanc sur noir : comme dans MNIST.",
  read: "Lu : {digits}.",
  readLast: "Dernier chiffre {value}, {percent}.",
  readChosen: "Chiffre numéro {position} : {value}, {percent}.",
  doubtful: "pas sûr",

  lensLabel: "L’image que le réseau reçoit ; la partie que regarde la valeur choisie est encadrée",
  lensHelp:
    "Pointez une valeur dans une carte ci-dessous : le cadre montre la partie de l’image qu’elle regarde. Dans les cartes, l’orange est au-dessus de zéro, le bleu au-dessous.",
  lensValue: "{name}, carte {map}, ligne {row}, colonne {column}",
  lensTells: "{name} : {value}, {looks}.",
  lensNumber: "valeur {value}",
  lensField: "regarde {height} × {width} pixels",
  lensWhole: "regarde toute l’image",
  lensUpright: "regarde une partie du chiffre redressé",
  lensIndex: "{name}, nº\u00a0{index}",
  insideNone: "L’intérieur de ce modèle ne peut pas être montré : on n’en connaît que la réponse.",
  layerMaps: "Cartes de {name}. Les flèches vont de valeur en valeur, Page précédente et Page suivante de carte en carte.",
  layerValues: "Valeurs de {name}. Les flèches vont de valeur en valeur.",
  layerFilters: "Filtres de {name}",
  filtersOne: "Les {count} filtres : le bleu retranche, l’orange ajoute. Dessous, la carte que fait chacun, dans le même ordre.",
  filtersMany: "Les {count} filtres traversent {channels} cartes ; on voit avec quelle force. Dessous, la carte que fait chacun.",
  kind_picture: "784 nombres de 0 à 255 : tout ce que le réseau sait de votre dessin.",
  kind_convolution: "Chaque filtre glisse sur ce qui précède et s’allume là où il trouve son trait, son angle ou sa courbe.",
  kind_pooling: "Garde la plus forte valeur de chaque petit carré : moins de valeurs, et un léger décalage ne compte plus.",
  kind_normalisation: "Met toutes les cartes à la même échelle, pour qu’aucune ne couvre les autres.",
  kind_relu: "Garde ce qui a été trouvé, met le reste à zéro.",
  kind_average: "Fait la moyenne de chaque carte : quelle quantité a été trouvée, et non plus où.",
  kind_flatten: "Aligne toutes les valeurs sur une seule rangée, prêtes à être pesées.",
  kind_linear: "Pèse chaque valeur pour et contre chaque classe, et additionne. Les dernières sommes sont les logits.",
  kind_probabilities: "Transforme les logits en probabilités : toutes positives, 100 % au total.",
  kind_calibrated:
    "Divise les logits par {temperature}, pour que le réseau ne soit sûr de lui qu’autant qu’il a raison (calibration), et les transforme en probabilités : toutes positives, 100 % au total.",
  kind_other: "Une étape de plus du calcul.",
  name_convolution: "Convolution",
  name_pooling: "Max-pooling",
  name_normalisation: "Normalisation par lot",
  name_relu: "ReLU",
  name_average: "Moyenne par carte",
  name_flatten: "Aplatissement",
  name_linear: "Couche linéaire",
  name_probabilities: "Softmax",

  whyHeading: "Pourquoi {value} ?",
  whyFor: "en faveur du {value}",
  whyAgainst: "contre le {value}",
  whyLabel:
    "Le dessin, coloré selon ce qui pèse en faveur du {value} ou contre : {share} de l’effet est en sa faveur.",
  whyNote:
    "Chaque bout de trait est effacé à son tour. Là où la réponse devient moins sûre, il pesait en sa faveur ; là où elle devient plus sûre, contre elle.",

  brokenLabel: "L’image abîmée. Les flèches ou un clic déplacent le carré gommé.",
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
  breakReset: "Remettre à zéro",
  breakNote: "Cela change les 28 × 28 pixels que le réseau reçoit, pas votre dessin.",
  and: " et ",

  compareA: "Un modèle",
  compareB: "Un autre modèle",
  compareOne:
    "Le serveur ne propose qu’un seul modèle. Pour mettre un des vôtres à côté, démarrez le serveur avec les deux : mnistlab serve --model mnistlab --model latest",
  compareNothing: "Dessinez quelque chose à comparer.",
  milliseconds: "{number}\u00a0ms",

  pictureHeading: "Lire une image de chiffres manuscrits",
  pictureNote:
    "Déposez-la n’importe où sur cette page, collez-la, choisissez-la ou prenez une photo. Seul le serveur la voit, et rien n’est gardé.",
  pictureChoose: "Choisir une image",
  picturePhoto: "Prendre une photo",
  pictureLabel: "L’image avec un cadre autour de chaque chiffre. Les flèches gauche et droite choisissent un chiffre.",
  pictureBlank: "Le navigateur ne sait pas afficher ce format : les cadres sont sur du papier blanc.",
  pictureTextLabel: "Le texte lu",
  pictureReading: "Lecture de l’image.",
  pictureWaiting: "L’image sera lue une fois le jeton donné.",
  pictureFailed: "Ce fichier n’a pas pu être lu.",
  pictureNone: "Aucun chiffre trouvé.",
  pictureDigit: "{count} chiffre",
  pictureDigits: "{count} chiffres",
  pictureSure: "aucun douteux",
  pictureDoubtful: "{count} douteux",
  pictureSelect: "Choisissez un cadre pour regarder son chiffre.",
  pictureSelected: "Choisi : {value}, {percent}. Les onglets Réponse, Intérieur, Pourquoi et Piéger montrent maintenant ce chiffre.",
  copy: "Copier",
  copied: "Copié",

  serverDown: "Le serveur ne répond pas. mnistlab serve tourne-t-il encore ?",
  busy: "Le serveur est occupé ; nouvel essai.",
  tokenNeeded: "Ce serveur demande un jeton.",
  tokenLabel: "Jeton",
  tokenSend: "Valider",
};

export const WORDS = { en: ENGLISH, fr: FRENCH };
/** The server speaks English; what a reader of another language is told instead of its sentence, by status. */
const SENTENCES = {
  fr: {
    403: "Le serveur ne reconnaît pas cette page comme la sienne : derrière un proxy, démarrez-le avec --trusted-proxy ADRESSE et --allow-host NOM. Voir : mnistlab serve --help",
    413: "Fichier trop volumineux : au plus 32 Mio et 80 millions de pixels.",
    422: "Ce fichier n’a pas pu être lu comme une image : donnez un fichier PNG, JPEG, WebP, BMP, TIFF, GIF, PGM ou PPM complet, de 80 millions de pixels au plus.",
    other: "Le serveur n’a pas pu répondre ; son journal dit pourquoi.",
  },
};
const NO_BREAK = "\u00a0";
const NARROW_NO_BREAK = "\u202f";

export let language = "en";

/** French sets a space that never breaks before its high punctuation. */
function frenchSpaces(text) {
  return text
    .replace(/ ([;?!])/g, `${NARROW_NO_BREAK}$1`)
    .replace(/ ([:%»])/g, `${NO_BREAK}$1`)
    .replace(/« /g, `«${NO_BREAK}`);
}

/** The words of `key`, with {name} replaced by values.name. */
export function words(key, values = {}) {
  const text = WORDS[language][key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
  return language === "fr" ? frenchSpaces(text) : text.replace(/ %/g, `${NO_BREAK}%`);
}

/** What is told in this language where the server refuses; null where its own sentence is in this language. */
export function ownSentence(status) {
  const own = SENTENCES[language];
  return own ? frenchSpaces(own[status] ?? own.other) : null;
}

/** A model to choose: by its title, which is in this language where it is the one that comes with mnistlab. */
export function modelOption({ id, title }) {
  const option = new Option(title, id);
  if (title === ENGLISH.bundledReader) {
    option.dataset.text = "bundledReader";
    option.textContent = words("bundledReader");
  }
  return option;
}

const formats = new Map();

export function decimal(number, digits = 1) {
  const key = language + digits;
  if (!formats.has(key)) {
    const options = { minimumFractionDigits: digits, maximumFractionDigits: digits };
    formats.set(key, new Intl.NumberFormat(language, options));
  }
  return formats.get(key).format(number);
}

/** A fraction as "98.3 %". */
export function share(fraction, digits = 1) {
  return decimal(100 * fraction, digits) + NO_BREAK + "%";
}

/** A probability likewise, but never 100 %: a network is not certain, it is only rounded to that. */
export function percent(probability, digits = 1) {
  return share(Math.min(probability, 1 - 10 ** (-digits - 2)), digits);
}

export function preferredLanguage() {
  const asked = new URLSearchParams(location.search).get("lang");
  for (const wish of [asked, remembered(), ...navigator.languages]) {
    const short = wish?.slice(0, 2).toLowerCase();
    if (short in WORDS) return short;
  }
  return "en";
}

function remembered() {
  try {
    return localStorage.getItem("mnistlab-language");
  } catch {
    return null;
  }
}

export function setLanguage(wanted, remember = false) {
  language = wanted;
  if (remember) {
    try {
      localStorage.setItem("mnistlab-language", wanted);
    } catch {
      // No storage: the choice lasts as long as the page.
    }
  }
  document.documentElement.lang = wanted;
  document.title = words("title");
  for (const element of document.querySelectorAll("[data-text]")) element.textContent = words(element.dataset.text);
  for (const element of document.querySelectorAll("[data-label]"))
    element.setAttribute("aria-label", words(element.dataset.label));
  for (const element of document.querySelectorAll("[data-title]")) element.title = words(element.dataset.title);
}
