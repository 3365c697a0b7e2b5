// Assembles pieces of ink into digits: joins a digit's parts, and cuts touching digits apart, if the classifier prefers that.
// As in mnistlab.reading.assembly. A unit is {piece, image, probabilities, sure}.

import { toMnistForm } from "./form.js";
import { LOW } from "./ink.js";
import { typicalHeight } from "./layout.js";
import { argsort, largest } from "./numbers.js";
import { INK_LEVEL } from "./paper.js";
import { boxOf, join, trimmed } from "./pieces.js";

const MOST_TRIES = 600;
const THICKEST_CUT = 0.6;

/** The pieces as digits: parts are joined, touching digits are cut apart, and pieces too small to be digits are left out. */
export function assemble(classifier, pieces) {
  let units = look(classifier, pieces);
  const sizeOf = () => typicalHeight(units.map((unit) => boxOf(unit.piece)));
  for (let n = 0; n < 3; n += 1) {
    const joined = joinParts(classifier, units, sizeOf());
    if (joined.length === units.length) break;
    units = joined;
  }
  const size = sizeOf();
  units = units.filter(({ piece }) => piece.height >= 0.38 * size || piece.width >= 0.8 * size);
  for (let n = 0; n < 3; n += 1) {
    const cut = cutTouching(classifier, units, size);
    if (cut.length === units.length) break;
    units = cut;
  }
  return units.filter(({ piece }) => piece.height >= 0.38 * size);
}

/** The probabilities of several images. */
export function classifyAll(classifier, images) {
  const all = new Uint8Array(784 * images.length);
  images.forEach((image, number) => all.set(image, 784 * number));
  return classifier.classify(all);
}

/** Each piece with its image and the classifier's answer. */
export function look(classifier, pieces) {
  const images = pieces.map(toMnistForm);
  return classifyAll(classifier, images).map((probabilities, n) => ({
    piece: pieces[n],
    image: images[n],
    probabilities,
    sure: largest(probabilities),
  }));
}

/** In one pass, joins neighbouring units that look more like a digit together than apart. */
function joinParts(classifier, units, size) {
  const pairs = neighbours(units.map(({ piece }) => piece), size);
  const unions = look(classifier, pairs.map(([a, b]) => join(units[a].piece, units[b].piece)));
  const gains = pairs.map(([a, b], k) => {
    const [one, other] = [units[a], units[b]];
    const union = unions[k];
    if (!isInside(one.piece, other.piece)) return union.sure - Math.min(sureness(one, size), sureness(other, size));
    const larger = other.piece.width * other.piece.height > one.piece.width * one.piece.height ? other : one;
    if (union.sure < 0.8 * larger.sure) unions[k] = larger; // the smaller one is a part of it, or a speck
    return 1 + union.sure;
  });
  const gone = new Set();
  const made = [];
  for (const n of argsort(gains).reverse()) {
    const [a, b] = pairs[n];
    if (gains[n] > 0 && unions[n].sure > 0.5 && !gone.has(a) && !gone.has(b)) {
      gone.add(a).add(b);
      made.push(unions[n]);
    }
  }
  return [...units.filter((_, n) => !gone.has(n)), ...made];
}

/** Pairs of pieces that may be parts of one digit: close, and together not much larger than `size`, a usual digit. */
function neighbours(pieces, size) {
  const pairs = [];
  pieces.forEach((one, a) => {
    for (let b = a + 1; b < pieces.length; b += 1) if (isNear(one, pieces[b], size)) pairs.push([a, b]);
  });
  return pairs.slice(0, MOST_TRIES);
}

