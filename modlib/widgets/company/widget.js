// Company: which other frequencies stand in the networks that have a given one.

const APART = 3; // standard errors from which a rate is told from the line

export default {
  render({ model, el }) {
    const n = model.get("n"), half = Math.floor(n / 2), palette = model.get("colors");
    const counts = model.get("counts"), freqs = model.get("freqs"), sizes = model.get("sizes");
    if (!counts.byteLength)
      return framed(el, "company", h("p", {}, "No two networks learned, so that nothing can be compared."));
    const units = unitsOf(n).filter((u) => 2 * u < n);
    const inverse = new Map(units.map((u) => [u, unitsOf(n).find((v) => (u * v) % n === 1)]));
    const common = Array.from({ length: half + 1 }, (_, f) => divisor(f, n));
    const classes = [...new Set(common.slice(1))], classOf = common.map((g) => classes.indexOf(g));
    const sizeOf = classes.map((g) => common.slice(1).filter((other) => other === g).length);

    /** Each network's different frequencies, of clusters with so many neurons or more. */
    function networksOf(least) {
      let at = 0;
      return Array.from({ length: counts.byteLength }, (_, i) => {
        const own = new Set();
        for (const end = at + counts.getUint8(i); at < end; at++)
          if (sizes.getUint8(at) >= least) own.add(freqs.getUint16(2 * at, true));
        return [...own];
      });
    }

    /**
     * Rates of the other frequencies beside f: in networks that have f, or with all units pooled;
     * their standard errors over networks, and what networks without preference would have.
     */
    function beside(networks, freq, pooled) {
      const backs = Array.from({ length: half + 1 }, () => []); // units that carry a frequency to f
      for (const u of pooled ? units : [1]) backs[folded(u * freq, n)].push(pooled ? inverse.get(u) : 1);
      const sum = new Float64Array(half + 1), squares = new Float64Array(half + 1), mixed = new Float64Array(half + 1);
      const here = new Float64Array(half + 1), expected = new Float64Array(classes.length), held = new Float64Array(classes.length);
      let having = 0, havingSquares = 0, num = 0;
      for (const found of networks) {
        const times = found.reduce((total, image) => total + backs[image].length, 0), touched = [];
        if (!times) continue;
        num++;
        having += times;
        havingSquares += times * times;
        held.fill(0);
        for (const image of found) {
          held[classOf[image]]++;
          for (const back of backs[image])
            for (const other of found)
              if (other !== image) {
                const g = folded(back * other, n);
                if (!here[g]++) touched.push(g);
              }
        }
        for (const g of touched) {
          sum[g] += here[g];
          squares[g] += here[g] ** 2;
          mixed[g] += here[g] * times;
          here[g] = 0;
        }
        classes.forEach((g, i) => {
          const less = i === classOf[freq] ? 1 : 0;
          expected[i] += (times * (held[i] - less)) / Math.max(1, sizeOf[i] - less);
        });
      }
      const others = Array.from({ length: half }, (_, i) => i + 1).filter((g) => g !== freq);
      return { num, rows: others.map((g) => {
        const rate = sum[g] / having;
        const error = Math.sqrt(Math.max(0, squares[g] - 2 * rate * mixed[g] + rate * rate * havingSquares)) / having;
        const relation = folded(2 * freq, n) === g ? "2f" : folded(2 * g, n) === freq ? "f/2" : "";
        return { freq: g, rate, error, expected: expected[classOf[g]] / Math.max(1, having), relation };
      }) };
    }
    const apart = ({ rate, error, expected }) => error > 0 && Math.abs(rate - expected) > APART * error;

    let asked = "", networks, seen;
    function look() {
      const freq = 1 + within(model.get("freq") - 1, half - 1), least = model.get("least"), pooled = Boolean(model.get("pooled"));
      if (!networks || networks.least !== least) networks = Object.assign(networksOf(least), { least });
      if (asked !== `${freq} ${least} ${pooled}`) seen = { freq, least, pooled, ...beside(networks, freq, pooled) };
      asked = `${freq} ${least} ${pooled}`;
      return seen;
    }

    const chart = h("canvas", { "aria-hidden": "true" });
    const EDGE = 40, across = (f, width) => EDGE + ((f - 0.5) / half) * (width - EDGE - 6);
    const drawChart = canvas(el, chart, () => 300, (pen, width, tall, { ink, soft, line, ground, lit }) => {
      const { rows, num, freq, pooled } = look(), top = 24, floor = tall - 34, x = (f) => across(f, width);
      words(pen, `networks with f = ${freq} that have each other frequency${pooled ? ", pooled" : ""}`, 0, 12, ink, ground);
      if (num < 2) return words(pen, "fewer than two networks have it", width / 2, tall / 2, soft, ground, "center");
      const most = Math.max(0.02, ...rows.map(({ rate, error, expected }) => Math.max(expected, rate + APART * error)));
      const y = (share) => floor - (share / most) * (floor - top);
      const step = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5].find((one) => most / one <= 6) ?? 1;
      for (let share = 0; share <= most + 1e-9; share += step) {
        trace(pen, [[EDGE, y(share)], [width, y(share)]], line, 0.6);
        words(pen, `${Math.round(100 * share)} %`, EDGE - 5, y(share) + 4, soft, ground, "right");
      }
      for (const { freq: f, rate, error, relation } of rows) {
        const colour = relation ? lit(palette.mark) : lit(palette.plain);
        trace(pen, [[x(f), y(Math.max(0, rate - APART * error))], [x(f), y(rate + APART * error)]], colour, 1.2);
        if (relation) {
          pen.fillStyle = colour;
          pen.fillRect(x(f) - 5, y(rate) - 5, 10, 10);
          words(pen, relation, x(f), y(rate + APART * error) - 5, ink, ground, "center");
        } else dot(pen, x(f), y(rate), 3.5, pooled ? colour : ground, colour);
      }
      pen.lineJoin = "miter";
      trace(pen, rows.flatMap(({ freq: f, expected }) => [[x(f - 0.5), y(expected)], [x(f + 0.5), y(expected)]]), ink, 1.5);
      for (let f = 5; f <= half; f += 5) words(pen, `${f}`, x(f), floor + 14, soft, ground, "center");
      dot(pen, x(freq), floor, 5, lit(palette.plain), ink);
      words(pen, "frequency", width, tall - 3, soft, ground, "right");
    });
    drag(chart, ({ offsetX }) =>
      put(model, { freq: 1 + within(((offsetX - EDGE) / (chart.clientWidth - EDGE - 6)) * half, half - 1) }));

    // All frequencies on a ring: the area is the rate, in colour where it is told from the line.
    const ring = h("canvas", { "aria-hidden": "true", class: "live-both" });
    const drawRing = canvas(el, ring, (width) => width, (pen, width, _, { ink, soft, line, ground, lit }) => {
      const { rows, freq } = look(), middle = width / 2;
      const spot = (f, radius = 0.84) => {
        const turn = (2 * Math.PI * f) / half;
        return [middle + radius * middle * Math.sin(turn), middle - radius * middle * Math.cos(turn)];
      };
      for (const row of rows) {
        const told = apart(row), share = row.expected ? row.rate / row.expected : 0;
        dot(pen, ...spot(row.freq), Math.min(12, 5 * Math.sqrt(share)), told ? lit(palette.mark) : line);
        if (told) words(pen, `${row.freq}`, ...spot(row.freq, 0.64), ink, ground, "center");
      }
      dot(pen, ...spot(freq), 7, lit(palette.plain), ink);
      trace(pen, [[middle, middle], spot(freq, 0.74)], lit(palette.plain), 2);
      words(pen, `f = ${freq}`, middle, middle + 16, ink, ground, "center");
    });
    drag(ring, ({ offsetX, offsetY }) => {
      const middle = ring.clientWidth / 2, turn = Math.atan2(offsetX - middle, middle - offsetY) / (2 * Math.PI);
      const f = residue(Math.round(turn * half), half);
      put(model, { freq: f || half });
    });

    const { says, spoken, tell } = telling({ long: true });
    const percent = (share) => `${(100 * share).toFixed(1)} %`;
    const update = onceAFrame(() => {
      const { freq, num, rows, pooled } = look(), told = rows.filter(apart);
      const parts = rows.filter(({ relation }) => relation).map(({ freq: g, relation, rate, expected }) =>
        `${relation} = ${g} in ${percent(rate)} (line: ${percent(expected)})`);
      const names = told.map(({ freq: g }) => g).slice(0, 6).join(", ") + (told.length > 6 ? " and more" : "");
      tell(num < 2 ? `Fewer than two networks have f = ${freq}.`
        : `${thousands(num)} networks have ${pooled ? "a frequency that a unit carries to" : "f ="} ${freq}: ${parts.join(", ")}. ` +
          (told.length ? `Told from the line: ${names}.` : "No rate is told from the line."));
      drawChart();
      drawRing();
    });
    follow(model, ["freq", "least", "pooled"], update);
    framed(el, "company",
      says, spoken,
      h("div", { class: "live-pair" },
        slider(model, "freq", "frequency f", { min: 1, max: half }),
        slider(model, "least", "neurons at least", { min: 3, max: 20 })),
      toggle(model, "pooled", "carry every frequency to f, and pool all networks"),
      h("div", { class: "live-columns" }, h("div", { class: "live-wide" }, chart), h("div", { class: "live-narrow" }, ring)),
      h("p", { class: "live-small" },
        `The stepped line: what ${thousands(counts.byteLength)} networks without preferences would have. Bars: ${APART} standard errors over networks. On the ring the area is the rate over the line; in colour where they are told apart.`));
    el.live = { model, look }; // for tests and for the browser's console
    update();
  },
};
