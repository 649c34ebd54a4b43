// Draw m frequencies: hand after hand, and how often a hand separates the answers.

const MOST = 10; // frequencies in the largest hand
const LISTED = 400_000; // hands that are all counted; where there are more, some are drawn
const TRIED = 1000; // of these

/** cos(2 pi f d / n) for f and d from 1 to n / 2, a row a frequency: all others repeat them. */
function wavesOf(n) {
  const half = Math.floor(n / 2);
  return Array.from({ length: half }, (_, f) =>
    Float64Array.from({ length: half }, (_, d) => Math.cos((2 * Math.PI * (((f + 1) * (d + 1)) % n)) / n)));
}

/** How far the runner-up of a hand stays behind the answer, as a share of m, and where it is. */
function gapOf(waves, hand) {
  let most = -Infinity, at = 0;
  for (let d = 0; d < waves.length; d++) {
    let height = 0;
    for (const f of hand) height += waves[f - 1][d];
    if (height > most + 1e-9) [most, at] = [height, d + 1];
  }
  return { gap: 1 - most / hand.length, at };
}

const isSeparated = (gap, delta) => gap > delta + 1e-9;
const kept = new Map(); // the longest hands, since a shorter one is their beginning
function handOf(seed, i, n, m) {
  const name = `${seed} ${i} ${n}`;
  if (kept.size > 20_000) kept.clear();
  if (!kept.has(name)) kept.set(name, philoxPermutation(seed, CONTROL, i, Math.floor(n / 2)).subarray(0, MOST));
  return [...kept.get(name).subarray(0, m)].map((f) => f + 1).sort((f, g) => f - g);
}
const hasDouble = (hand, n) => hand.some((f) => folded(2 * f, n) !== f && hand.includes(folded(2 * f, n)));

/** The number of hands of m out of `count` frequencies. */
function handsOf(count, m) {
  let found = 1;
  for (let i = 1; i <= m; i++) found = (found * (count - m + i)) / i;
  return Math.round(found);
}

/** Counts the hands that separate the answers, all there are; a pause comes after some of them. */
function* allHands(waves, m, delta) {
  const half = waves.length, limit = m * (1 - delta - 1e-9);
  const sums = Array.from({ length: m }, () => new Float64Array(half)), hand = new Array(m).fill(-1);
  let right = 0, seen = 0, place = 0, danger = 0;
  while (place >= 0) {
    hand[place]++;
    if (hand[place] > half - m + place) {
      place--;
      continue;
    }
    const wave = waves[hand[place]], before = place ? sums[place - 1] : null;
    if (place < m - 1) {
      for (let d = 0; d < half; d++) sums[place][d] = (before ? before[d] : 0) + wave[d];
      hand[place + 1] = hand[place];
      place++;
      continue;
    }
    // Most hands that fail do so where the last one did.
    let fails = (before ? before[danger] : 0) + wave[danger] >= limit;
    for (let d = 0; d < half && !fails; d++)
      if ((before ? before[d] : 0) + wave[d] >= limit) [fails, danger] = [true, d];
    if (!fails) right++;
    if (++seen % 500 === 0) yield;
  }
  return right / seen;
}

/** Tallies the first hands of a seed; a pause comes after some of them. */
function* someHands(waves, seed, n, m, delta, count) {
  const tally = { right: 0, double: 0, doubleRight: 0, count };
  for (let i = 0; i < count; i++) {
    const hand = handOf(seed, i, n, m), right = isSeparated(gapOf(waves, hand).gap, delta);
    tally.right += right;
    if (hasDouble(hand, n)) {
      tally.double++;
      tally.doubleRight += right;
    }
    if (i % 20 === 19) yield;
  }
  return tally;
}

/** Goes through a generator, some milliseconds a time; `done` gets what it returns. */
function slowly(steps, done) {
  let stopped = false;
  (function some() {
    if (stopped) return;
    const until = performance.now() + 6;
    let next = steps.next();
    while (!next.done && performance.now() < until) next = steps.next();
    if (next.done) done(next.value);
    else setTimeout(some, 0);
  })();
  return () => (stopped = true);
}

