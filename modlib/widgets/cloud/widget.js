// Turn the cloud: the embedding from the side of one frequency, of another, and between.

export default {
  render({ model, el }) {
    const n = model.get("n"), freqs = model.get("freqs"), shades = model.get("shades"), palette = model.get("colors");
    const flat = numbers(model.get("points")), m = freqs.length, radians = Math.PI / 180;
    const at = (k, place, axis) => flat[(k * m + place) * 2 + axis];

    /**
     * The cloud as it is seen: up to 90 degrees the first plane's second axis gives way to the second
     * plane's first, and from there the first plane's first axis to the second plane's second.
     */
    function look() {
      const first = within(model.get("first"), m - 1), second = within(model.get("second"), m - 1);
      const turn = first === second ? 0 : Math.min(180, Math.max(0, model.get("turn"))), spin = model.get("spin") * radians;
      const up = Math.min(90, turn) * radians, over = Math.max(0, turn - 90) * radians;
      const x = new Float64Array(n), y = new Float64Array(n);
      for (let k = 0; k < n; k++) {
        const [u, v] = [at(k, second, 0), at(k, second, 1)];
        const across = u * Math.cos(spin) - v * Math.sin(spin), along = u * Math.sin(spin) + v * Math.cos(spin);
        x[k] = Math.cos(over) * at(k, first, 0) - Math.sin(over) * along;
        y[k] = Math.cos(up) * at(k, first, 1) + Math.sin(up) * across;
      }
      const mean = (values) => values.reduce((sum, value) => sum + value, 0) / n;
      const square = (values) => mean(values.map((value) => value * value));
      const [sx, sy] = [square(x) || 1, square(y) || 1];
      const radius = x.map((value, k) => (value * value) / sx + (y[k] * y[k]) / sy);
      const spread = Math.sqrt(Math.max(0, square(radius) - mean(radius) ** 2)) / mean(radius);
      return { x, y, spread, first, second, turn };
    }
    const threadOf = (k, d) => {
      const thread = [k];
      for (let next = (k + d) % n; d && next !== k; next = (next + d) % n) thread.push(next);
      return thread;
    };
    /** Residues that lie where k lies, within a dot's width. */
    const beside = (k, { x, y }, reach) =>
      [...x.keys()].filter((other) => other !== k && Math.hypot(x[other] - x[k], y[other] - y[k]) < reach);

    const size = Math.max(...[...Array(m).keys()].map((place) => {
      let most = 0;
      for (let k = 0; k < n; k++) most = Math.max(most, Math.hypot(at(k, place, 0), at(k, place, 1)));
      return most;
    }));
    const pad = h("canvas", { "aria-hidden": "true", class: "live-cloud" });
    const draw = canvas(el, pad, (width) => width, (pen, width, _, { ink, soft, line, ground, lit }) => {
      const seen = look(), { x, y, first, second, turn } = seen, middle = width / 2;
      const k = within(model.get("k"), n - 1), d = within(model.get("d"), n - 1);
      const largest = 1.1 * Math.max(...x.map((value, j) => Math.hypot(value, y[j])), 0.35 * size);
      const spot = (j) => [middle + (x[j] / largest) * (middle - 16), middle - (y[j] / largest) * (middle - 16)];
      trace(pen, [[0, middle], [width, middle]], line);
      trace(pen, [[middle, 0], [middle, width]], line);
      const name = (place) => `f = ${freqs[place]}`;
      words(pen, name(turn < 135 ? first : second), width - 2, middle - 5, lit(shades[turn < 135 ? first : second]), ground, "right");
      words(pen, name(turn < 45 ? first : second), middle + 5, 12, lit(shades[turn < 45 ? first : second]), ground);
      if (d) {
        const thread = threadOf(k, d);
        trace(pen, [...thread, k].map(spot), soft, 1);
        trace(pen, thread.slice(0, 3).map(spot), lit(palette.mark), 3);
      }
      for (let j = 0; j < n; j++) dot(pen, ...spot(j), 3, ink);
      // Numbers where there is room: first those of the thread's beginning, then the others.
      const marked = d ? [k, (k + d) % n, (k + 2 * d) % n] : [k], taken = [];
      marked.forEach((j, i) => dot(pen, ...spot(j), i ? 4.5 : 6.5, lit(palette.mark), ink));
      for (const j of [...marked, ...Array(n).keys()]) {
        const [px, py] = spot(j), away = Math.hypot(px - middle, py - middle) || 1;
        const [u, v] = [px + (11 * (px - middle)) / away, py + (11 * (py - middle)) / away];
        if (taken.some(([s, t]) => Math.abs(s - u) < 17 && Math.abs(t - v) < 12)) continue;
        taken.push([u, v]);
        words(pen, `${j}`, u, v + 4, marked.includes(j) ? ink : soft, ground, "center");
      }
    });
    let from = null; // the pointer and the view where it was pressed
    pad.addEventListener("pointerdown", ({ offsetX, offsetY }) =>
      (from = { x: offsetX, y: offsetY, turn: look().turn, spin: model.get("spin") }));
    drag(pad, ({ offsetX, offsetY }) => put(model, {
      turn: within(from.turn + (offsetX - from.x) / 2 + 0.5, 180),
      spin: residue(Math.round(from.spin + offsetY - from.y), 360),
    }));

    const { says, spoken, tell } = telling({ long: true });
    const where = ({ first, second, turn }) =>
      turn === 0 ? `The plane of f = ${freqs[first]}` : turn === 180 ? `The plane of f = ${freqs[second]}`
        : turn === 90 ? `From the side: an axis of f = ${freqs[first]}, one of f = ${freqs[second]}`
          : `Between the planes of f = ${freqs[first]} and ${freqs[second]}`;
    const shape = (spread) => (spread < 0.25 ? "a circle" : "a knot");
    const update = onceAFrame(() => {
      const seen = look(), { first, second, turn, spread } = seen;
      const k = within(model.get("k"), n - 1), d = within(model.get("d"), n - 1);
      const rounds = [first, second].map((place) => folded(d * freqs[place], n));
      const times = (count) => (count === 1 ? "once" : `${count} times`);
      const round = turn < 45 ? rounds[0] : turn > 135 ? rounds[1] : null;
      const walk = !d ? "" : round === null ? `${n} steps of ${d} go ${times(rounds[0])} to and fro, ${times(rounds[1])} up and down. `
        : round ? `${n} steps of ${d} go round ${times(round)}. ` : `Steps of ${d} stay in place. `;
      const same = beside(k, seen, 0.06 * size);
      tell(`${where(seen)}: ${shape(spread)} (squared radius ± ${spread.toFixed(2)}). ${walk}` +
        (same.length ? `Beside ${k} ${same.length > 1 ? "lie" : "lies"} ${same.slice(0, 8).join(", ")}${same.length > 8 ? " and more" : ""}.` : `${k} lies alone.`));
      draw();
    });
    follow(model, ["first", "second", "turn", "spin", "k", "d"], update);
    const planes = freqs.map((freq, place) => [place, `f = ${freq}`]);
    const degrees = (value) => `${Math.round(value)}°`;
    framed(el, "turn the cloud",
      says, spoken,
      h("div", { class: "live-columns" },
        h("div", { class: "live-wide" }, pad),
        h("div", { class: "live-narrow" },
          choice(model, "first", "From", planes), choice(model, "second", "to", planes),
          slider(model, "turn", "turn", { max: 180, told: degrees }),
          slider(model, "spin", "spin", { max: 359, told: degrees }),
          slider(model, "k", "k", { max: n - 1 }),
          slider(model, "d", "d", { max: Math.floor(n / 2) }))),
      h("p", { class: "live-small" },
        "Each dot is a residue k, where the trained embedding puts (k, k). Drag the cloud: sideways turns it from the one plane to the other, up and down spins the second. A thread joins k, k + d, k + 2d and so on; its beginning is thick."));
    el.live = { model, look: () => { const { x, y, spread } = look(); return { x: [...x], y: [...y], spread }; } }; // for tests and for the browser's console
    update();
  },
};
