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

/** Calls `update` when one of these traits changes. */
const follow = (model, names, update) => names.forEach((name) => model.on(`change:${name}`, update));

/**
 * A labelled slider of one trait; arrow keys, Home and End come with the browser's own. With `values`
 * it goes through these alone; `told` makes words of a value.
 */
function slider(model, name, label, { min = 0, max, step = 1, digits = 0, values, told }) {
  const ends = values ? { min: 0, max: values.length - 1, step: 1 } : { min, max, step };
  const input = h("input", { type: "range", name, ...ends });
  const shown = h("output", { class: "live-number" });
  const update = () => {
    const value = Number(model.get(name));
    input.value = values ? Math.max(0, values.indexOf(value)) : value;
    shown.textContent = told ? told(value) : value.toFixed(digits);
    if (values || told) input.setAttribute("aria-valuetext", shown.textContent);
  };
  input.addEventListener("input", () => {
    const value = Number(input.value);
    put(model, { [name]: values ? values[value] : value });
  });
  follow(model, [name], update);
  update();
  return h("label", { class: "live-slider" }, h("span", {}, label), input, shown);
}

/** A labelled list of one trait's values: [value, words], in groups where given as {group: [...]}. */
function choice(model, name, label, values) {
  const option = ([value, words]) => h("option", { value }, words);
  const list = h("select", { name }, ...(Array.isArray(values)
    ? values.map(option)
    : Object.entries(values).map(([group, some]) => h("optgroup", { label: group }, ...some.map(option)))));
  const update = () => (list.value = model.get(name));
  list.addEventListener("change", () => put(model, { [name]: Number(list.value) }));
  follow(model, [name], update);
  update();
  return h("label", { class: "live-select" }, label, list);
}

/** A box that makes a trait 1 or 0. */
function toggle(model, name, label) {
  const box = h("input", { type: "checkbox", name });
  const update = () => (box.checked = Boolean(model.get(name)));
  box.addEventListener("change", () => put(model, { [name]: Number(box.checked) }));
  follow(model, [name], update);
  update();
  return h("label", { class: "live-select" }, box, label);
}

/**
 * What is seen, in words: `tell` says it at once to eyes, and when it rests to a screen reader. `long`
 * words have room for another line.
 */
function telling({ wait = 600, long = false } = {}) {
  const says = h("p", { class: long ? "live-says live-long" : "live-says" });
  const spoken = h("p", { class: "live-unseen", "aria-live": "polite" });
  let resting = 0;
  const tell = (text) => {
    says.textContent = text;
    clearTimeout(resting);
    resting = setTimeout(() => (spoken.textContent = text), wait);
  };
  return { says, spoken, tell };
}

/**
 * Puts a figure's parts into `el`, as one group that has a name. Keys are of the control that has the
 * focus: JupyterLab, which looks for this mark on it, would take arrows for its cells.
 */
function framed(el, name, ...parts) {
  if (!el.closest(".modlib-live")) el.classList.add("modlib-live");
  el.addEventListener("focusin", ({ target }) => (target.dataset.lmSuppressShortcuts = ""));
  el.append(h("div", { role: "group", "aria-label": `Live figure: ${name}` }, ...parts));
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
    pen.font = "12px system-ui, sans-serif";
    pen.globalAlpha = 1;
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
    return `rgb(${rgbOf(hex).map((part) => Math.round(part + 0.35 * (255 - part))).join(",")})`;
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

/** A line through points. */
function trace(pen, points, colour, width = 1) {
  pen.strokeStyle = colour;
  pen.lineWidth = width;
  pen.beginPath();
  for (const [x, y] of points) pen.lineTo(x, y);
  pen.stroke();
}

/** A filled dot, with a rim where its colour is given. */
function dot(pen, x, y, radius, fill, rim) {
  pen.beginPath();
  pen.arc(x, y, radius, 0, 7);
  pen.fillStyle = fill;
  pen.fill();
  if (!rim) return;
  pen.strokeStyle = rim;
  pen.lineWidth = 1.5;
  pen.stroke();
}

/** Words that stand out from what lies behind them. */
function words(pen, text, x, y, colour, ground, align = "left") {
  pen.textAlign = align;
  pen.lineJoin = "round";
  pen.lineWidth = 3;
  pen.strokeStyle = ground;
  pen.strokeText(text, x, y);
  pen.fillStyle = colour;
  pen.fillText(text, x, y);
}

/** Red, green and blue of a colour as `lit` gives it. */
const rgbOf = (colour) =>
  colour[0] === "#" ? colour.match(/[0-9a-f]{2}/gi).map((part) => parseInt(part, 16)) : colour.match(/\d+/g).map(Number);

/** An image of rows of shades, each row of its colour: `shareAt(i, j)`, at most 1, in row i and column j. */
function shadedRows(pen, [x, y, width, height], rows, columns, colourOf, shareAt) {
  const image = new ImageData(columns, rows), small = h("canvas", { width: columns, height: rows });
  for (let i = 0, at = 0; i < rows; i++) {
    const rgb = rgbOf(colourOf(i));
    for (let j = 0; j < columns; j++, at += 4) {
      image.data.set(rgb, at);
      image.data[at + 3] = 255 * Math.max(0, shareAt(i, j));
    }
  }
  small.getContext("2d").putImageData(image, 0, 0);
  pen.imageSmoothingEnabled = false;
  pen.drawImage(small, x, y, width, height);
}

/** A square of n x n shades of one colour. */
const shades = (pen, width, n, colour, shareAt) =>
  shadedRows(pen, [0, 0, width, width], n, n, () => colour, shareAt);

/** Numbers that glide to new ones, or jump where less motion is wished; `redraw` is asked for. */
function gliding(values, redraw) {
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  let from = values, to = values, since = -Infinity;
  const passed = () => Math.min(1, (performance.now() - since) / 400);
  const at = (i) => from[i] + (to[i] - from[i]) * passed();
  return {
    at,
    moving: () => passed() < 1,
    go(next) {
      from = Float64Array.from(to, (_, i) => at(i));
      to = next;
      since = still.matches ? -Infinity : performance.now();
      redraw();
    },
  };
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

/** The whole number from 0 to `most` that lies nearest. */
const within = (value, most) => Math.min(most, Math.max(0, Math.floor(value) || 0));

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