/** Gamma(m / 2 + 1). */
function gammaOf(m) {
  let found = m % 2 ? Math.sqrt(Math.PI) : 1;
  for (let x = m % 2 ? 0.5 : 1; x <= m / 2 + 1e-9; x++) found *= x;
  return found;
}
const gammaFormula = (n, m, delta) => 1 - (n / (2 * gammaOf(m))) * ((delta * m) / (2 * Math.PI)) ** (m / 2);
const stirlingFormula = (n, m, delta) => 1 - (n / 2) * ((Math.E * delta) / Math.PI) ** (m / 2);

export default {
  render({ model, el }) {
    const palette = model.get("colors"), seed = model.get("seed"), moduli = model.get("moduli");
    let waves, ofN = 0;
    /** The settings, and the hand that is shown. */
    function look() {
      const n = moduli.includes(model.get("n")) ? model.get("n") : moduli[0], half = Math.floor(n / 2);
      if (n !== ofN) [waves, ofN] = [wavesOf(n), n];
      const m = 1 + within(model.get("m") - 1, Math.min(MOST, half) - 1), drawn = 1 + within(model.get("drawn") - 1, 99_999);
      const delta = Math.min(1, Math.max(0, model.get("delta"))), own = model.get("freqs");
      const fits = own.length === m && own.every((f) => f >= 1 && f <= half);
      const hand = fits ? own : handOf(seed, drawn - 1, n, m);
      return { n, half, m, drawn, delta, own: fits, hand, ...gapOf(waves, hand) };
    }

    // What is counted beside the hand: a tally of hands, and the share of all hands by m.
    let tally = null, chances = [], stopTally = () => {}, stopChances = () => {}, asked = {};
    function count() {
      const { n, half, m, delta, drawn } = look();
      if (asked.tally !== `${n} ${m} ${delta} ${drawn}`) {
        asked.tally = `${n} ${m} ${delta} ${drawn}`;
        stopTally();
        el.removeAttribute("data-right");
        stopTally = slowly(someHands(waves, seed, n, m, delta, drawn), (found) => {
          tally = found;
          [el.dataset.right, el.dataset.double] = [found.right, found.double];
          update();
        });
      }
      if (asked.chances === `${n} ${delta}`) return;
      asked.chances = `${n} ${delta}`;
      stopChances();
      chances = [];
      el.removeAttribute("data-chances");
      const most = Math.min(MOST, half);
      (function next() {
        const size = chances.length + 1, exact = handsOf(half, size) <= LISTED;
        if (size > most) return void (el.dataset.chances = most);
        const steps = exact ? allHands(waves, size, delta) : someHands(waves, seed, n, size, delta, TRIED);
        stopChances = slowly(steps, (found) => {
          chances.push({ exact, value: exact ? found : found.right / found.count });
          update();
          next();
        });
      })();
    }

    const heights = h("canvas", { "aria-hidden": "true" });
    const drawHeights = canvas(el, heights, () => 190, (pen, width, tall, { ink, soft, line, ground, lit }) => {
      const { n, half, hand, m, delta, gap, at } = look(), left = 6, top = 22, floor = tall - 18;
      const x = (d) => left + ((d + half + 0.5) / (2 * half + 1)) * (width - 2 * left);
      const y = (share) => top + ((1 - share) / 2) * (floor - top);
      trace(pen, [[0, y(0)], [width, y(0)]], line);
      pen.setLineDash([4, 3]);
      trace(pen, [[0, y(1 - delta)], [width, y(1 - delta)]], lit(palette.wrong), 1);
      pen.setLineDash([]);
      for (let d = -half; d <= half; d++) {
        const share = d ? hand.reduce((sum, f) => sum + waves[f - 1][Math.abs(d) - 1], 0) / m : 1;
        const near = share >= 1 - delta - 1e-9 && d;
        trace(pen, [[x(d), y(0)], [x(d), y(share)]], near ? lit(palette.wrong) : lit(palette.hand), Math.max(1.5, width / n / 2));
      }
      for (const d of [-at, at]) {
        pen.beginPath();
        pen.arc(x(d), y(1 - gap), 6, 0, 7);
        pen.strokeStyle = ink;
        pen.lineWidth = 1.5;
        pen.stroke();
      }
      star(pen, x(0), y(1), 8, lit(palette.answer), ground);
      words(pen, "sum of the hand's cosines, 1 at the answer", 0, 12, ink, ground);
      words(pen, `limit 1 − δ`, width, y(1 - delta) - 4 < 24 ? y(1 - delta) + 13 : y(1 - delta) - 4, soft, ground, "right");
      words(pen, `−${half}`, 0, tall - 3, soft, ground);
      words(pen, "steps d from the answer", width / 2, tall - 3, soft, ground, "center");
      words(pen, `${half}`, width, tall - 3, soft, ground, "right");
    });

    // The frequencies 1 to n / 2; those in the hand can be dragged.
    const strip = h("canvas", { "aria-hidden": "true", class: "live-strip" });
    const place = (f, half, width) => 12 + ((f - 0.5) / half) * (width - 24);
    const drawStrip = canvas(el, strip, () => 46, (pen, width, tall, { ink, soft, line, ground, lit }) => {
      const { half, hand } = look();
      trace(pen, [[12, 18], [width - 12, 18]], line, 2);
      for (let f = 1; f <= half; f++) trace(pen, [[place(f, half, width), 14], [place(f, half, width), 22]], line);
      let last = -Infinity;
      [...hand].sort((f, g) => f - g).forEach((f) => {
        const x = place(f, half, width);
        dot(pen, x, 18, 7, lit(palette.hand), ink);
        if (x - last < 15) return;
        last = x;
        words(pen, `${f}`, x, 40, soft, ground, "center");
      });
    });
    let held = -1; // which one of the hand
    strip.addEventListener("pointerdown", ({ offsetX }) => {
      const { half, hand } = look(), far = hand.map((f) => Math.abs(place(f, half, strip.clientWidth) - offsetX));
      held = far.indexOf(Math.min(...far));
    });
    drag(strip, ({ offsetX }) => {
      const { half, hand } = look();
      const f = 1 + within(((offsetX - 12) / (strip.clientWidth - 24)) * half, half - 1);
      put(model, { freqs: hand.map((old, i) => (i === held ? f : old)) });
    });

    // How often it goes well, against m.
    const chart = h("canvas", { "aria-hidden": "true" });
    const EDGE = 44, column = (m, width) => EDGE + ((m - 0.5) / MOST) * (width - EDGE - 6);
    const drawChart = canvas(el, chart, () => 210, (pen, width, tall, { ink, soft, line, ground, lit }) => {
      const { n, half, m, delta } = look(), floor = tall - 32, x = (size) => column(size, width);
      const y = (share) => floor - Math.min(1, Math.max(0, share)) * (floor - 22);
      const sizes = Array.from({ length: Math.min(MOST, half) }, (_, i) => i + 1);
      const found = model.get("networks")[n] ?? [], all = found.reduce((sum, value) => sum + value, 0);
      pen.fillStyle = line;
      sizes.forEach((size) => {
        const share = all ? (found[size] ?? 0) / all : 0;
        pen.fillRect(x(size) - (width - EDGE - 6) / MOST / 3, y(share), (2 * (width - EDGE - 6)) / MOST / 3, floor - y(share));
      });
      for (const share of [0, 0.5, 1]) {
        trace(pen, [[EDGE - 4, y(share)], [width, y(share)]], line);
        words(pen, `${100 * share} %`, EDGE - 7, y(share) + 4, soft, ground, "right");
      }
      pen.setLineDash([5, 3]);
      trace(pen, sizes.map((size) => [x(size), y(stirlingFormula(n, size, delta))]), lit(palette.stirling), 2);
      pen.setLineDash([2, 2]);
      trace(pen, sizes.map((size) => [x(size), y(gammaFormula(n, size, delta))]), lit(palette.gamma), 2);
      pen.setLineDash([]);
      trace(pen, chances.map(({ value }, i) => [x(i + 1), y(value)]), lit(palette.hand), 2);
      chances.forEach(({ value, exact }, i) => dot(pen, x(i + 1), y(value), 4, exact ? lit(palette.hand) : ground, lit(palette.hand)));
      pen.strokeStyle = ink;
      pen.lineWidth = 1.5;
      pen.strokeRect(x(m) - (width - EDGE - 6) / MOST / 2, 20, (width - EDGE - 6) / MOST, floor - 19);
      if (tally) dot(pen, x(m), y(tally.right / tally.count), 5, lit(palette.answer), ink);
      sizes.forEach((size) => words(pen, `${size}`, x(size), floor + 13, soft, ground, "center"));
      words(pen, "frequencies m", width, tall - 3, soft, ground, "right");
      words(pen, "share of hands that separate", 0, 12, ink, ground);
    });
    drag(chart, ({ offsetX }) => {
      const most = Math.min(MOST, look().half);
      put(model, { m: 1 + within(((offsetX - EDGE) / (chart.clientWidth - EDGE - 6)) * MOST, most - 1), freqs: [] });
    });

    // Each frequency has a slider, too, for keys.
    const sliders = h("fieldset", {}), inputs = [];
    function renewSliders() {
      const { m, half, hand } = look();
      while (inputs.length > m) inputs.pop().box.remove();
      while (inputs.length < m) {
        const i = inputs.length, input = h("input", { type: "range", min: 1, name: `freq${i}` });
        const shown = h("output", { class: "live-number" });
        input.addEventListener("input", () =>
          put(model, { freqs: look().hand.map((old, j) => (j === i ? Number(input.value) : old)) }));
        const box = h("label", { class: "live-slider" }, h("span", {}, `frequency ${i + 1}`), input, shown);
        inputs.push({ box, input, shown });
        sliders.append(box);
      }
      inputs.forEach(({ input, shown }, i) => {
        input.max = half;
        input.value = shown.textContent = hand[i];
      });
    }

    const { says, spoken, tell } = telling({ long: true });
    const score = h("p", { class: "live-score" });
    const percent = (share) => `${(100 * share).toFixed(1)} %`;
    const update = onceAFrame(() => {
      const { n, m, delta, drawn, own, hand, gap, at } = look();
      tell(`${own ? "Your hand" : `Hand ${thousands(drawn)}`} at n = ${n}: ${[...hand].sort((f, g) => f - g).join(", ")}. The answer ${at} ${at === 1 ? "step" : "steps"} off comes nearest, ` +
        `${gap.toFixed(2)} behind: ${isSeparated(gap, delta) ? "separated." : `too near, δ is ${delta.toFixed(3)}.`}`);
      const chance = chances[m - 1], formula = (value) => (value < 0 ? "less than nothing" : percent(value));
      score.textContent = tally
        ? `Of ${thousands(tally.count)} ${tally.count === 1 ? "hand" : "hands"} of ${m}, ${percent(tally.right / tally.count)} separate` +
          (chance?.exact ? ` (of all that there are, ${percent(chance.value)})` : "") +
          (tally.double && tally.double < tally.count
            ? `; with some f and 2f ${percent(tally.doubleRight / tally.double)}, without ${percent((tally.right - tally.doubleRight) / (tally.count - tally.double))}` : "") +
          `. The paper's formulas say ${formula(gammaFormula(n, m, delta))} (Gamma) and ${formula(stirlingFormula(n, m, delta))} (Stirling).`
        : "…";
      renewSliders();
      drawHeights();
      drawStrip();
      drawChart();
      count();
    });
    follow(model, ["n", "m", "delta", "drawn", "freqs"], update);
    const more = (count) => () => put(model, { drawn: Math.min(100_000, look().drawn + count), freqs: [] });
    framed(el, "draw m frequencies",
      says, spoken,
      h("div", { class: "live-pair" },
        slider(model, "n", "n", { values: moduli }),
        slider(model, "m", "m", { min: 1, max: MOST }),
        slider(model, "delta", "δ", { max: 0.6, step: 0.001, digits: 3 })),
      h("fieldset", { class: "live-buttons" },
        h("button", { type: "button", name: "one", onclick: more(1) }, "Draw"),
        h("button", { type: "button", name: "many", onclick: more(1000) }, "Draw 1,000"),
        h("button", { type: "button", name: "anew", onclick: () => put(model, { drawn: 1, freqs: [] }) }, "Begin anew")),
      heights, strip,
      h("details", { class: "live-hand" }, h("summary", {}, "Choose the hand yourself"), sliders),
      score, chart,
      h("p", { class: "live-small" },
        "Blue: hands, all that there are (filled) or 1,000 of them (open). Gold: the hands drawn so far. Dotted: the Gamma formula; dashed: Stirling's. Grey: networks that have m clusters."));
    el.live = { model, look, chances: () => chances, tally: () => tally, // for tests and for the browser's console
      formulas: () => {
        const { n, m, delta } = look();
        return [gammaFormula(n, m, delta), stirlingFormula(n, m, delta)];
      } };
    update();
  },
};
