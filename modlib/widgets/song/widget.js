// What a digit's row sings: power at any frequency, and the digits around the wave's circle.

export default {
  render({ model, el }) {
    const p = model.get("p"), names = model.get("names"), marks = model.get("marks"), palette = model.get("colors");
    const steps = model.get("steps"), all = numbers(model.get("rows")), size = (p * (p + 1)) / 2;
    const get = (name) => model.get(name);
    const network = () => within(get("network"), names.length - 1), at = () => within(get("at"), steps[network()].length - 1);
    const before = [0];
    for (const list of steps) before.push(before[before.length - 1] + list.length);

    /** Inner products of the digits' rows, all pairs, and their sums by distance. */
    const made = new Map();
    function state(network, at) {
      const which = before[network] + at;
      if (!made.has(which)) {
        const gram = new Float64Array(p * p), sums = new Float64Array(p);
        for (let x = 0, i = which * size; x < p; x++)
          for (let y = x; y < p; y++, i++) {
            gram[x * p + y] = gram[y * p + x] = all[i];
            sums[y - x] += all[i];
          }
        const power = (freq) => sums.reduce((total, sum, d) => total + (d ? 2 : 1) * sum * Math.cos(2 * Math.PI * freq * d), 0);
        const curve = Array.from({ length: 12 * p + 1 }, (_, i) => power(i / (24 * p)));
        made.set(which, { gram, power, curve });
      }
      return made.get(which);
    }
    const now = () => state(network(), at());
    /** Each digit where the others' rows put it: along the wave's cosine and its sine. */
    function places() {
      const { gram } = now(), turn = 2 * Math.PI * get("freq");
      return Array.from({ length: p }, (_, x) => {
        let [cos, sin] = [0, 0];
        for (let y = 0; y < p; y++) {
          if (y === x) continue;
          cos += gram[x * p + y] * Math.cos(turn * y);
          sin += gram[x * p + y] * Math.sin(turn * y);
        }
        return [p * cos, p * sin];
      });
    }
    const LOUD = 1.3; // noise in many coordinates stays nearer to 1

    const curve = h("canvas", { "aria-hidden": "true" });
    const LEFT = 8, x = (freq, width) => LEFT + 2 * freq * (width - 2 * LEFT);
    const drawCurve = canvas(el, curve, () => 220, (pen, width, height, { ink, soft, line, ground, lit }) => {
      const foot = height - 22, most = Math.max(2, ...now().curve), y = (power) => foot - (power / most) * (foot - 16);
      for (const { k, q, color } of marks) {
        trace(pen, [[x(k / q, width), 14], [x(k / q, width), foot]], lit(color), q === 2 ? 2 : 1);
        words(pen, `${k}/${q}`, x(k / q, width), 11, ink, ground, k / q > 0.48 ? "right" : "center");
      }
      trace(pen, [[0, y(1)], [width, y(1)]], line);
      trace(pen, now().curve.map((power, i) => [x(i / (24 * p), width), y(power)]), ink, 1.5);
      const freq = get("freq");
      trace(pen, [[x(freq, width), 4], [x(freq, width), foot]], lit(palette.mark), 2);
      dot(pen, x(freq, width), y(now().power(freq)), 6, lit(palette.mark), ground);
      pen.fillStyle = soft;
      pen.textAlign = "left";
      pen.fillText("0", LEFT, height - 6);
      pen.textAlign = "center";
      pen.fillText("frequency (cycles a digit)", width / 2, height - 6);
      pen.textAlign = "right";
      pen.fillText("1/2", width - LEFT, height - 6);
    });
    drag(curve, ({ offsetX }) => {
      const freq = (offsetX - LEFT) / (curve.clientWidth - 2 * LEFT) / 2;
      put(model, { freq: Math.min(0.5, Math.max(0, Math.round(2000 * freq) / 2000)) });
    });

    const wheel = h("canvas", { role: "img", "aria-label": "The digits around the circle of this frequency" });
    const drawWheel = canvas(el, wheel, (width) => width, (pen, width, _, { line, ground }) => {
      const found = places(), middle = width / 2, freq = get("freq"), far = found.map((place) => Math.hypot(...place));
      const most = Math.max(0.4, ...far), scale = (0.44 * width) / most, named = [];
      pen.strokeStyle = line;
      pen.beginPath();
      pen.arc(middle, middle, scale * (far.reduce((x, y) => x + y) / p), 0, 7);
      pen.moveTo(middle - 4, middle);
      pen.lineTo(middle + 4, middle);
      pen.moveTo(middle, middle - 4);
      pen.lineTo(middle, middle + 4);
      pen.stroke();
      const spots = found.map(([cos, sin]) => [middle + scale * cos, middle - scale * sin]);
      spots.forEach(([left, top], digit) =>
        dot(pen, left, top, 7, `hsl(${360 * ((freq * digit) % 1)} 55% 72%)`, ground));
      pen.fillStyle = "#111";
      pen.font = "11px system-ui, sans-serif";
      pen.textAlign = "center";
      spots.forEach(([left, top], digit) => {
        if (named.some(([x, y]) => Math.hypot(x - left, y - top) < 13)) return;
        named.push([left, top]);
        pen.fillText(digit, left, top + 4);
      });
    });

    const buttons = arrows(h("fieldset", { class: "live-buttons" }, h("legend", {}, "Go to")));
    for (const { k, q } of marks)
      buttons.append(h("button", { type: "button", name: `mark${k}-${q}`, onclick: () => put(model, { freq: k / q }) }, `${k}/${q}`));
    buttons.append(h("button", { type: "button", name: "peak", onclick: () => {
      const { curve } = now();
      put(model, { freq: curve.indexOf(Math.max(...curve)) / (24 * p) });
    } }, "the highest peak"));
    const time = slider(model, "at", "step", { max: steps[network()].length - 1, told: () => thousands(steps[network()][at()]) });
    const { says, spoken, tell } = telling({ long: true });
    const update = onceAFrame(() => {
      const freq = get("freq"), power = now().power(freq);
      const close = marks.find(({ k, q }) => Math.abs(k / q - freq) < 0.004);
      tell(`${names[network()]}, step ${thousands(steps[network()][at()])}: at ${close ? `${close.k}/${close.q}` : freq.toFixed(3)} ` +
        `cycles a digit the rows have ${power.toFixed(1)} times the power of the mean frequency` +
        (close && power > LOUD ? `: digits with the same remainder modulo ${close.q} stand together.` : "."));
      drawCurve();
      drawWheel();
    });
    model.on("change:network", () => {
      time.querySelector("input").max = steps[network()].length - 1;
      put(model, { at: steps[network()].length - 1 });
      update();
    });
    follow(model, ["at", "freq"], update);
    framed(el, "what a digit's row sings", says, spoken,
      h("div", { class: "live-pair" }, choice(model, "network", "Network of", names.map((name, i) => [i, name])), time),
      slider(model, "freq", "frequency", { max: 0.5, step: 0.0005, digits: 4 }), buttons,
      h("div", { class: "live-columns" }, h("div", { class: "live-wide" }, curve), h("div", { class: "live-wheel" }, wheel)),
      h("p", { class: "live-small" }, "Left: power of the rows at every frequency; the thin line is the mean, marks stand at k/q. Drag in it. Right: each digit where the rows of all others put it on this wave, as large as fits; the ring is their mean distance. Without a common wave they lie anywhere. Colour goes around with the wave."));
    el.live = { model, power: () => now().power(get("freq")), places };
    update();
  },
};
