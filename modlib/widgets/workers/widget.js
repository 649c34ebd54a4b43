// Who works for whom: a task's neurons taken out one by one, and what every task loses.

export default {
  render({ model, el }) {
    const qs = model.get("qs"), sizes = model.get("sizes"), p = model.get("p"), palette = model.get("colors");
    const get = (name) => model.get(name), random = shares(get("random")), flat = shares(get("own"));
    const row = (values, count) => [...values.subarray(count * qs.length, (count + 1) * qs.length)];
    let from = 0;
    const own = sizes.map((size) => {
      const table = flat.subarray(from, (from += (size + 1) * qs.length));
      return (count) => row(table, count);
    });
    const stairs = shares(get("stairs")), columns = stairs.length / qs.length;
    const here = () => Math.max(0, qs.indexOf(get("task")));
    const out = () => within(get("out"), sizes[here()]);
    const others = (values) => qs.length > 1
      ? values.reduce((sum, value, i) => sum + (i === here() ? 0 : value), 0) / (qs.length - 1) : 0;
    const seen = () => {
      const base = own[here()](0), left = own[here()](out());
      return { base, left, random: row(random, Math.min(out(), random.length / qs.length - 1)) };
    };
    const choose = (i) => put(model, { task: qs[i], out: sizes[i], neuron: 0 });

    // Accuracy, a bar a task.
    const bars = h("canvas", { "aria-hidden": "true" });
    const drawBars = canvas(el, bars, () => 180, (pen, width, height, { ink, soft, line, lit }) => {
      const { base, left, random } = seen(), room = width / qs.length, foot = height - 20;
      const y = (value) => foot - value * (foot - 8), wide = Math.min(36, 0.7 * room), every = Math.ceil(24 / room);
      for (const value of [0, 0.5, 1]) trace(pen, [[0, y(value)], [width, y(value)]], line);
      pen.textAlign = "center";
      qs.forEach((q, i) => {
        const middle = (i + 0.5) * room, x = middle - wide / 2, mine = i === here();
        pen.fillStyle = lit(palette.validation);
        pen.globalAlpha = mine ? 1 : 0.55;
        pen.fillRect(x, y(left[i]), wide, foot - y(left[i]));
        pen.globalAlpha = 1;
        trace(pen, [[x, y(base[i])], [x + wide, y(base[i])]], ink, 1.5);
        dot(pen, middle, y(random[i]), 3, soft);
        pen.fillStyle = mine ? ink : soft;
        if (mine || (i % every === 0 && Math.abs(here() - i) >= every)) pen.fillText(q, middle, height - 5);
      });
    });
    bars.addEventListener("click", ({ offsetX }) => choose(within((offsetX / bars.clientWidth) * qs.length, qs.length - 1)));

    // All losses: the neurons of a task down, the accuracy of a task across.
    const matrix = h("canvas", { "aria-hidden": "true" });
    const lost = own.map((table, i) => table(0).map((base, j) => base - table(sizes[i])[j]));
    const EDGE = 22, most = Math.max(1e-9, ...lost.flat());
    const drawMatrix = canvas(el, matrix, (width) => width, (pen, width, _, { ink, soft, line, lit }) => {
      const cell = (width - EDGE) / qs.length, every = Math.ceil(22 / cell);
      lost.forEach((losses, i) => losses.forEach((loss, j) => {
        pen.globalAlpha = within(100 * loss / most, 100) / 100;
        pen.fillStyle = lit(palette.mark);
        pen.fillRect(EDGE + j * cell, i * cell, cell, cell);
      }));
      pen.globalAlpha = 1;
      pen.strokeStyle = line;
      pen.strokeRect(EDGE, 0.5, width - EDGE - 0.5, width - EDGE);
      pen.strokeStyle = ink;
      pen.lineWidth = 2;
      pen.strokeRect(EDGE, here() * cell + 1, width - EDGE - 1, cell - 1);
      pen.fillStyle = soft;
      qs.forEach((q, i) => {
        if (i % every) return;
        pen.textAlign = "right";
        pen.fillText(q, EDGE - 4, (i + 0.5) * cell + 4);
        pen.textAlign = "center";
        pen.fillText(q, EDGE + (i + 0.5) * cell, width - 6);
      });
    });
    drag(matrix, ({ offsetY }) => choose(within((offsetY / (matrix.clientWidth - EDGE)) * qs.length, qs.length - 1)));

    // The staircase: neurons by the task that explains them best; those taken out fade.
    const steps = h("canvas", { "aria-hidden": "true" });
    const highest = stairs.reduce((x, y) => Math.max(x, y), 1e-9);
    const drawStairs = canvas(el, steps, () => 12 * Math.min(qs.length, 15), (pen, width, height, { ink, ground, soft }) => {
      const gone = new Set(get("removed")[here()].slice(0, out())), tall = height / qs.length, room = width - EDGE;
      for (let x = 0; x < room; x++) {
        const first = Math.floor((x * columns) / room), last = Math.max(first + 1, Math.floor(((x + 1) * columns) / room));
        let faded = false;
        for (let one = first; one < last; one++) faded ||= gone.has(one);
        qs.forEach((_, i) => {
          let value = 0;
          for (let one = first; one < last; one++) value = Math.max(value, stairs[i * columns + one]);
          pen.fillStyle = shade(value / highest);
          pen.globalAlpha = faded ? 0.15 : 1;
          pen.fillRect(EDGE + x, i * tall, 1, tall);
        });
      }
      pen.globalAlpha = 1;
      pen.textAlign = "right";
      const every = Math.ceil(13 / tall);
      qs.forEach((q, i) => {
        pen.fillStyle = i === here() ? ink : soft;
        if (i === here() || (i % every === 0 && Math.abs(i - here()) >= every)) pen.fillText(q, EDGE - 4, (i + 0.5) * tall + 4);
      });
      pen.strokeStyle = ink;
      pen.lineWidth = 2;
      pen.strokeRect(EDGE, here() * tall + 1, width - EDGE - 1, tall - 2);
    });
    drag(steps, ({ offsetY }) => choose(within((offsetY / steps.clientHeight) * qs.length, qs.length - 1)));

    // One neuron: over both digits, and over x mod q.
    const portraits = get("portraits"), images = get("images"), means = portraits.length ? numbers(get("means")) : [];
    const size = p * p, starts = [];
    portraits.reduce(([image, mean], list, i) => {
      starts.push([image, mean]);
      return [image + list.length * size, mean + 2 * list.length * qs[i]];
    }, [0, 0]);
    /** The frequency at which a function on Z_q has most power. */
    function strongest(values) {
      const power = (k) => {
        const part = (wave) => values.reduce((sum, value, r) => sum + value * wave((2 * Math.PI * k * r) / values.length), 0);
        return Math.hypot(part(Math.cos), part(Math.sin));
      };
      let best = 1;
      for (let k = 2; 2 * k <= values.length; k++) if (power(k) > power(best)) best = k;
      return best;
    }
    function portrait() {
      const list = portraits[here()];
      if (!list?.length) return null;
      const which = within(get("neuron"), list.length - 1), { index, top, shares } = list[which], q = qs[here()];
      const [image, mean] = starts[here()], joint = get("joint") ? 1 : 0;
      let values = Float64Array.from({ length: size }, (_, x) => (images.getUint8(image + which * size + x) * top) / 255);
      if (joint) {
        const low = new Float64Array(p), high = new Float64Array(p);
        let whole = 0;
        values.forEach((value, x) => {
          low[x % p] += value / p;
          high[Math.floor(x / p)] += value / p;
          whole += value / size;
        });
        values = values.map((value, x) => value - low[x % p] - high[Math.floor(x / p)] + whole);
      }
      const start = mean + (2 * which + joint) * q, own = [...means.slice(start, start + q)];
      return { index, values, share: shares[joint], means: own, wave: strongest(own) };
    }
    const image = h("canvas", { role: "img", "aria-label": "The neuron over both digits" });
    const drawImage = canvas(el, image, (width) => width, (pen, width) => {
      const found = portrait();
      if (!found) return;
      const least = Math.min(...found.values), range = Math.max(1e-9, Math.max(...found.values) - least);
      const low = get("digits") === "low_first";
      tiles(pen, width, p, (down, across) => shade((found.values[low ? down + p * across : across + p * down] - least) / range));
    });
    const fold = h("canvas", { role: "img", "aria-label": "The neuron by x mod q: dots, and their mean" });
    const drawFold = canvas(el, fold, () => 230, (pen, width, height, { ink, soft, line, ground, lit }) => {
      const found = portrait(), q = qs[here()];
      if (!found) return;
      const least = Math.min(...found.values), most = Math.max(...found.values), foot = height - 20;
      const y = (value) => foot - 6 - ((value - least) / Math.max(1e-9, most - least)) * (foot - 14);
      const place = (residue) => (residue * found.wave) % q, order = [];
      for (let residue = 0; residue < q; residue++) order[place(residue)] = residue;
      const x = (residue) => 8 + ((place(residue) + 0.5) / q) * (width - 16);
      trace(pen, [[0, foot], [width, foot]], line);
      pen.globalAlpha = 0.35;
      pen.fillStyle = soft;
      found.values.forEach((value, number) => pen.fillRect(x(number % q) + 0.6 * ((number * 7) % 9) - 3.4, y(value) - 1, 2, 2));
      pen.globalAlpha = 1;
      trace(pen, order.map((residue) => [x(residue), y(found.means[residue])]), lit(palette.mark), 2.5);
      for (const residue of order) dot(pen, x(residue), y(found.means[residue]), 3.5, lit(palette.mark));
      pen.fillStyle = soft;
      pen.textAlign = "center";
      const every = Math.ceil(24 / ((width - 16) / q));
      for (let at = 0; at < q; at += every) pen.fillText(order[at], x(order[at]), height - 6);
      words(pen, q > 2 ? `x mod ${q}, in steps of ${order[1]}` : "x mod 2", width - 6, 14, ink, ground, "right");
    });

    const { says, spoken, tell } = telling({ long: true });
    const told = h("p", { class: "live-score" });
    const taken = slider(model, "out", "taken out", { max: sizes[here()] });
    const which = h("span", {});
    const percent = (share) => `${(100 * share).toFixed(1)} %`;
    const points = (share) => (100 * share).toFixed(1);
    const update = onceAFrame(() => {
      const { base, left, random } = seen(), i = here(), q = qs[i], count = out();
      tell(count
        ? `Without ${count} of ${sizes[i]} neurons of q = ${q} its accuracy is ${percent(left[i])}, not ${percent(base[i])}` +
          (qs.length > 1 ? `; the other tasks lose ${points(others(base) - others(left))} points on average.` : ".")
        : `Nothing is taken out: q = ${q} is right on ${percent(base[i])} of the numbers not trained on.`);
      const found = portrait();
      told.textContent = found ? `Neuron ${found.index}: x mod ${q} explains ${percent(found.share)} of ${get("joint") ? "what it says of both digits together" : "it"}.` : "";
      drawBars();
      drawMatrix();
      drawStairs();
      drawImage();
      drawFold();
    });
    const renew = () => {
      taken.querySelector("input").max = sizes[here()];
      if (get("out") > sizes[here()]) put(model, { out: sizes[here()] });
      else taken.querySelector("input").value = get("out");
      const list = portraits[here()] ?? [];
      which.replaceChildren(list.length ? choice(model, "neuron", "Neuron", list.map(({ index }, i) => [i, index])) : "");
      update();
    };
    follow(model, ["task"], renew);
    follow(model, ["out", "neuron", "joint"], update);
    const one = portraits.length ? [
      h("div", { class: "live-columns" }, which, toggle(model, "joint", "only what both digits say together")), told,
      h("div", { class: "live-columns" }, h("div", { class: "live-tile" }, image), h("div", { class: "live-wide" }, fold)),
      h("p", { class: "live-small" }, "Left: the neuron over the digits, x₀ down, x₁ across. Right: the same numbers by x mod q, a point each, and their mean; remainders in steps that make the strongest wave one wave.")] : [];
    framed(el, "who works for whom", says, spoken,
      h("div", { class: "live-pair" }, choice(model, "task", "Neurons of", qs.map((q) => [q, `q = ${q}`])), taken),
      h("div", { class: "live-columns" }, h("div", { class: "live-wide" }, bars), h("div", { class: "live-tile" }, matrix)),
      h("p", { class: "live-small" }, "Bars: accuracy of each task on numbers not trained on; the line is with all neurons, the grey dot without as many at random. In the square: what the tasks (across) lose without all neurons of one (down). Tap a task."),
      steps,
      h("p", { class: "live-small" }, "The staircase: a column is a neuron, brightness what each task explains of it; those taken out fade."), ...one);
    el.live = { model, seen, portrait: () => { const found = portrait(); return { ...found, values: [...found.values] }; } };
    renew();
  },
};
