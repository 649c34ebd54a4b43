// Drop a file: a network of anyone's is read in the page, and asked what the book asks of its own.

const MOST_SHOWN = 10; // clusters with a row of their own
const READS = "This page reads .safetensors and .npz files of up to 32 MB with ReLU neurons: the book's two embeddings, one hidden layer on one-hot inputs, Chughtai et al.'s, α and δ of Zhong et al., and tables (preact_a, preact_b, w_out).";
/** Other tasks that answers are compared with, by their names. */
const OTHERS = [["a − b", (a, b, n) => residue(a - b, n)], ["b − a", (a, b, n) => residue(b - a, n)], ["a · b", (a, b, n) => (a * b) % n]];

/** A network of the shelf by its arrays: drawn from its seed, or whole numbers of a byte a weight. */
function shelved({ n, embed, neurons, seed, from }, view) {
  const rows = { "embed_a.weight": [n, embed], "embed_b.weight": [n, embed], "hidden.weight": [neurons, 2 * embed],
    "hidden.bias": [1, neurons], "unembed.weight": [n, neurons], "unembed.bias": [1, n] };
  const drawn = seed >= 0 ? Object.values(initialWeights(seed, n, neurons, embed)) : null;
  let at = from;
  return new Map(Object.entries(rows).map(([name, [height, width]], i) => {
    const shape = height === 1 ? [width] : [height, width];
    if (drawn) return [name, { shape, values: drawn[i] }];
    const values = new Float64Array(height * width), steps = at, whole = at + 4 * height;
    for (let j = 0; j < height * width; j++)
      values[j] = view.getFloat32(steps + 4 * Math.floor(j / width), true) * view.getInt8(whole + j);
    at = whole + height * width;
    return [name, { shape, values }];
  }));
}

