// More of the page's words in English: saving a drawing, the tab "Learning", breaking and comparing.

export const MORE_ENGLISH = {
  link: "Copy link",
  linkTitle: "A link that opens the page with this drawing",
  linkCopied: "The link with your drawing is copied.",
  linkInAddress: "The link with your drawing is in the address bar: copy it from there.",
  linkBroken: "The drawing in this link is damaged, so the sheet stays as it is. Ask for a new link, or draw.",
  save: "Save picture",
  saveTitle: "A PNG with the drawing and what the network makes of it",
  pictureSaved: "The picture is saved as mnistlab.png.",
  storageRefused: "Your browser stores nothing for this page: everything works, but a reload loses the drawing.",
  fullScreen: "Full screen (F)",
  fullScreenEnd: "Leave full screen (F)",

  learnPlay: "Play",
  learnPause: "Pause",
  learnTraining: "Training",
  learnStep: "The training step to look at",
  learnHow:
    "At each step the network is shown a batch of examples with their labels. The loss says how wrong its answers are; zero would be perfect. Then each weight is moved a little in the direction that makes the loss smaller.",
  learnCourse: "How the loss falls from step to step",
  learnEnds: "The loss: {first} at step {from}, {last} at step {to}. The steps are not evenly spaced.",
  learnBefore: "Before training",
  learnAfter: "After {step} steps",
  learnGuess: "{value}, {percent}",
  learnLoss: "Loss {loss}",
  learnRight: "{right} of {digits} hard digits right",
  learnBetween: "; ",
  learnFilters: "The network's first filters, and below each filter what it finds in your drawing",
  learnDeep: "What the second convolution makes of these maps",
  learnDraw: "Draw a digit, and see what this network would have answered at each step.",
  learnNote:
    "These states of the network were saved during the training run {title}; your browser applies each of them to your drawing. After a few steps a network still knows nothing; after a few dozen it begins to see. The hard digits are the ones in the validation data that look most like other digits.",
  learnOther: "This is not the network that answers in the other tabs.",
  learnQuick:
    "This is not the network that answers in the other tabs, but one that was trained for a short time only, so it makes more mistakes.",
  learnNone:
    "This run saved no complete states: its network is too large, or an older mnistlab trained it. Choose another training run.",
  learnDamaged: "The snapshots of this training run are damaged or were changed. Choose another training run, or repeat this one.",

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
  breakUnsure: "The network is no longer sure near {places}.",
  breakReset: "Reset",
  breakNote:
    "This changes the 28 × 28 pixels that the network gets, not your drawing. A “?” after an answer means that the network is not sure enough.",
  and: " and ",

  compareA: "One model",
  compareB: "Another model",
  compareOne:
    "To compare your own model with the one that is served, start the server with both: mnistlab serve --model mnistlab --model latest",
  compareNothing: "Draw something to compare.",
  milliseconds: "{number} ms",
  breakBefore: "Before: {value}, {percent}",
  compareTrained: "{title}, trained",
  compareUntrained: "{title}, untrained",
  compareOwn: "{number} ms, in your browser",
  compareSame: "They agree.",
  compareDiffer: "They disagree.",

  // On the page without a server (`mnistlab site`), a key that ends in Alone is used instead of the key without that ending.
  documentation: "Documentation",
  footerAlone: "What you draw stays in this browser: the network runs in it.",
  pictureNoteAlone: "Drop it anywhere on this page, paste it, choose a file or take a photo. It stays in this browser.",
  compareOneAlone:
    "To compare your own model with this one, write the page with both: mnistlab site public --model mnistlab --model latest",
  aloneSheets: "To read tables or the fields of a form, use the page that this command opens on your computer: mnistlab serve",
  fileMissing: "{file} cannot be fetched: the site did not send it, and the browser has no copy of it.",
  modelBroken: "{model} is not a model that this page can use: {reason}.",
  operatorUnknown: "{model} uses ONNX operators that this page cannot compute: {operators}.",
  offlineRefused: "The browser did not store this page, so the page will need a connection next time, too.",
  slowRefused: "The browser refuses WebAssembly, so answers take longer.",
};
