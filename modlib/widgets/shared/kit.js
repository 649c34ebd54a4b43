// What all live figures share: elements, controls, a canvas, random numbers by counter.

/** An element with attributes; names that begin with "on" are listeners. */
function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

/** Sets some traits, and tells Python or the address. */
function put(model, values) {
  for (const [name, value] of Object.entries(values)) model.set(name, value);
  model.save_changes();
}

/** A labelled slider of one trait; arrow keys, Home and End come with the browser's own. */
function slider(model, name, label, { min = 0, max, step = 1, digits = 0 }) {
  const input = h("input", { type: "range", min, max, step, name });
  const shown = h("output", { class: "live-number" });
  const update = () => {
    input.value = model.get(name);
    shown.textContent = Number(model.get(name)).toFixed(digits);
  };
  input.addEventListener("input", () => put(model, { [name]: Number(input.value) }));
  model.on(`change:${name}`, update);
  update();
  return h("label", { class: "live-slider" }, h("span", {}, label), input, shown);
}

/** In a group of buttons or boxes the arrow keys go from one to the next. */
function arrows(group) {
  group.addEventListener("keydown", (event) => {
    const move = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const items = [...group.querySelectorAll("input, button")];
    const here = items.indexOf(document.activeElement);
    if (!move || here < 0) return;
    event.preventDefault();
    items[(here + move + items.length) % items.length].focus();
  });
  return group;
}

/** Calls `draw` once a frame at most, however often it is asked. */
function onceAFrame(draw) {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      draw();
    });
  };
}

/** A canvas of the box's width: `draw(pen, width, height, colours)`; returns what asks for it. */
function canvas(box, element, heightFor, draw) {
  const ask = onceAFrame(() => {
    const width = element.clientWidth;
    if (!width) return;
    const height = heightFor(width);
    const scale = window.devicePixelRatio || 1;
    if (element.width !== Math.round(width * scale) || element.height !== Math.round(height * scale)) {
      element.width = Math.round(width * scale);
      element.height = Math.round(height * scale);
      element.style.height = `${height}px`;
    }
    const pen = element.getContext("2d");
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.clearRect(0, 0, width, height);
    pen.textAlign = "left"; // a canvas remembers what was set at the last drawing
    pen.setLineDash([]);
    draw(pen, width, height, colours(box));
  });
  new ResizeObserver(ask).observe(element);
  const themes = new MutationObserver(ask);
  for (const root of [document.documentElement, document.body])
    themes.observe(root, { attributes: true, attributeFilter: ["data-theme", "data-jp-theme-light"] });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", ask);
  return ask;
}

/** The theme's colours; `lit` brightens a figure's colour on a dark ground. */
function colours(box) {
  const style = getComputedStyle(box);
  const of = (name) => style.getPropertyValue(`--live-${name}`).trim();
  const dark = of("dark") === "1";
  const lit = (hex) => {
    if (!dark) return hex;
    const parts = hex.match(/[0-9a-f]{2}/gi).map((part) => parseInt(part, 16));
    return `rgb(${parts.map((part) => Math.round(part + 0.35 * (255 - part))).join(",")})`;
  };
  return { ink: of("ink"), soft: of("soft"), line: of("line"), ground: of("ground"), lit };
}

/** A star of five points, as in the book's figures: the right answer. */
function star(pen, x, y, size, fill, edge) {
  pen.beginPath();
  for (let i = 0; i < 10; i++) {
    const radius = i % 2 ? 0.42 * size : size;
    pen.lineTo(x + radius * Math.sin((Math.PI * i) / 5), y - radius * Math.cos((Math.PI * i) / 5));
  }
  pen.closePath();
  pen.fillStyle = fill;
  pen.fill();
  pen.strokeStyle = edge;
  pen.lineWidth = 1;
  pen.stroke();
}

/** Follows a pointer from press to release: mouse, pen and finger alike. */
function drag(element, move) {
  element.addEventListener("pointerdown", (event) => {
    element.setPointerCapture(event.pointerId);
    move(event);
  });
  element.addEventListener("pointermove", (event) => {
    if (element.hasPointerCapture(event.pointerId)) move(event);
  });
}

/** The bytes of a trait as float32 numbers, as float64. */
const numbers = (view) =>
  Float64Array.from({ length: view.byteLength / 4 }, (_, i) => view.getFloat32(4 * i, true));

/** A model that neither Python nor the address hears of. */
function ownModel(state) {
  const listeners = {};
  return {
    get: (name) => state[name],
    set(name, value) {
      state[name] = value;
      (listeners[`change:${name}`] ?? []).forEach((listener) => listener());
    },
    on: (event, listener) => (listeners[event] ??= []).push(listener),
    save_changes() {},
  };
}

const thousands = (count) => count.toLocaleString("en-US");


/** A labelled list of what one trait may be: [value, words] each. */
function choice(model, name, label, options) {
  const select = h("select", { name });
  for (const [value, words] of options) select.append(h("option", { value }, words));
  const update = () => (select.value = model.get(name));
  select.addEventListener("change", () => put(model, { [name]: Number(select.value) }));
  model.on(`change:${name}`, update);
  update();
  return h("label", { class: "live-select" }, label, select);
}

/** What a figure says: `parts` to show; `tell(text)` at once for eyes, at rest for screen readers. */
function telling() {
  const says = h("p", { class: "live-says" });
  const spoken = h("p", { class: "live-unseen", "aria-live": "polite" });
  let resting = 0;
  const tell = (text) => {
    says.textContent = text;
    clearTimeout(resting);
    resting = setTimeout(() => (spoken.textContent = text), 600);
  };
  return { parts: [says, spoken], tell };
}

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

/** A button that moves a trait on by one, from its end back to the start, until it is stopped. */
function player(model, name, end, pace = 60) {
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
      put(model, { [name]: Math.min(end(), model.get(name) + 1) });
      if (model.get(name) >= end()) stop();
    }, pace);
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
