// Train one yourself: a network learns to add in the page, in a worker of its own.

/** A worker made of this file's own functions, which a page opened from a file may start. */
function startWorker() {
  const functions = [upper, philoxWords, philoxUniforms, philoxNormals, philoxPermutation,
    initialWeights, makeTrainer, trainerWorker];
  const streams = `const SPLIT = ${SPLIT}, INIT = ${INIT}, SHUFFLE = ${SHUFFLE};`;
  const source = [streams, ...functions.map(String), "trainerWorker();"].join("\n");
  const address = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  const worker = new Worker(address);
  URL.revokeObjectURL(address);
  return worker;
}

/** Neurons by their strongest frequency, where it has half of their power, as clusters of 3 on. */
function gathered(power, neurons, half, palette) {
  const most = Array.from({ length: neurons }, (_, j) =>
    power.subarray(j * half, (j + 1) * half).reduce((x, y) => x + y, 0));
  const loudest = Math.max(...most), groups = new Map();
  for (let j = 0; j < neurons; j++) {
    const own = power.subarray(j * half, (j + 1) * half), best = highest(own);
    if (most[j] < 0.01 * loudest || own[best] < 0.5 * most[j]) continue;
    groups.set(best + 1, [...(groups.get(best + 1) ?? []), j]);
  }
  return [...groups].filter(([, group]) => group.length >= 3)
    .sort(([f, x], [g, y]) => y.length - x.length || f - g)
    .map(([freq, group], i) => ({ freq, neurons: group, color: palette[i % palette.length] }));
}

/** The logits of parameters in PyTorch's order at one pair. */
function ask(weights, n, k, e, a, b) {
  const w = 2 * e, hidden = 2 * n * e, bias = hidden + k * w, unembed = bias + k, out = unembed + n * k;
  const logits = Float64Array.from(weights.subarray(out, out + n));
  for (let j = 0; j < k; j++) {
    let fires = weights[bias + j];
    for (let i = 0; i < e; i++)
      fires += weights[hidden + j * w + i] * weights[a * e + i] +
        weights[hidden + j * w + e + i] * weights[(n + b) * e + i];
    if (fires > 0) for (let c = 0; c < n; c++) logits[c] += fires * weights[unembed + c * k + j];
  }
  return logits;
}