function isNear(one, other, size) {
  const gapX = Math.max(other.x, one.x) - Math.min(other.right, one.right);
  const gapY = Math.max(other.y, one.y) - Math.min(other.bottom, one.bottom);
  const wide = Math.max(other.right, one.right) - Math.min(other.x, one.x);
  const tall = Math.max(other.bottom, one.bottom) - Math.min(other.y, one.y);
  const beside = gapX < 0.22 * size && gapY < 0.3 * size && wide < 1.35 * size && tall < 1.5 * size;
  // Two pieces that almost touch, one above the other, may be the halves of a digit; if other digits are in halves too, `size`
  // is the size of a half.
  const above = gapX < -0.3 * Math.min(other.width, one.width) && gapY < 0.15 * size && wide < 2 * size && tall < 2.4 * size;
  // Two pieces of full height side by side are two digits, unless their boxes overlap; two specks are not a digit.
  const areParts = Math.min(other.height, one.height) < 0.75 * size || gapX < 0.02 * size;
  return (beside || above) && areParts && Math.max(other.height, one.height) >= 0.35 * size;
}

/** Whether most of the smaller piece's box lies in the other's box. */
function isInside(first, second) {
  const width = Math.min(first.right, second.right) - Math.max(first.x, second.x);
  const height = Math.min(first.bottom, second.bottom) - Math.max(first.y, second.y);
  const smaller = Math.min(first.width * first.height, second.width * second.height);
  return width > 0 && height > 0 && width * height >= 0.7 * smaller;
}

/** How much a unit looks like a digit by itself, 0 to 1: low for units much smaller than `size`, the usual height. */
function sureness({ piece, sure }, size) {
  const small = Math.max(piece.height, 0.6 * piece.width) / size;
  return sure * Math.min(1, Math.max(0, small / 0.6 - 0.3));
}

/** In one pass, cuts each unit wide enough to be two digits if both halves look more like digits than the whole does. */
function cutTouching(classifier, units, size) {
  const isWide = ({ piece, sure }) =>
    (piece.width > 1.15 * piece.height && piece.width > 0.8 * size) || (sure < 0.8 && piece.width > 0.75 * size);
  const wide = [...units.keys()].filter((n) => isWide(units[n])).slice(0, MOST_TRIES / 6);
  const ways = wide.flatMap((n) => cuts(units[n].piece).map((pair) => ({ n, pair })));
  const halves = look(classifier, ways.flatMap(({ pair }) => pair));
  const best = new Map();
  ways.forEach(({ n }, k) => {
    const pair = halves.slice(2 * k, 2 * k + 2);
    const score = Math.min(...pair.map((half) => sureness(half, size)));
    const { piece, sure } = units[n];
    // A single digit may be that wide.
    const enough = piece.width <= 1.15 * piece.height ? Math.max(sure + 0.2, 0.85) : Math.max(sure, 0.5);
    if (score > enough && score > (best.get(n)?.score ?? 0)) best.set(n, { score, pair });
  });
  return units.flatMap((unit, n) => best.get(n)?.pair ?? [unit]);
}

/** Up to `most` ways to cut a piece into a left and a right part, in columns with little ink, best first. */
function cuts(piece, most = 6) {
  const { width, height, strength } = piece;
  const columns = new Float64Array(width);
  strength.values.forEach((value, i) => (columns[i % width] += value > INK_LEVEL * LOW ? 1 : 0));
  const [low, high] = [Math.trunc(0.2 * width), Math.trunc(0.8 * width)];
  if (high - low < 3) return [];
  const smooth = columns.map((own, i) => ((columns[i - 1] ?? 0) + own + (columns[i + 1] ?? 0)) * (1 / 3));
  const chosen = [];
  for (const place of argsort(smooth.slice(low, high))) {
    const column = low + place;
    if (smooth[column] > THICKEST_CUT * height) break; // a blot, not two touching digits
    if (chosen.every((other) => Math.abs(column - other) >= Math.max(2, 0.08 * height))) chosen.push(column);
    if (chosen.length === most) break;
  }
  return chosen
    .map((column) => [trimmed(piece, 0, column), trimmed(piece, column, width)])
    .filter(([left, right]) => left && right);
}
