// Turn the unit: a neuron's three signals in steps of one unit after another.

export default {
  render({ model, el }) {
    const n = model.get("n"), names = model.get("names"), palette = model.get("colors");
    if (!model.get("weights").byteLength || !names.length)
      return framed(el, "turn the unit", h("p", {}, "This network has no cluster that a page could carry."));
    const net = network(model), freqs = model.get("freqs"), units = unitsOf(n);
    net.setNoise(0);
    const half = Math.floor(n / 2);
    const colourOf = (place) => model.get("clusters").find(({ neurons }) => neurons.includes(place)).color;

    // One neuron: its signals, their waves of its frequency, and how active it can be.
    let one;
    function choose() {
      const place = Math.max(0, names.indexOf(model.get("neuron")));
      const signals = net.signals(place), freq = freqs[place];
      const { a, b, c, bias } = signals, waves = [a, b, c].map((signal) => waveOf(signal, freq));
      const spectrum = Array.from({ length: half + 1 }, (_, f) => n * waveOf(a, f).r);
      const most = Math.max(1e-9, Math.max(...a) + Math.max(...b) + bias);
      one = { place, freq, signals, waves, spectrum, most, color: colourOf(place), best: highest(c) };
    }
    choose();

    const unitNow = () => (units.includes(model.get("unit")) ? model.get("unit") : 1);

    /** The pair: how active the neuron is, in the most of all pairs. */
    function look() {
      const [a, b] = ["a", "b"].map((name) => within(model.get(name), n - 1));
      const { signals, freq } = one, unit = unitNow();
      const active = Math.max(0, signals.a[a] + signals.b[b] + signals.bias);
      return { a, b, unit, active, answer: (a + b) % n, crests: folded(unit * freq, n) };
    }
    // Position k shows residue unit k; its spectrum has what was at f at unit f.
    const placesOf = (unit) => {
      const place = new Float64Array(n);
      for (let k = 0; k < n; k++) place[(unit * k) % n] = k;
      return place;
    };
    const hopsOf = (unit) => Float64Array.from({ length: half + 1 }, (_, f) => folded(unit * f, n));
    const redraw = () => drawWaves();
    const places = gliding(placesOf(unitNow()), redraw), hops = gliding(hopsOf(unitNow()), redraw);

    const waves = h("canvas", { "aria-hidden": "true" });
    const LEFT = 6, TAIL = 106, rowOf = (width) => (width > 400 ? 112 : 88);
    const drawWaves = canvas(el, waves, (width) => 3 * rowOf(width) + TAIL, (pen, width, tall, { ink, soft, line, ground, lit }) => {
      const { signals, spectrum, color, most, freq, best } = one, { a, b, unit, active, answer, crests } = look();
      const ROW = rowOf(width), colour = lit(color), across = (place) => LEFT + ((place + 0.5) / n) * (width - 2 * LEFT);
      const order = Array.from({ length: n }, (_, k) => (unit * k) % n);
      const loudest = Math.max(...[signals.a, signals.b].flatMap((signal) => [...signal].map(Math.abs)));
      const rows = [["hears of a", signals.a, loudest, a], ["hears of b", signals.b, loudest, b],
        [`says to answer c at (${a}, ${b})`, signals.c, Math.max(...signals.c.map(Math.abs)), answer]];
      rows.forEach(([title, signal, scale, marked], i) => {
        const zero = i * ROW + ROW / 2 + 6, y = (value) => zero - (value / scale) * (ROW / 2 - 14);
        trace(pen, [[0, zero], [width, zero]], line);
        const loud = i < 2 ? 1 : active / most;
        pen.globalAlpha = i < 2 ? 0.45 : 0.25;
        trace(pen, order.map((c) => [across(places.at(c)), y(signal[c])]), colour);
        pen.globalAlpha = 1;
        if (i === 2) trace(pen, order.map((c) => [across(places.at(c)), y(loud * signal[c])]), colour, 1.6);
        for (let c = 0; c < n; c++) dot(pen, across(places.at(c)), y(loud * signal[c]), 2, colour);
        const x = across(places.at(marked)), at = y(loud * signal[marked]);
        if (i < 2) dot(pen, x, at, 4.5, ground, ink);
        else {
          pen.lineWidth = 2;
          pen.strokeStyle = ink;
          pen.strokeRect(across(places.at(best)) - 4.5, y(loud * signal[best]) - 4.5, 9, 9);
          star(pen, x, at, 8, lit(palette.answer), ground);
        }
        words(pen, title, 0, i * ROW + 12, ink, ground);
      });
      const floor = tall - 18, reach = Math.max(...spectrum.slice(1)), room = TAIL - 42;
      const column = (f) => LEFT + ((f - 0.5) / half) * (width - 2 * LEFT);
      trace(pen, [[0, floor], [width, floor]], line);
      for (let f = 1; f <= half; f++) {
        const x = column(hops.at(f));
        trace(pen, [[x, floor], [x, floor - (spectrum[f] / reach) * room]], f === freq ? colour : soft, 3);
      }
      words(pen, "spectrum of what it hears of a", 0, 3 * ROW + 16, ink, ground);
      words(pen, `${crests}`, Math.min(width - 12, Math.max(8, column(hops.at(freq)))), floor + 14, ink, ground, "center");
      words(pen, crests > 4 ? "1 crest" : "", 0, tall - 4, soft, ground);
      words(pen, crests < half - 5 ? `${half}` : "", width, tall - 4, soft, ground, "right");
      if (places.moving()) drawWaves();
    });

    // All units at once: how many crests the wave has in steps of each.
    const strip = h("canvas", { "aria-hidden": "true", class: "live-strip" });
    const drawStrip = canvas(el, strip, () => 76, (pen, width, tall, { ink, soft, line, ground, lit }) => {
      const { freq, color } = one, unit = unitNow();
      const x = (i) => LEFT + ((i + 0.5) / units.length) * (width - 2 * LEFT);
      const y = (u) => tall - 8 - (folded(u * freq, n) / half) * (tall - 32);
      trace(pen, [[0, tall - 2], [width, tall - 2]], line);
      units.forEach((u, i) => dot(pen, x(i), y(u), u === unit ? 5.5 : 2.2, u === unit ? lit(color) : soft, u === unit && ink));
      words(pen, "crests in steps of each unit", 0, 11, ink, ground);
    });
    drag(strip, ({ offsetX }) => {
      const share = (offsetX - LEFT) / (strip.clientWidth - 2 * LEFT);
      put(model, { unit: units[within(share * units.length, units.length - 1)] });
    });

    // All pairs, in the same steps: where the neuron is active.
    const pad = h("canvas", { "aria-hidden": "true", class: "live-both" });
    const drawPad = canvas(el, pad, (width) => width, (pen, width, _, { ink, line, ground, lit }) => {
      const { signals, most, color } = one, { a, b, unit } = look(), cell = width / n, place = placesOf(unit);
      shades(pen, width, n, lit(color), (i, j) =>
        (signals.a[(unit * i) % n] + signals.b[(unit * j) % n] + signals.bias) / most);
      pen.strokeStyle = line;
      pen.strokeRect(0.5, 0.5, width - 1, width - 1);
      dot(pen, (place[b] + 0.5) * cell, (place[a] + 0.5) * cell, 5, ground, ink);
    });
    drag(pad, ({ offsetX, offsetY }) => {
      const at = (offset) => within((offset / pad.clientWidth) * n, n - 1);
      const unit = unitNow();
      put(model, { a: (unit * at(offsetY)) % n, b: (unit * at(offsetX)) % n });
    });

    // The circle of its frequency: three hands that stay, and the pair, which does not.
    const wheel = h("canvas", { "aria-hidden": "true" });
    const drawWheel = canvas(el, wheel, (width) => width, (pen, width, _, { ink, soft, line, ground, lit }) => {
      const { waves: [a, b, c], freq, color } = one, now = look(), middle = width / 2;
      const spot = (t, radius) => {
        const turn = (2 * Math.PI * t) / n;
        return [middle + radius * middle * Math.sin(turn), middle - radius * middle * Math.cos(turn)];
      };
      pen.strokeStyle = line;
      pen.beginPath();
      pen.arc(middle, middle, 0.8 * middle, 0, 7);
      pen.stroke();
      for (const [t, name, colour, wide, dash] of [[c.t, "D", lit(color), 4, []], [a.t, "A", ink, 1.6, []], [b.t, "B", ink, 1.6, [4, 3]]]) {
        pen.setLineDash(dash);
        trace(pen, [[middle, middle], spot(t, 0.62)], colour, wide);
        pen.setLineDash([]);
        const [x, y] = spot(t, 0.7);
        words(pen, name, x, y + 4, ink, ground, "center");
      }
      for (const [name, value] of [["a", now.a], ["b", now.b]]) {
        const [x, y] = spot(freq * value, 0.8), [u, v] = spot(freq * value, 0.92);
        dot(pen, x, y, 4, ground, ink);
        words(pen, name, u, v + 4, soft, ground, "center");
      }
      star(pen, ...spot(freq * now.answer, 0.8), 8, lit(palette.answer), ground);
    });

    const groups = {};
    model.get("clusters").forEach(({ freq, neurons }) =>
      (groups[`cluster f = ${freq}`] = neurons.map((place) => [names[place], `neuron ${names[place]}`])));
    const { says, spoken, tell } = telling({ long: true });
    const hands = h("p", { class: "live-score" });
    const update = onceAFrame(() => {
      const { freq, waves: [a, b, c], best, most } = one, now = look();
      const crests = `${now.crests} ${now.crests === 1 ? "crest" : "crests"}`;
      const share = `${Math.round((100 * now.active) / most)} %`;
      tell(`In steps of ${now.unit} the wave of f = ${freq} has ${crests}. At ${now.a} + ${now.b} = ${now.answer} ` +
        (now.active ? `the neuron is ${share} active, and says ${best} loudest.` : "the neuron is silent."));
      const sum = residue(a.t + b.t, n);
      const phase = (letter) => [h("i", {}, "t"), h("sub", {}, letter)];
      hands.replaceChildren(...phase("A"), " + ", ...phase("B"),
        ` = ${a.t.toFixed(1)} + ${b.t.toFixed(1)} = ${sum.toFixed(1)}, and `, ...phase("D"), ` = ${c.t.toFixed(1)}`);
      drawWaves();
      drawStrip();
      drawPad();
      drawWheel();
    });
    follow(model, ["neuron"], () => (choose(), update()));
    follow(model, ["unit"], () => {
      places.go(placesOf(unitNow()));
      hops.go(hopsOf(unitNow()));
      update();
    });
    follow(model, ["a", "b"], update);
    framed(el, "turn the unit",
      says, spoken,
      choice(model, "neuron", "Neuron", groups),
      slider(model, "unit", "unit u", { values: units }),
      strip,
      h("div", { class: "live-columns" },
        h("div", { class: "live-wide" }, waves),
        h("div", { class: "live-narrow" },
          slider(model, "a", "a", { max: n - 1 }), slider(model, "b", "b", { max: n - 1 }),
          h("div", { class: "live-two" }, pad, wheel), hands)),
      h("p", { class: "live-small" },
        "Circles: the pair. ★ the right answer; square: what the neuron says loudest. In the square of all pairs (a down, b across, both in steps of u) colour is activity. On the circle of f the hands are the neuron's phases, what it hears best (A, B) and says loudest (D); circles and star are the pair and its sum."));
    el.live = { model, look, pair: () => [look().a, look().b], one: () => one, // for tests and for the browser's console
      heard: () => Array.from({ length: n }, (_, k) => one.signals.a[(unitNow() * k) % n]) };
    update();
  },
};
