// The spiral: every number turned by one step more than the one before; and its waves on a grid.

const MOST_ARMS = 120, TOP_CELLS = 6;

export default {
  render({ model, el }) {
    const palette = model.get("colors").palette, count = model.get("base") ** 2;
    const primes = primesBelow(count), get = (name) => model.get(name);

    /** The arms at this step: numbers that differ by `arms` stand at nearly the same angle. */
    function arms() {
      const turn = get("turn"), off = (d) => Math.abs(d * turn - Math.round(d * turn));
      let best = 1;
      for (let d = 2; d <= MOST_ARMS; d++) if (off(d) < off(best) - 1e-9) best = d;
      const taken = new Set(primes.filter((x) => best % x).map((x) => x % best));
      return { arms: best, winds: Math.round(best * turn), off: off(best), taken: taken.size };
    }
    /** How far the multiples of q point one way: 1, all the same; 0, all ways alike. */
    function together() {
      const q = get("q"), step = 2 * Math.PI * ((q * get("turn")) % 1);
      let x = 0, y = 0, number = 0;
      for (; number * q < count; number++) {
        x += Math.cos(number * step);
        y += Math.sin(number * step);
      }
      return Math.hypot(x, y) / number;
    }

    // The disc.
    const disc = h("canvas", { class: "live-disc", role: "img", "aria-label": "Numbers as dots, each turned by one step more than the one before" });
    const drawDisc = canvas(el, disc, (width) => width, (pen, width, _, { ink, soft, line, lit }) => {
      const turn = get("turn"), q = get("q"), show = get("show"), middle = width / 2, rim = 0.47 * width;
      const scale = rim / count, size = width / 260;
      const dots = (start, step, colour, size) => {
        pen.fillStyle = colour;
        const by = 2 * Math.PI * ((step * turn) % 1);
        let angle = 2 * Math.PI * ((start * turn) % 1);
        for (let x = start; x < count; x += step, angle += by)
          pen.fillRect(middle + scale * x * Math.cos(angle) - size / 2, middle - scale * x * Math.sin(angle) - size / 2, size, size);
      };
      if (show !== 1) dots(0, 1, line, 0.5 * size);
      if (show === 0) dots(0, q, lit(palette[0]), 1.3 * size);
      if (show === 1) for (let r = q - 1; r >= 0; r--) dots(r, q, lit(palette[r % palette.length]), size);
      if (show === 2) {
        pen.fillStyle = lit(palette[0]);
        for (const x of primes) {
          const angle = 2 * Math.PI * ((x * turn) % 1);
          pen.fillRect(middle + scale * x * Math.cos(angle) - size / 2, middle - scale * x * Math.sin(angle) - size / 2, size, size);
        }
      }
      pen.strokeStyle = soft;
      pen.lineWidth = 1;
      pen.beginPath();
      pen.arc(middle, middle, rim, 0, 7);
      pen.stroke();
      const x = middle + rim * Math.cos(2 * Math.PI * turn), y = middle - rim * Math.sin(2 * Math.PI * turn);
      pen.strokeStyle = pen.fillStyle = ink;
      pen.lineWidth = 1.5;
      pen.beginPath();
      pen.moveTo(middle, middle);
      pen.lineTo(x, y);
      pen.stroke();
      pen.beginPath();
      pen.arc(x, y, 8, 0, 7);
      pen.fill();
    });
    drag(disc, ({ offsetX, offsetY }) => {
      const middle = disc.clientWidth / 2, turn = Math.atan2(middle - offsetY, offsetX - middle) / (2 * Math.PI);
      put(model, { turn: (turn + 1) % 1 });
    });

    // The grid of digits, and what a transform sees of a wave on it.
    const wave = () => {
      const p = get("p"), q = get("q"), sum = get("wave") === 1;
      return Float64Array.from({ length: p * p }, (_, i) => {
        const x0 = Math.floor(i / p), x1 = i % p;
        return Math.cos((2 * Math.PI * (sum ? (x0 + x1) % p : (x0 + p * x1) % q)) / (sum ? p : q));
      });
    };
    function spectrum(image) {
      const p = get("p"), at = (k) => [Math.cos((2 * Math.PI * k) / p), Math.sin((2 * Math.PI * k) / p)];
      const roots = Array.from({ length: p }, (_, k) => at(k)), rows = [], found = new Float64Array(p * p);
      for (let x0 = 0; x0 < p; x0++)
        for (let f1 = 0; f1 < p; f1++) {
          let [re, im] = [0, 0];
          for (let x1 = 0; x1 < p; x1++) {
            const [c, s] = roots[(f1 * x1) % p];
            re += image[x0 * p + x1] * c;
            im -= image[x0 * p + x1] * s;
          }
          rows.push([re, im]);
        }
      for (let f0 = 0; f0 < p; f0++)
        for (let f1 = 0; f1 < p; f1++) {
          let [re, im] = [0, 0];
          for (let x0 = 0; x0 < p; x0++) {
            const [c, s] = roots[(f0 * x0) % p], [x, y] = rows[x0 * p + f1];
            re += x * c + y * s;
            im += y * c - x * s;
          }
          found[f0 * p + f1] = f0 || f1 ? Math.hypot(re, im) / p ** 2 : 0;
        }
      const power = [...found].map((one) => one ** 2).sort((a, b) => b - a), cells = found.subarray(1);
      const mean = cells.reduce((x, y) => x + y) / cells.length;
      const spread = Math.sqrt(cells.reduce((x, y) => x + (y - mean) ** 2, 0) / cells.length);
      const sum = (values) => values.reduce((x, y) => x + y, 0);
      return { found, top: sum(power.slice(0, TOP_CELLS)) / sum(power),
        active: Math.floor((cells.filter((one) => one > mean + 2 * spread).length + 1) / 2) };
    }
    let image, seen;
    const looks = (label, colour) => {
      const element = h("canvas", { role: "img", "aria-label": label });
      return [element, canvas(el, element, (width) => width, (pen, width) =>
        tiles(pen, width, get("p"), colour))];
    };
    const [grid, drawGrid] = looks("The wave over the digits: low digit down, high digit across", (row, column) =>
      shade((image[row * get("p") + column] + 1) / 2));
    const [cells, drawCells] = looks("Its spectrum, frequency 0 in the middle", (row, column) => {
      const p = get("p"), half = Math.floor(p / 2), at = (i) => (i - half + p) % p;
      const most = seen.found.reduce((x, y) => Math.max(x, y));
      return shade(1 + Math.log10(Math.max(1e-3, seen.found[at(row) * p + at(column)] / most)) / 3);
    });

    const steps = arrows(h("fieldset", { class: "live-buttons" }, h("legend", {}, "Step")));
    const to = (name, label, turn) =>
      steps.append(h("button", { type: "button", name, onclick: () => put(model, { turn: turn() }) }, label));
    const near = () => get("turn") * get("q");
    to("radian", "1 radian", () => 1 / (2 * Math.PI));
    to("first", "1/q of a turn", () => 1 / get("q"));
    to("next", "next k/q", () => ((Math.floor(near() + 1e-9) + 1) % get("q")) / get("q"));

    const { says, spoken, tell } = telling({ long: true });
    const small = h("p", { class: "live-score" });
    const update = onceAFrame(() => {
      const { arms: number, winds, off, taken } = arms(), q = get("q"), way = (100 * together()).toFixed(0);
      const straight = off < 1e-9;
      tell((number === 1 ? "Hardly a turn: one arm. "
        : `${winds}/${number} of a turn${straight ? "" : ", nearly"}: ${number} ${straight ? "straight spokes" : "arms that bend"}, one for each remainder modulo ${number}. `) +
        (get("show") === 2 ? `Primes beyond ${number}'s own factors stand in ${taken} of them.`
          : `The multiples of ${q} point one way to ${way} %.`));
      drawDisc();
    });
    const renew = onceAFrame(() => {
      image = wave();
      seen = spectrum(image);
      const p = get("p"), name = get("wave") ? `cos 2π(x₀ + x₁)/${p}` : `cos 2πx/${get("q")}`;
      small.textContent = `${name} on ${p} × ${p} digits: its six strongest cells hold ${(100 * seen.top).toFixed(0)} % of the power; ` +
        `counted as active ${seen.active === 1 ? "is 1 frequency" : `are ${seen.active} frequencies`}, for this one wave.`;
      drawGrid();
      drawCells();
    });
    follow(model, ["turn", "q", "show"], update);
    follow(model, ["q", "p", "wave"], renew);
    const numbersOf = (name) => get(name).map((value) => [value, value]);
    framed(el, "the spiral", says, spoken,
      h("div", { class: "live-columns" },
        h("div", { class: "live-wide" }, disc),
        h("div", { class: "live-narrow" },
          slider(model, "turn", "turns", { max: 1, step: 0.0005, digits: 4 }), steps,
          choice(model, "q", "q", numbersOf("qs")),
          choice(model, "show", "Colour", [[0, "multiples of q"], [1, "remainders mod q"], [2, "primes"]]),
          h("p", { class: "live-small" }, `Every number x below ${thousands(count)} at distance x from the centre, turned by x steps. The hand is one step: drag it.`))),
      small,
      h("div", { class: "live-columns" }, h("div", { class: "live-tile" }, grid), h("div", { class: "live-tile" }, cells),
        h("div", { class: "live-narrow" }, choice(model, "wave", "Wave of", [[0, "x mod q"], [1, "digits' sum mod p"]]),
          choice(model, "p", "Digits in base p", numbersOf("bases")),
          h("p", { class: "live-small" }, "Left: the wave over the digits, x₀ down and x₁ across. Right: its two-dimensional spectrum, 0 in the middle, on a logarithmic scale."))));
    el.live = { model, seen: () => ({ ...arms(), together: together(), top: seen.top, active: seen.active, magnitudes: [...seen.found] }) };
    image = wave();
    seen = spectrum(image);
    update();
    renew();
  },
};