export default {
  render({ model, el }) {
    const { palette, train: blue, unseen: red } = model.get("colors"), EMBED = 32;
    const states = [];
    let worker = null, used = null, shown = -1, going = false;

    // Settings.
    const field = (name, label, attributes) => {
      const input = h("input", { type: "number", name, ...attributes });
      input.value = model.get(name);
      input.addEventListener("change", () => {
        const value = Number(input.value), { min, max } = attributes;
        const good = input.value !== "" && value >= min && value <= max &&
          (attributes.step === "any" || Number.isInteger(value));
        if (good) put(model, { [name]: value });
        else input.value = model.get(name);
      });
      model.on(`change:${name}`, () => (input.value = model.get(name)));
      return h("label", { class: "live-select" }, label, input);
    };
    const full = h("select", { name: "full" },
      h("option", { value: 0 }, "n pairs"), h("option", { value: 1 }, "all of them"));
    full.value = model.get("full");
    full.addEventListener("change", () => put(model, { full: Number(full.value) }));
    const fields = h("fieldset", {}, h("legend", {}, "Network"),
      field("n", "n", { min: 3, max: 97 }),
      field("neurons", "neurons", { min: 1, max: 256 }),
      field("seed", "seed", { min: 0, max: 2 ** 31 }),
      field("lr", "learning rate", { min: 0, max: 10, step: "any" }),
      field("l2", "L2", { min: 0, max: 10, step: "any" }),
      h("label", { class: "live-select" }, "batch", full));

    // Buttons, and the states that were kept.
    const start = h("button", { type: "button", name: "start" }, "Train");
    const again = h("button", { type: "button", name: "again" }, "Start anew");
    const inside = h("button", { type: "button", name: "inside", disabled: true }, "Look inside");
    const back = h("input", { type: "range", name: "state", min: 0, max: 0, value: 0 });
    const when = h("output", { class: "live-number" }, "epoch 0");
    const says = h("p", { class: "live-says" }, "Nothing is trained yet. Press Train.");
    const spoken = h("p", { class: "live-unseen", "aria-live": "polite" });
    const pace = h("p", { class: "live-small" });

    function settings() {
      const n = model.get("n"), known = model.get("train_pairs")[n];
      const train = known ?? n * Math.max(1, Math.round(0.6 * n)), whole = model.get("full") === 1;
      return { n, neurons: model.get("neurons"), l2: model.get("l2"), lr: model.get("lr"), train,
        seed: model.get("seed"), batch: whole ? train : n, epochs: whole ? 2000 : 300, embed: EMBED };
    }
    function reset() {
      worker?.terminate();
      [worker, used, shown] = [null, null, -1];
      states.length = 0;
      run(false);
      update();
    }
    function begin() {
      used = settings();
      worker = startWorker();
      worker.onmessage = ({ data }) => {
        const half = Math.floor(used.n / 2), share = new Float64Array(half);
        for (let i = 0; i < data.power.length; i++) share[i % half] += data.power[i];
        const whole = share.reduce((x, y) => x + y, 0) || 1;
        const looked = shown === states.length - 1 ? null : states[shown]; // null: at the newest
        states.push({ ...data, share: share.map((value) => value / whole),
          clusters: gathered(data.power, used.neurons, half, palette) });
        if (states.length > 160) // the early ones thin out
          states.splice(0, 120, ...states.slice(0, 120).filter((one, i) => i % 2 === 0 || one === looked));
        shown = looked ? states.indexOf(looked) : states.length - 1;
        if (data.epoch >= used.epochs) run(false);
        update();
      };
      worker.postMessage({ settings: used });
    }
    function run(yes) {
      going = yes;
      if (yes && !worker) begin();
      if (yes && shown >= 0) shown = states.length - 1;
      worker?.postMessage({ going });
      start.textContent = going ? "Pause" : states.length > 1 ? "Go on" : "Train";
      if (!going && states.length)
        put(model, { trained: new DataView(states[states.length - 1].weights.slice().buffer) });
    }
    start.addEventListener("click", () => run(!going));
    again.addEventListener("click", () => { reset(); run(true); });
    for (const name of ["n", "neurons", "seed", "lr", "l2", "full"]) model.on(`change:${name}`, reset);
    back.addEventListener("input", () => { shown = Number(back.value); update(); });

    // The table of all pairs, the curves, the frequencies.
    const RIGHT = (n) => `${n} × ${n} pairs; blue: right and trained on, red: right and never seen`;
    const tableOf = h("canvas", { role: "img", "aria-label": "Table of all pairs" });
    const curves = h("canvas", { role: "img", "aria-label": "Accuracy and loss by epoch" });
    const bars = h("canvas", { role: "img", "aria-label": "Share of each frequency" });
    const legend = h("p", { class: "live-small" });
    const drawTable = canvas(el, tableOf, (width) => width, (pen, width, _, { line, lit }) => {
      const n = used?.n ?? model.get("n"), cell = width / n, state = states[shown];
      pen.strokeStyle = line;
      pen.strokeRect(0.5, 0.5, width - 1, width - 1);
      if (!state) return;
      for (let pair = 0; pair < n * n; pair++) {
        if (!state.right[pair]) continue;
        pen.fillStyle = lit(state.isTrain[pair] ? blue : red);
        pen.fillRect((pair % n) * cell, Math.floor(pair / n) * cell, cell * 0.92, cell * 0.92);
      }
    });
    const drawCurves = canvas(el, curves, () => 170, (pen, width, height, { ink, soft, line, lit }) => {
      pen.font = "12px system-ui, sans-serif";
      const last = Math.max(1, states.at(-1)?.epoch ?? 1), n = used?.n ?? model.get("n");
      const x = (epoch) => 34 + (Math.log1p(epoch) / Math.log1p(last)) * (width - 40);
      const panel = (top, tall, name, low, high, value) => {
        const y = (v) => top + tall - ((Math.max(low, Math.min(high, v)) - low) / (high - low)) * tall;
        pen.strokeStyle = line;
        pen.lineWidth = 1;
        pen.strokeRect(34.5, top + 0.5, width - 40, tall);
        [blue, red].forEach((colour, i) => {
          pen.strokeStyle = lit(colour);
          pen.lineWidth = 1.8;
          pen.setLineDash(i ? [5, 3] : []);
          pen.beginPath();
          for (const state of states) pen.lineTo(x(state.epoch), y(value(state)[i]));
          pen.stroke();
        });
        pen.setLineDash([]);
        pen.fillStyle = soft;
        pen.fillText(name, 38, top + 13);
        return y;
      };
      panel(4, 66, "accuracy", 0, 1, (state) => state.accuracy);
      panel(82, 66, "loss (log)", -6, Math.log(2 * Math.log(n)), (state) =>
        state.loss.map((value) => Math.log(Math.max(value, 1e-9))));
      pen.fillStyle = soft;
      for (const [text, y] of [["100 %", 14], ["0", 70]]) pen.fillText(text, 0, y);
      pen.fillText("epoch 0", 34, height - 6);
      pen.textAlign = "right";
      pen.fillText(String(last), width - 6, height - 6);
      if (shown >= 0) {
        pen.strokeStyle = ink;
        pen.beginPath();
        pen.moveTo(x(states[shown].epoch), 4);
        pen.lineTo(x(states[shown].epoch), 148);
        pen.stroke();
      }
    });
    const drawBars = canvas(el, bars, () => 110, (pen, width, height, { soft, line, lit }) => {
      const state = states[shown], half = Math.floor((used?.n ?? model.get("n")) / 2);
      const wide = width / half, most = state ? Math.max(...state.share) : 1;
      pen.font = "12px system-ui, sans-serif";
      pen.textAlign = "center";
      for (let f = 1; f <= half; f++) {
        const tall = state ? (state.share[f - 1] / most) * (height - 32) : 0;
        const cluster = state?.clusters.find(({ freq }) => freq === f);
        pen.fillStyle = cluster ? lit(cluster.color) : line;
        pen.fillRect((f - 1) * wide, height - 16 - tall, Math.max(1, wide - 1), tall + 1);
        if (cluster) pen.fillText(f, (f - 0.5) * wide, height - 20 - tall);
      }
      pen.fillStyle = soft;
      pen.fillText(`frequency 1 … ${half}`, width / 2, height - 2);
    });

    // Ask your own sum.
    const own = (name) => h("input", { type: "number", name, min: 0, value: name === "ask_a" ? 12 : 34 });
    const askA = own("ask_a"), askB = own("ask_b"), reply = h("output", { name: "reply" });
    function answer() {
      const state = states[shown], n = used?.n;
      const [a, b] = [askA, askB].map((input) => Number(input.value));
      const good = state && [a, b].every((value) => Number.isInteger(value) && value >= 0 && value < n);
      reply.textContent = good
        ? `${highest(ask(state.weights, n, used.neurons, EMBED, a, b))} (right: ${(a + b) % n}; ${
            state.isTrain[a * n + b] ? "it was trained on this pair" : "it never saw this pair"})`
        : "…";
    }
    for (const input of [askA, askB]) input.addEventListener("input", answer);

    // The other figure, with this network.
    const place = h("div");
    inside.addEventListener("click", () => {
      const state = states[shown], n = used.n, half = h("div");
      place.replaceChildren(half);
      showCrests({ el: half, model: ownModel({
        n, seed: used.seed, colors: { answer: palette[2], wrong: red, neutral: "#767676" },
        shape: { embed_dim: EMBED, num_neurons: used.neurons },
        clusters: state.clusters.map((one) => ({ ...one, step: stepOf(one.freq, n) })),
        weights: new DataView(state.weights.slice().buffer), mean_votes: new DataView(new ArrayBuffer(0)),
        a: Math.floor(n / 4), b: Math.floor(n / 2), off: [], sigma: 0, order: 0 }) });
      place.firstChild.scrollIntoView({ block: "nearest" });
    });

    let resting = 0;
    const percent = (share) => `${(100 * share).toFixed(share > 0.999 && share < 1 ? 2 : 1)} %`;
    const update = onceAFrame(() => {
      const state = states[shown];
      back.max = Math.max(0, states.length - 1);
      back.value = shown;
      inside.disabled = !state;
      when.textContent = `epoch ${state?.epoch ?? 0}`;
      legend.textContent = RIGHT(used?.n ?? model.get("n"));
      says.textContent = state
        ? `After ${thousands(state.step)} steps: ${percent(state.accuracy[0])} of the pairs it trains on, ${percent(state.accuracy[1])} of those it never saw.`
        : "Nothing is trained yet. Press Train.";
      const rate = states.at(-1)?.rate;
      const python = model.get("python_rate");
      pace.textContent = (rate ? `${Math.round(rate)} steps a second here. ` : "") +
        (python ? `The compiled steps in Python took ${Math.round(python)} a second at n = ${model.get("python_n")} where this page was made.` : "");
      el.dataset.epoch = states.at(-1)?.epoch ?? 0;
      el.dataset.unseen = states.at(-1)?.accuracy[1] ?? 0;
      clearTimeout(resting);
      resting = setTimeout(() => (spoken.textContent = says.textContent), going ? 3000 : 300);
      drawTable(); drawCurves(); drawBars(); answer();
    });
    framed(el, "train one yourself",
      says, spoken, arrows(fields),
      arrows(h("fieldset", { class: "live-buttons" }, start, again, inside)),
      h("label", { class: "live-slider" }, h("span", {}, "back in time"), back, when),
      h("div", { class: "live-columns" },
        h("div", { class: "live-narrow" }, tableOf, legend),
        h("div", { class: "live-wide" }, curves, bars)),
      h("label", { class: "live-select" }, "Ask it:", askA, "+", askB, "=", reply),
      pace, place);
    // For tests and for the browser's console.
    el.live = { model, states, worker: () => worker, settings,
      steps: (count) => new Promise((done) => {
        const own = startWorker();
        let first = true;
        own.onmessage = ({ data }) => {
          if (first) return void (first = false);
          own.terminate();
          done([...data.weights]);
        };
        own.postMessage({ settings: settings(), steps: count });
      }) };
    update();
  },
};
