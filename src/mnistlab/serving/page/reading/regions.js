// Connected components of a mask, and how far its pixels are from the edge, as in OpenCV.

const [STRAIGHT, SLANTED] = [Math.fround(0.955), Math.fround(1.3693)];

/**
 * cv2.connectedComponentsWithStats with 8 neighbours: {labels: Int32Array (0 where the mask is 0), boxes: [[x, y, width, height]],
 * areas}, starting with number 1. They are numbered as in OpenCV: by their first block of 2x2 pixels, row by row.
 */
export function components({ width, height, values }) {
  const labels = new Int32Array(values.length);
  const found = [];
  const stack = [];
  for (let start = 0; start < values.length; start += 1) {
    if (!values[start] || labels[start]) continue;
    const one = { left: width, top: height, right: 0, bottom: 0, area: 0, first: Infinity };
    found.push(one);
    labels[start] = found.length;
    stack.push(start);
    while (stack.length) {
      const at = stack.pop();
      const y = Math.floor(at / width);
      const x = at - y * width;
      one.left = Math.min(one.left, x);
      one.right = Math.max(one.right, x);
      one.top = Math.min(one.top, y);
      one.bottom = Math.max(one.bottom, y);
      one.area += 1;
      one.first = Math.min(one.first, (y >> 1) * width + (x >> 1));
      for (let down = Math.max(0, y - 1); down <= Math.min(height - 1, y + 1); down += 1) {
        for (let across = Math.max(0, x - 1); across <= Math.min(width - 1, x + 1); across += 1) {
          const next = down * width + across;
          if (values[next] && !labels[next]) {
            labels[next] = found.length;
            stack.push(next);
          }
        }
      }
    }
  }
  return inOrder(labels, found);
}

function inOrder(labels, found) {
  const order = found.map((_, i) => i).sort((a, b) => found[a].first - found[b].first);
  const numbers = new Int32Array(found.length + 1);
  order.forEach((old, i) => (numbers[old + 1] = i + 1));
  for (let i = 0; i < labels.length; i += 1) labels[i] = numbers[labels[i]];
  const sorted = order.map((old) => found[old]);
  const boxes = sorted.map(({ left, top, right, bottom }) => [left, top, right - left + 1, bottom - top + 1]);
  return { labels, boxes, areas: sorted.map(({ area }) => area) };
}

/** cv2.distanceTransform(mask, DIST_L2, 3): how far each pixel is from the nearest 0, Float32Array. */
export function distances({ width, height, values }) {
  const wide = width + 2;
  const made = new Float32Array(wide * (height + 2)).fill(1e9);
  const steps = [-wide - 1, -wide, -wide + 1, -1];
  const costs = [SLANTED, STRAIGHT, SLANTED, STRAIGHT];
  const relax = (at, sign) => {
    for (let i = 0; i < 4; i += 1) {
      const through = Math.fround(made[at + sign * steps[i]] + costs[i]);
      if (through < made[at]) made[at] = through;
    }
  };
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const at = (y + 1) * wide + x + 1;
      if (!values[y * width + x]) made[at] = 0;
      else relax(at, 1);
    }
  }
  for (let y = height - 1; y >= 0; y -= 1) {
    for (let x = width - 1; x >= 0; x -= 1) {
      const at = (y + 1) * wide + x + 1;
      if (made[at] > 0) relax(at, -1);
    }
  }
  const inner = new Float32Array(width * height);
  for (let y = 0; y < height; y += 1) inner.set(made.subarray((y + 1) * wide + 1, (y + 1) * wide + 1 + width), y * width);
  return inner;
}
