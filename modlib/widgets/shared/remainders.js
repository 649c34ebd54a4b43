// What the figures of paper B's chapters share: shares, images, steps of training.

const VIRIDIS = ["440154", "472d7b", "3b528b", "2c728e", "21918c", "28ae80", "5ec962", "addc30", "fde725"]
  .map((hex) => [0, 2, 4].map((at) => parseInt(hex.slice(at, at + 2), 16)));

/** The colour of a share from 0 to 1, as the book's images have it. */
function shade(share) {
  const at = Math.min(1, Math.max(0, share)) * (VIRIDIS.length - 1), low = Math.min(VIRIDIS.length - 2, Math.floor(at));
  const mix = VIRIDIS[low].map((from, i) => Math.round(from + (at - low) * (VIRIDIS[low + 1][i] - from)));
  return `rgb(${mix.join(",")})`;
}

/** An image of `side` x `side` values, rows downwards, each a colour. */
function tiles(pen, width, side, colour) {
  const edge = (i) => Math.round((i * width) / side);
  for (let row = 0; row < side; row++)
    for (let column = 0; column < side; column++) {
      pen.fillStyle = colour(row, column);
      pen.fillRect(edge(column), edge(row), edge(column + 1) - edge(column), edge(row + 1) - edge(row));
    }
}

/** The primes below a number. */
const primesBelow = (end) => {
  const left = new Uint8Array(end).fill(1), found = [];
  for (let x = 2; x < end; x++) {
    if (!left[x]) continue;
    found.push(x);
    for (let y = x * x; y < end; y += x) left[y] = 0;
  }
  return found;
};

/** The bytes of a trait as shares from 0 to 1, in steps of 1/65535. */
const shares = (view) =>
  Float64Array.from({ length: view.byteLength / 2 }, (_, i) => view.getUint16(2 * i, true) / 65535);

/**
 * A button that moves a trait on, from its end back to the start, until it is stopped: one by one, or
 * in a few leaps where less motion is wished.
 */
function player(model, name, end) {
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  let ticking = 0;
  const button = h("button", { type: "button", name: "play" }, "Play");
  const stop = () => {
    clearInterval(ticking);
    [ticking, button.textContent] = [0, "Play"];
  };
  button.addEventListener("click", () => {
    if (ticking) return stop();
    if (model.get(name) >= end()) put(model, { [name]: 0 });
    button.textContent = "Pause";
    ticking = setInterval(() => {
      const leap = still.matches ? Math.ceil(end() / 8) : 1;
      put(model, { [name]: Math.min(end(), model.get(name) + leap) });
      if (model.get(name) >= end()) stop();
    }, still.matches ? 900 : 60);
  });
  return button;
}

/** Steps of training on a logarithmic axis of a width: place of a step, and its ticks drawn. */
function stepAxis(last, left, right) {
  const x = (step) => left + ((right - left) * Math.log(Math.max(1, step))) / Math.log(Math.max(2, last));
  const ticks = (pen, y, colour) => {
    pen.fillStyle = colour;
    pen.font = "12px system-ui, sans-serif";
    for (let step = 1; step <= last; step *= 10) {
      pen.textAlign = step === 1 ? "left" : x(step) > right - 24 ? "right" : "center";
      pen.fillText(thousands(step), x(step), y);
    }
    pen.textAlign = "left";
  };
  return { x, ticks };
}