export default {
  render({ model, el }) {
    const shelf = model.get("shelf"), { palette, answer, wrong, neutral } = model.get("colors");
    const cache = new Map();
    let own = null; // the reader's network
    let seen = null, inner = null;

    /** All that is told of a network. */
    function examined(title, arrays) {
      const tables = tablesOf(arrays), { n, k, preA, preB, bias, out, biasOut } = tables;
      const found = clustersOf(tables), shown = found.clusters.slice(0, MOST_SHOWN);
      const clusters = shown.map((one, i) => ({ ...one, color: palette[i % palette.length] }));
      const heard = { preA, preB: preB.map((value, at) => value + bias[at % k]), out, biasOut };
      const half = Math.floor(n / 2), order = clusters.flatMap(({ neurons }) => neurons);
      const loose = found.live.filter((j) => !order.includes(j));
      const colourOf = (f) => clusters.find(({ freq }) => freq === f)?.color;
      const summed = (rows) => Array.from({ length: half + 1 }, (_, f) => rows.reduce((sum, row) => sum + row[f], 0));
      const spectrumOf = (signals) => {
        const width = signals.length / n, power = powers(signals, n, width);
        return Array.from({ length: width }, (_, i) => power.subarray(i * (half + 1), (i + 1) * (half + 1)));
      };
      return { title, ...tables, ...found, shown: clusters, colourOf, rows: [...order, ...loose],
        heard: summed(found.live.map((j) => found.shares[j])), embedded: summed(tables.embeds.flatMap(spectrumOf)),
        net: speaking(n, k, clusters, heard), score: null };
    }
    function current() {
      const place = model.get("net");
      if (place === -1 && own) return own;
      const at = shelf[place] ? place : 0;
      if (!cache.has(at)) cache.set(at, examined(shelf[at].title, shelved(shelf[at], model.get("weights"))));
      return cache.get(at);
    }

    // Spectra: a row a neuron, a bar a frequency.
    const LEFT = 6, MAP = 150, BARS = 84;
    const spectra = h("canvas", { "aria-hidden": "true" });
    const drawSpectra = canvas(el, spectra, () => MAP + (seen.embeds.length ? 2 : 1) * BARS + 52, (pen, width, tall, { ink, soft, line, ground, lit }) => {
      const { n, rows, shares, shown, heard, embedded, embeds, colourOf } = seen, half = Math.floor(n / 2);
      const colours = shown.flatMap(({ neurons, color }) => neurons.map(() => lit(color)));
      words(pen, `${rows.length} live neurons, a row each; cluster by cluster`, 0, 12, ink, ground);
      if (rows.length) shadedRows(pen, [LEFT, 20, width - 2 * LEFT, MAP - 20], rows.length, half, (i) => colours[i] ?? lit(neutral), (i, j) => shares[rows[i]][j + 1]);
      [pen.strokeStyle, pen.lineWidth] = [line, 1];
      pen.strokeRect(LEFT + 0.5, 20.5, width - 2 * LEFT - 1, MAP - 21);
      const wide = (width - 2 * LEFT) / half;
      [["what neurons hear", heard], ...(embeds.length ? [["embeddings", embedded]] : [])].forEach(([title, values], i) => {
        const floor = MAP + (i + 1) * BARS + 14 * i, most = Math.max(1e-12, ...values);
        words(pen, title, 0, floor - BARS + 26, ink, ground);
        trace(pen, [[0, floor], [width, floor]], line);
        values.forEach((value, f) => {
          if (!f) return;
          const high = (value / most) * (BARS - 34), x = LEFT + (f - 1) * wide;
          pen.fillStyle = colourOf(f) ? lit(colourOf(f)) : soft;
          pen.fillRect(x, floor - high, Math.max(1, wide - 1), high);
          if (colourOf(f)) words(pen, `${f}`, x + wide / 2, floor + 13, soft, ground, "center");
        });
      });
      words(pen, `frequency 1 … ${half}`, width, tall - 4, soft, ground, "right");
    });

    // What it says, and right pairs.
    const { says, spoken, tell } = telling({ long: true });
    const list = h("p", { class: "live-score" }), place = h("div");
    function describe() {
      const { title, n, layout, clusters, live, score } = seen;
      const right = score ? `${scored(score.total, n)}${score.other ? `; of ${score.other}: ${score.share} %` : ""}.` : "counting …";
      tell(`${title}: a + b mod ${n}, ${right}`);
      const told = clusters.map(({ freq, neurons }) => `f = ${freq} (${neurons.length})`);
      list.textContent = `${layout}, ${live.length} live neurons. ` +
        (told.length ? `Clusters, with their neurons: ${told.join(", ")}.` : "No cluster: its neurons share no frequency.");
      el.dataset.net = title;
      if (score) el.dataset.total = score.total;
      else el.removeAttribute("data-total");
    }
    function count(one) {
      const { n, net } = one, all = net.without([]), answers = new Int32Array(n * n);
      overAllPairs(n, () => one === seen, (a, b, sum) => {
        net.logits(a, b, all, sum);
        answers[a * n + b] = highest(sum);
      }, ({ total }) => {
        const shares = OTHERS.map(([, task]) => answers.reduce((sum, said, i) => sum + (said === task(Math.floor(i / n), i % n, n)), 0) / n ** 2);
        const best = highest(shares), other = shares[best] > 0.9 && total < 0.9 * n * n;
        one.score = { total, ...(other && { other: OTHERS[best][0], share: (100 * shares[best]).toFixed(1) }) };
        describe();
      });
    }

    // The waves of chapter 7 on this network; its pair, switches and steps are this figure's own.
    const PASSED = ["a", "b", "off", "order"];
    const pair = () => Object.fromEntries(["a", "b"].map((name) => [name, within(model.get(name), seen.n - 1)]));
    function waves() {
      const state = { n: seen.n, clusters: seen.shown, colors: { answer, wrong, neutral }, sigma: 0, ...pair(), off: model.get("off"), order: model.get("order") };
      inner = ownModel(state);
      const box = h("div");
      place.replaceChildren(box);
      showCrests({ el: box, given: seen.net, model: { ...inner, save_changes: () =>
        put(model, Object.fromEntries(PASSED.map((name) => [name, state[name]]))) } });
    }
    for (const name of PASSED)
      model.on(`change:${name}`, () => {
        const value = name in pair() ? pair()[name] : model.get(name);
        if (String(inner.get(name)) !== String(value)) inner.set(name, value);
      });
    function show() {
      if (seen === current()) return;
      seen = current();
      waves();
      describe();
      drawSpectra();
      if (!seen.score) count(seen);
    }

    // A network from the shelf, or a file of the reader's.
    const problem = h("p", { class: "live-problem", role: "alert" });
    const chosen = choice(model, "net", "Shelf", shelf.map(({ title }, i) => [i, title]));
    const list_ = chosen.querySelector("select"), mine = h("option", { value: -1 });
    const fresh = (net) => put(model, { off: [], order: 0, net });
    list_.addEventListener("change", () => (problem.replaceChildren(), fresh(Number(list_.value))));
    async function take(file) {
      if (!file) return;
      const name = file.name.slice(0, 60);
      try {
        if (file.size > MOST_BYTES) refuse(`it is larger than ${MOST_BYTES / 2 ** 20} MB`);
        own = examined(name, await arraysOf(await file.arrayBuffer()));
      } catch (error) {
        const why = error instanceof Refused ? error.message : "it cannot be read";
        return void problem.replaceChildren(`${name}: ${why}. ${READS} `, h("code", {}, "python -m modlib show FILE"), " reads more.");
      }
      problem.replaceChildren();
      mine.textContent = name;
      list_.append(mine);
      fresh(-1);
      list_.value = -1;
      show();
    }
    const input = h("input", { type: "file", name: "file", accept: ".safetensors,.npz" });
    input.addEventListener("change", () => (take(input.files[0]), (input.value = "")));
    const zone = h("div", { class: "live-drop" }, h("label", { class: "live-select" }, "Drop a file here, or choose one:", input), chosen,
      h("p", { class: "live-small" }, "Nothing leaves this page: your browser alone reads the file. .safetensors or .npz, up to 32 MB."));
    const held = (event) => {
      event.preventDefault();
      event.stopPropagation(); // JupyterLab would upload it
      zone.classList.toggle("live-over", event.type === "dragover");
    };
    for (const type of ["dragover", "dragleave", "drop"]) el.addEventListener(type, held);
    el.addEventListener("drop", (event) => take(event.dataTransfer.files[0]));

    follow(model, ["net"], show);
    seen = current();
    framed(el, "drop a file", says, spoken, zone, problem, list, spectra, place,
      h("p", { class: "live-small" }, READS));
    waves();
    describe();
    drawSpectra();
    count(seen);
    el.live = { model, take, seen: () => seen, // for tests and for the browser's console
      logits: (a, b) => [...seen.net.logits(a, b, seen.net.without([]))] };
  },
};
