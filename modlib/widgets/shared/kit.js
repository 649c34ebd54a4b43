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

