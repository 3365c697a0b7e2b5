// Shows a row for each class: its name, a bar as long as its probability, and the number.

import { percent } from "./i18n.js";

/** Shows `probabilities` in `list`, a <ul>; rebuilds the rows when the classes change. */
export function showBars(list, classes, probabilities) {
  if (list.dataset.classes !== classes.join("\n")) {
    list.dataset.classes = classes.join("\n");
    list.style.setProperty("--label", `${Math.max(...classes.map((name) => name.length))}ch`);
    list.replaceChildren(...classes.map(makeRow));
  }
  const best = probabilities.indexOf(Math.max(...probabilities));
  probabilities.forEach((probability, index) => {
    const row = list.children[index];
    row.dataset.probability = probability;
    row.classList.toggle("best", index === best);
    row.children[1].firstChild.style.transform = `scaleX(${probability})`;
    row.children[2].textContent = percent(probability);
  });
}

export function emptyBars(list) {
  delete list.dataset.classes;
  list.replaceChildren();
}

function makeRow(name) {
  const row = document.createElement("li");
  row.dataset.class = name;
  for (const part of ["label", "track", "value"]) {
    const element = document.createElement("span");
    element.className = part;
    row.append(element);
  }
  row.children[0].textContent = name;
  row.children[1].append(document.createElement("i"));
  return row;
}
