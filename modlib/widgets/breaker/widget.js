// Break it: neurons out, weights disturbed; what is left of the answers, on all pairs.

export default {
  render({ model, el }) {
    if (!model.get("weights").byteLength)
      return framed(el, "break it", h("p", {}, "This network is too large to be broken in a page."));
    const n = model.get("n"), clusters = model.get("clusters"), palette = model.get("colors");
    const { num_neurons: k } = model.get("shape"), net = network(model);
    const groups = clusters.map(({ freq, neurons, color }) => ({ name: `f = ${freq}`, neurons, color }));
    const loose = [...net.owner.keys()].filter((neuron) => net.owner[neuron] < 0);
    if (loose.length) groups.push({ name: "no cluster", neurons: loose, color: palette.neutral });
    const queue = philoxPermutation(model.get("seed"), CONTROL, 0, k);
    const remove = (removed) => put(model, { removed: [...new Set(removed)].sort((x, y) => x - y) });

    // A button a neuron, grouped by cluster; a group's own buttons take half of it out, or all.
    const grid = h("div", {});
    const buttons = [];
    groups.forEach(({ name, neurons, color }) => {
      const out = (share) => () => {
        const others = model.get("removed").filter((one) => !neurons.includes(one));
        remove([...others, ...neurons.slice(0, Math.round(share * neurons.length))]);
      };
      const group = h("fieldset", { class: "live-neurons" }, h("legend", {}, name));
      for (const [label, share] of [["all in", 0], ["half out", 0.5], ["all out", 1]])
        group.append(h("button", { type: "button", "aria-label": `${name}: ${label}`, onclick: out(share) }, label));
      neurons.forEach((neuron, i) => {
        buttons[neuron] = h("button", { type: "button", class: "live-neuron", style: `--own: ${color}`,
          "aria-label": `${name}, neuron ${i + 1}`, onclick: () => {
            const removed = model.get("removed");
            remove(removed.includes(neuron) ? removed.filter((one) => one !== neuron) : [...removed, neuron]);
          } });
        group.append(buttons[neuron]);
      });
      grid.append(arrows(group));
    });
    const next = h("button", { type: "button", name: "next", onclick: () => {
      const removed = model.get("removed"), one = queue.find((neuron) => !removed.includes(neuron));
      if (one !== undefined) remove([...removed, one]);
    } }, "Remove one at random");
    const back = h("button", { type: "button", name: "back", onclick: () => remove([]) }, "Put all back");
    const which = h("select", { name: "noisy" }, h("option", { value: -2 }, "all neurons"));
    clusters.forEach(({ freq }, i) => which.append(h("option", { value: i }, `f = ${freq}`)));
    which.addEventListener("change", () => put(model, { noisy: Number(which.value) }));

    // All pairs.
    const pad = h("canvas", { role: "img", "aria-label": "Square of all pairs, wrong ones in colour" });
    const says = h("p", { class: "live-says" }, "…");
    const numbersOf = h("p", { class: "live-score" });
    const spoken = h("p", { class: "live-unseen", "aria-live": "polite" });
    let found = null, counting = null, counted = "", resting = 0;
    const asked = () => ["sigma", "noisy", "removed"].map((name) => model.get(name)).join(" ");
    const drawPad = canvas(el, pad, (width) => width, (pen, width, _, { line, lit }) =>
      drawPairs(pen, width, n, found?.right, lit(palette.wrong), line));
    function count() {
      if (counting || counted === asked()) return;
      counting = asked();
      el.removeAttribute("data-right");
      const sigma = model.get("sigma"), noisy = model.get("noisy"), on = new Uint8Array(k).fill(1);
      for (const neuron of model.get("removed")) on[neuron] = 0;
      overAllPairs(n, () => net.setNoise(sigma, noisy), (a, b, sum) => net.logits(a, b, on, sum), (now) => {
        [found, counted, counting] = [now, counting, null];
        [el.dataset.right, el.dataset.loss, el.dataset.margin] = [now.total, now.loss, now.margin];
        says.textContent = scored(now.total, n);
        numbersOf.textContent = `${model.get("removed").length} of ${k} neurons out; loss ${now.loss.toPrecision(2)}, smallest margin ${now.margin.toFixed(2)}`;
        clearTimeout(resting);
        resting = setTimeout(() => (spoken.textContent = `${says.textContent}. ${numbersOf.textContent}`), 600);
        drawPad();
        count();
      });
    }
    const update = onceAFrame(() => {
      const removed = model.get("removed");
      buttons.forEach((button, neuron) => button.setAttribute("aria-pressed", removed.includes(neuron)));
      which.value = model.get("noisy");
      count();
    });
    follow(model, ["removed", "sigma", "noisy"], update);
    framed(el, "break it",
      says, numbersOf, spoken,
      h("div", { class: "live-columns" },
        h("div", { class: "live-wide" }, grid, h("fieldset", { class: "live-buttons" }, next, back)),
        h("div", { class: "live-narrow" },
          slider(model, "sigma", "noise σ", { max: 1, step: 0.025, digits: 3 }),
          h("label", { class: "live-select" }, "on", which), pad)),
      h("p", { class: "live-small" },
        "A button is a neuron: filled, it takes part. In the square of all pairs (a down, b across) wrong answers are coloured."));
    el.live = { model }; // for tests and for the browser's console
    update();
  },
};
