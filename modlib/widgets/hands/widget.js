// Two hands: a pair on one circle of a pizza or a clock, on the double circle, and its logits.

/** Whole numbers of so many bits each, close together, from one on; in steps from the lowest. */
function wholes(view, bits, from, count, [low, step]) {
  const byte = (at) => (at < view.byteLength ? view.getUint8(at) : 0);
  return Float64Array.from({ length: count }, (_, i) => {
    const place = bits * (from + i), at = place >> 3;
    const near = byte(at) | (byte(at + 1) << 8) | (byte(at + 2) << 16);
    return low + step * ((near >> (place & 7)) & ((1 << bits) - 1));
  });
}

export default {
  render({ model, el }) {
    const n = model.get("n"), half = Math.floor(n / 2), palette = model.get("colors");
    const rows = half + 1, bits = model.get("bits");
    const count = { right: 3 * rows * n, profile: 3 * rows * rows, points: 4 * n };
    const networks = model.get("networks").map((one, i) => ({ ...one, ...Object.fromEntries(
      Object.entries(count).map(([name, many]) =>
        [name, wholes(model.get(name), bits[name], i * many, many, one[name])])) }));
    if (!networks.length)
      return framed(el, "two hands", h("p", {}, "This network has no circle that a page could carry."));
    const KEPT = ["the circle alone", "with its double", "the whole cluster"];
    const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
    const point = (one, circle, k) => [0, 1].map((axis) => one.points[(circle * n + k) * 2 + axis]);

    /** Whether a circle is there: residues lie nearer their places on it than half of its radius. */
    const isHeld = (one, circle) => mean([...Array(n).keys()].map((k) => {
      const turn = (2 * Math.PI * (circle + 1) * one.freq * k) / n, [u, v] = point(one, circle, k);
      return (u - Math.cos(turn)) ** 2 + (v - Math.sin(turn)) ** 2;
    })) < 0.25;
    /** The right answer's logit at a - b = unit y, b = unit x; both orders of a pair have one. */
    const rightAt = (one, kept, y, x) =>
      y < rows ? one.right[(kept * rows + y) * n + x] : rightAt(one, kept, n - y, (x + y) % n);
    const all = [...Array(n * n).keys()];
    for (const one of networks) {
      one.held = [0, 1].map((circle) => isHeld(one, circle));
      one.averages = KEPT.map((_, kept) => mean(all.map((i) => rightAt(one, kept, Math.floor(i / n), i % n))));
      one.high = one.right.reduce((most, value) => Math.max(most, value), 1e-9);
    }

    /** The pair, where it stands on the maps, and the right answer's logit. */
    function look() {
      const one = networks[within(model.get("net"), networks.length - 1)], kept = within(model.get("kept"), 2);
      const [a, b] = ["a", "b"].map((name) => within(model.get(name), n - 1)), { unit, freq } = one;
      let x = 0, y = 0; // b = unit x, a - b = unit y
      while ((unit * x) % n !== b) x++;
      while ((unit * y + b) % n !== a) y++;
      const logit = rightAt(one, kept, y, x);
      const middles = [0, 1].map((circle) => {
        const [p, q] = [a, b].map((k) => point(one, circle, k));
        return [(p[0] + q[0]) / 2, (p[1] + q[1]) / 2];
      });
      const away = Math.min(y, n - y);
      const profileAt = (row) => one.profile.subarray((kept * rows + row) * rows, (kept * rows + row + 1) * rows);
      return { one, kept, a, b, x, y, answer: (a + b) % n, logit, average: one.averages[kept], middles, profile: profileAt(away), nearest: profileAt(0),
        lengths: middles.map(([u, v]) => Math.hypot(u, v)), degrees: (360 * folded(freq * (a - b), n)) / n };
    }

    // The two circles: hands a and b, the middle of their ends, the sum of their angles.
    const SIZE = 0.36; // of the width, a radius of 1
    const circles = [0, 1].map((circle) => {
      const pad = h("canvas", { "aria-hidden": "true", class: "live-both" });
      const redraw = canvas(el, pad, (width) => width, (pen, width, _, { ink, soft, line, ground, lit }) => {
        const seen = look(), { one, a, b, answer, middles, kept } = seen, f = one.freq, centre = width / 2;
        const spot = ([u, v]) => [centre + SIZE * width * u, centre - SIZE * width * v];
        const faint = circle > kept;
        words(pen, circle ? `2f: the double circle${faint && one.held[1] ? " (off)" : ""}` : `f = ${f}`, 0, width - 4, ink, ground);
        if (!one.held[circle]) return words(pen, "this network has none", centre, centre, soft, ground, "center");
        pen.globalAlpha = faint ? 0.35 : 1;
        for (let k = 0; k < n; k++) dot(pen, ...spot(point(one, circle, k)), 1.8, soft);
        for (const [letter, k] of [["a", a], ["b", b]]) {
          const end = point(one, circle, k);
          trace(pen, [[centre, centre], spot(end)], lit(palette[letter]), 2.5);
          dot(pen, ...spot(end), 6, lit(palette[letter]), ink);
          const [u, v] = spot(end.map((value) => 1.2 * value));
          words(pen, `${letter} = ${k}`, Math.min(width - 22, Math.max(22, u)), v + 4, ink, ground, "center");
        }
        trace(pen, [a, b].map((k) => spot(point(one, circle, k))), line, 1);
        const turn = (2 * Math.PI * ((circle + 1) * f * answer)) / n, rim = spot([Math.cos(turn), Math.sin(turn)]);
        trace(pen, [[centre, centre], spot(middles[circle])], ink, 3.5);
        const [x, y] = spot(middles[circle]);
        pen.save();
        pen.translate(x, y);
        pen.rotate(Math.PI / 4);
        pen.fillStyle = lit(palette.pizza);
        pen.fillRect(-5, -5, 10, 10);
        pen.restore();
        star(pen, ...rim, 8, lit(palette.answer), ground);
        pen.globalAlpha = 1;
      });
      let held = "a"; // which hand
      const near = ({ offsetX, offsetY }, among) => {
        const { one } = look(), width = pad.clientWidth;
        const at = [(offsetX - width / 2) / (SIZE * width), (width / 2 - offsetY) / (SIZE * width)];
        const far = among.map((k) => {
          const [u, v] = point(one, circle, k);
          return Math.hypot(u - at[0], v - at[1]);
        });
        return far.indexOf(Math.min(...far));
      };
      pad.addEventListener("pointerdown", (event) => {
        const { a, b } = look();
        held = near(event, [a, b]) ? "b" : "a";
      });
      drag(pad, (event) => put(model, { [held]: near(event, [...Array(n).keys()]) }));
      return { pad, redraw };
    });

    // What the answers get, in steps of one wave, on average over pairs as far apart.
    const answers = h("canvas", { "aria-hidden": "true" });
    const drawAnswers = canvas(el, answers, () => 190, (pen, width, tall, { ink, soft, line, ground, lit }) => {
      const { one, profile, nearest, kept } = look(), top = 22, floor = tall - 18;
      const own = one.profile.subarray(kept * rows * rows, (kept + 1) * rows * rows);
      const high = Math.max(...own), low = Math.min(...own);
      const x = (e) => 6 + ((e + half) / (2 * half)) * (width - 12), y = (value) => floor - ((value - low) / (high - low || 1)) * (floor - top);
      const around = Array.from({ length: 2 * half + 1 }, (_, i) => i - half);
      trace(pen, [[0, y(0)], [width, y(0)]], line);
      trace(pen, around.map((e) => [x(e), y(nearest[Math.abs(e)])]), soft, 1);
      trace(pen, around.map((e) => [x(e), y(profile[Math.abs(e)])]), lit(palette.logit), 2);
      for (const e of around) dot(pen, x(e), y(profile[Math.abs(e)]), 2.2, lit(palette.logit));
      star(pen, x(0), y(profile[0]), 8, lit(palette.answer), ground);
      words(pen, "logits of the answers, pairs as far apart as this", 0, 12, ink, ground);
      words(pen, "answers around a + b, in steps of one wave", width / 2, tall - 3, soft, ground, "center");
    });

    // The right answer's logit of every pair: a - b down, the same place in the middle; b across.
    const map = h("canvas", { "aria-hidden": "true", class: "live-both" });
    const drawMap = canvas(el, map, (width) => width, (pen, width, _, { ink, line, ground, lit }) => {
      const { one, kept, x, y } = look(), cell = width / n;
      shades(pen, width, n, lit(palette.logit), (i, j) => rightAt(one, kept, (i - half + n) % n, j) / one.high);
      pen.strokeStyle = line;
      pen.strokeRect(0.5, 0.5, width - 1, width - 1);
      const inside = (place) => Math.min(width - 7, Math.max(7, (place + 0.5) * cell));
      star(pen, inside(x), inside((y + half) % n), 8, lit(palette.answer), ink);
    });
    drag(map, ({ offsetX, offsetY }) => {
      const at = (offset) => within((offset / map.clientWidth) * n, n - 1), { unit } = look().one;
      const b = (unit * at(offsetX)) % n;
      put(model, { b, a: residue(b + unit * (at(offsetY) - half), n) });
    });

    // All attention rates: which formula tells what is kept.
    const rates = model.get("rates"), chart = h("canvas", { "aria-hidden": "true" });
    const drawRates = canvas(el, chart, () => (rates.length ? 150 : 0), (pen, width, tall, { ink, soft, line, ground, lit }) => {
      const { one, kept } = look(), top = 24, floor = tall - 32, left = 44;
      const x = (rate) => left + 8 + rate * (width - left - 20), y = (share) => floor - share * (floor - top);
      for (const share of [0, 0.5, 1]) {
        trace(pen, [[left, y(share)], [width, y(share)]], line);
        words(pen, `${100 * share} %`, left - 4, y(share) + 4, soft, ground, "right");
      }
      pen.setLineDash([3, 3]);
      if (one.rate >= 0) trace(pen, [[x(one.rate), top - 8], [x(one.rate), floor]], ink, 1);
      pen.setLineDash([]);
      for (const [formula, name] of ["clock", "pizza"].entries()) {
        const spots = rates.map((row) => [x(row[0]), y(row[1 + 2 * kept + formula])]);
        trace(pen, spots, lit(palette[name]), 2);
        for (const [u, v] of spots)
          if (formula) {
            pen.fillStyle = lit(palette[name]);
            pen.fillRect(u - 4, v - 4, 8, 8);
          } else dot(pen, u, v, 4, lit(palette[name]));
      }
      for (const [rate] of rates.filter((_, i) => i % 5 === 0)) words(pen, `${rate}`, x(rate), floor + 14, soft, ground, "center");
      words(pen, `${kept === 2 ? "the whole network" : KEPT[kept]}: ● clock's share, ■ pizza's`, 0, 12, ink, ground);
      words(pen, "attention rate", width, tall - 3, soft, ground, "right");
    });

    const { says, spoken, tell } = telling({ long: true });
    const update = onceAFrame(() => {
      const { one, a, b, answer, degrees, lengths, logit, average, kept } = look();
      const double = kept === 1 && one.held[1] ? ` (${lengths[1].toFixed(2)} on the double circle)` : "";
      tell(`${a} + ${b} = ${answer}: ${Math.round(degrees)}° apart, the middle ${lengths[0].toFixed(2)} from the centre${double}. ` +
        `${["The circle alone gives", "With its double it gives", "The whole cluster gives"][kept]} ${answer} a logit of ${logit.toFixed(1)}; right answers get ${average.toFixed(1)} on average.`);
      circles.forEach(({ redraw }) => redraw());
      drawAnswers();
      drawMap();
      drawRates();
    });
    follow(model, ["net", "kept", "a", "b"], update);
    const named = ({ title, rate }) => (rate >= 0 ? `attention rate ${rate} (${title})` : title);
    const face = () => {
      const { b, one } = look();
      put(model, { a: (b + one.unit * half) % n });
    };
    framed(el, "two hands",
      says, spoken,
      h("div", { class: "live-pair" },
        choice(model, "net", "Network", networks.map((one, i) => [i, named(one)])),
        choice(model, "kept", "Keep", KEPT.map((words, i) => [i, words]))),
      h("div", { class: "live-pair" }, slider(model, "a", "a", { max: n - 1 }), slider(model, "b", "b", { max: n - 1 })),
      h("button", { type: "button", name: "face", onclick: face }, "Face to face"),
      h("div", { class: "live-two" }, ...circles.map(({ pad }) => pad)),
      h("div", { class: "live-columns" },
        h("div", { class: "live-wide" }, answers, chart), h("div", { class: "live-narrow" }, map)),
      h("p", { class: "live-small" },
        "Drag a hand. ★ the sum of both angles, the right answer; diamond: the middle of both points. Grey: logits where a = b. In the square of all pairs (distance on the circle down, nearest in the middle; b across) colour is the right answer's logit, the mean of both orders.",
        rates.length ? " Last: the share of the logits that each formula explains, means over trained networks." : ""));
    el.live = { model, look: () => { const { one, profile, nearest, ...rest } = look(); return { ...rest, profile: [...profile] }; } }; // for tests and for the browser's console
    update();
  },
};
