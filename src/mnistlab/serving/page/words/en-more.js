// More of the page's words in English: of keeping a drawing, of the tab "Learning", of breaking and comparing.

export const MORE_ENGLISH = {
  link: "Copy link",
  linkTitle: "A link that opens the page with this drawing",
  linkCopied: "The link with your drawing is copied.",
  linkInAddress: "The link with your drawing is in the address bar: copy it from there.",
  linkBroken: "The drawing in this link is damaged, so the sheet stays as it is. Ask for the link again, or draw.",
  save: "Save picture",
  saveTitle: "A PNG with the drawing and what the network makes of it",
  pictureSaved: "The picture is saved as mnistlab.png.",
  storageRefused: "Your browser keeps nothing for this page: all works, but a reload loses the drawing.",
  fullScreen: "Full screen (F)",
  fullScreenEnd: "Leave full screen (F)",

  learnPlay: "Play",
  learnPause: "Pause",
  learnTraining: "Training",
  learnStep: "The step of the training to look at",
  learnCourse: "How the loss falls from step to step",
  learnBefore: "Before training",
  learnAfter: "After {step} steps",
  learnGuess: "{value}, {percent}",
  learnLoss: "Loss {loss}",
  learnRight: "{right} of {digits} hard digits right",
  learnBetween: "; ",
  learnFilters: "Its first filters, and below each what it finds in your drawing",
  learnDeep: "What the second convolution makes of that",
  learnDraw: "Draw a digit, and see what this network would have said at each step.",
  learnNote:
    "Real states of the training {title}, kept while it ran, their weights rounded to 8 bits. Your browser runs them on your drawing: after a few steps a network knows nothing, after a few dozen it begins to see.",
  learnNone:
    "This run kept no whole states: its network is too large for that, or an older mnistlab trained it. Choose another training.",
  learnDamaged: "The snapshots of this training are damaged or were changed. Choose another training, or train the run again.",

  breakBefore: "Before: {value}, {percent}",
  compareTrained: "{title}, trained",
  compareUntrained: "{title}, untrained",
  compareOwn: "{number} ms, in your browser",
  compareSame: "They agree.",
  compareDiffer: "They do not agree.",
};
