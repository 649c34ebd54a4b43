// Where all crests meet: the votes of a trained network's clusters at one pair, and their sum.

/** Votes from a table of their means over all pairs, by c - a - b: no noise, no logits. */
function table(model) {
  const n = model.get("n"), mean = numbers(model.get("mean_votes"));
  const votes = (a, b) =>
    model.get("clusters").map((_, i) =>
      Float64Array.from({ length: n }, (_, c) => mean[i * n + ((c - a - b + 2 * n) % n)]));
  return { votes, setNoise() {}, loose: false };
}

/**
 * Draws the figure into `el` and keeps it in step with `model`. `given`: what a network says
 * (`speaking`), in place of weights; it knows no noise.
 */
function showCrests({ model, el, given }) {
  const n = model.get("n"), clusters = model.get("clusters"), palette = model.get("colors");
  const whole = Boolean(given) || model.get("weights").byteLength > 0;
  const net = given ?? (whole ? network(model) : table(model));

  // What is seen at this moment.
  let seen;
  function look() {
    net.setNoise(model.get("sigma"));
    const a = model.get("a"), b = model.get("b"), off = model.get("off");
    const votes = net.votes(a, b), on = clusters.map((_, i) => !off.includes(i));
    const sum = new Float64Array(n);
    if (whole) net.logits(a, b, net.without(off), sum);
    else votes.forEach((vote, i) => on[i] && vote.forEach((value, c) => (sum[c] += value)));
    const mean = sum.reduce((x, y) => x + y) / n;
    for (let c = 0; c < n; c++) sum[c] -= mean;
    let left = new Array(n).fill(true);
    const sieve = votes.map((vote, i) => {
      const half = 0.5 * vote[highest(vote)];
      if (on[i]) left = left.map((stays, c) => stays && vote[c] >= half);
      return left;
    });
    const answer = (a + b) % n, other = highest(sum, answer);
    seen = { a, b, votes, on, sum, sieve, answer, other, gap: sum[answer] - sum[other] };
  }

  // The waves, a row a cluster, and their sum.
  const waves = h("canvas", { "aria-hidden": "true" });
  let place = places(n, model.get("order"));
  const glide = gliding(place, () => drawWaves());
  let scale = 0, sumScale = 0;
  const ROW = 62, SUM = 120, LEFT = 6;
  const heightFor = () => clusters.length * ROW + SUM + 22;
  const drawWaves = canvas(el, waves, heightFor, (pen, width, height, { ink, soft, line, ground, lit }) => {
    look();
    const x = (c) => LEFT + ((glide.at(c) + 0.5) / n) * (width - 2 * LEFT);
    const order = Array.from({ length: n }, (_, c) => c).sort((c, d) => place[c] - place[d]);
    const most = (values) => values.reduce((m, value) => Math.max(m, Math.abs(value)), 1e-9);
    scale = Math.max(scale, ...seen.votes.map(most));
    sumScale = Math.max(sumScale, most(seen.sum));
    pen.strokeStyle = lit(palette.answer);
    pen.lineWidth = 1;
    pen.setLineDash([3, 3]);
    pen.beginPath();
    pen.moveTo(x(seen.answer), 4);
    pen.lineTo(x(seen.answer), height - 22);
    pen.stroke();
    pen.setLineDash([]);

    function wave(values, top, tall, most, colour, bold, left) {
      const zero = top + tall / 2 + 6;
      const y = (c) => zero - (values[c] / most) * (tall / 2 - 12);
      pen.strokeStyle = line;
      pen.lineWidth = 1;
      pen.beginPath();
      pen.moveTo(0, zero);
      pen.lineTo(width, zero);
      pen.stroke();
      pen.strokeStyle = pen.fillStyle = colour;
      pen.lineWidth = bold ? 1.6 : 1;
      pen.beginPath();
      for (const c of order) pen.lineTo(x(c), y(c));
      pen.stroke();
      for (let c = 0; c < n; c++) {
        pen.beginPath();
        pen.arc(x(c), y(c), left?.[c] ? 4 : 1.5, 0, 7);
        pen.fill();
      }
      if (colour !== line) star(pen, x(seen.answer), y(seen.answer), 7, lit(palette.answer), ground);
      return y;
    }
    const write = (text, x, y, colour, align) => words(pen, text, x, y, colour, ground, align);
    clusters.forEach(({ freq, color }, i) => {
      const colour = seen.on[i] ? lit(color) : line;
      const left = seen.on[i] ? seen.sieve[i] : null;
      wave(seen.votes[i], i * ROW, ROW, scale, colour, false, left);
      const count = seen.sieve[i].filter(Boolean).length;
      write(`f = ${freq}${seen.on[i] ? "" : " (off)"}`, 0, i * ROW + 12, ink);
      if (seen.on[i]) write(`${count} left`, width, i * ROW + 12, soft, "right");
    });
    const top = clusters.length * ROW;
    const y = wave(seen.sum, top, SUM, sumScale, ink, true, null);
    write(whole ? "sum (logits)" : "sum", 0, top + 12, ink);
    if (seen.gap <= 0) {
      pen.strokeStyle = lit(palette.wrong);
      pen.lineWidth = 2;
      pen.beginPath();
      pen.arc(x(seen.other), y(seen.other), 7, 0, 7);
      pen.stroke();
    }
    write(model.get("order") ? "answers in steps" : "answer c", width / 2, height - 4, soft, "center");
    write(String(order[0]), 0, height - 4, soft);
    write(String(order[n - 1]), width, height - 4, soft, "right");
    if (glide.moving()) drawWaves();
  });
  drag(waves, ({ offsetX }) => {
    const slot = within(((offsetX - LEFT) / (waves.clientWidth - 2 * LEFT)) * n, n - 1);
    const answer = place.indexOf(slot);
    put(model, { b: (answer - model.get("a") + n) % n });
  });

  // All pairs: counted a few rows a time, so that dragging stays smooth; a wrong one is marked.
  const pad = h("canvas", { class: "live-both", "aria-hidden": "true" });
  const score = h("p", { class: "live-score" });
  let right = null, counting = null, counted = "";
  const asked = () => `${model.get("sigma")} ${model.get("off")}`;
  function count() {
    if (!whole || counting || counted === asked()) return;
    counting = asked();
    el.removeAttribute("data-right");
    const sigma = model.get("sigma"), on = net.without(model.get("off"));
    overAllPairs(n, () => net.setNoise(sigma), (a, b, sum) => net.logits(a, b, on, sum), (found) => {
      [right, counted, counting] = [found.right, counting, null];
      el.dataset.right = found.total;
      score.textContent = scored(found.total, n);
      drawPad();
      count();
    });
  }
  const drawPad = !whole ? () => {} : canvas(el, pad, (width) => width, (pen, width, _, { ink, line, ground, lit }) => {
    const cell = width / n;
    drawPairs(pen, width, n, right, lit(palette.wrong), line);
    const x = (model.get("b") + 0.5) * cell, y = (model.get("a") + 0.5) * cell;
    pen.strokeStyle = ink;
    pen.beginPath();
    pen.moveTo(x, 0); pen.lineTo(x, width);
    pen.moveTo(0, y); pen.lineTo(width, y);
    pen.stroke();
    star(pen, x, y, 7, lit(palette.answer), ground);
  });
  drag(pad, ({ offsetX, offsetY }) => {
    const at = (offset) => within((offset / pad.clientWidth) * n, n - 1);
    put(model, { a: at(offsetY), b: at(offsetX) });
  });

  // Controls.
  const switches = arrows(h("fieldset", {}, h("legend", {}, "Clusters")));
  const box = (index, label, colour) => {
    const input = h("input", { type: "checkbox", name: `cluster${index}` });
    const update = () => (input.checked = !model.get("off").includes(index));
    input.addEventListener("change", () => {
      const others = model.get("off").filter((one) => one !== index);
      put(model, { off: input.checked ? others : [...others, index].sort((x, y) => x - y) });
    });
    model.on("change:off", update);
    update();
    const chip = h("span", { class: "live-chip", style: `background: ${colour}` });
    switches.append(h("label", {}, input, chip, label));
  };
  clusters.forEach(({ freq, neurons, color }, i) =>
    box(i, `f = ${freq}${whole ? `, ${neurons.length} neurons` : ""}`, color));
  if (net.loose) box(-1, "neurons of no cluster", palette.neutral);
  const order = h("select", { name: "order" }, h("option", { value: 0 }, "0, 1, 2, …"));
  for (const { freq, step } of clusters)
    order.append(h("option", { value: freq }, `f = ${freq}: steps of ${step}`));
  order.addEventListener("change", () => put(model, { order: Number(order.value) }));
  const reorder = () => {
    order.value = model.get("order");
    place = places(n, model.get("order"));
    glide.go(place);
  };
  model.on("change:order", reorder);
  order.value = model.get("order");

  const { says, spoken, tell } = telling();
  function describe() {
    look();
    const { a, b, answer, other, gap } = seen;
    const found = gap > 0
      ? `the highest sum says ${answer}, right by ${gap.toFixed(1)} before ${other}.`
      : gap < 0 ? `the highest sum says ${other}, and is wrong.` : "no answer stands out.";
    tell(`${a} + ${b} = ${answer} (mod ${n}): ${found}`);
  }
  const update = onceAFrame(() => {
    describe();
    drawWaves();
    drawPad();
    count();
  });
  follow(model, ["a", "b", "off", "sigma"], update);

  const sliders = [
    slider(model, "a", "a", { max: n - 1 }),
    slider(model, "b", "b", { max: n - 1 }),
  ];
  const answers = h("label", { class: "live-select" }, "Answers ", order);
  const noise = given ? "" : whole && slider(model, "sigma", "noise σ", { max: 1, step: 0.025, digits: 3 });
  const legend = h("p", { class: "live-small" },
    "★ the right answer. Large dots: answers that this cluster and all above it admit (half of the highest vote or more). Drag in the waves, too",
    whole ? "; in the square of all pairs (a down, b across) wrong ones are coloured." : ".");
  const inputs = h("div", { class: "live-pair" }, ...sliders);
  const columns = whole
    ? h("div", { class: "live-columns" },
        h("div", { class: "live-wide" }, waves),
        h("div", { class: "live-narrow" }, noise, answers, score, pad))
    : waves;
  framed(el, "where all crests meet",
    says, spoken, inputs, switches, whole ? "" : answers, columns, legend);
  // For tests and for the browser's console.
  el.live = { model, votes: () => (look(), seen.votes.map((vote) => [...vote])),
    logits: () => {
      net.setNoise(model.get("sigma"));
      return [...net.logits(model.get("a"), model.get("b"), net.without(model.get("off")))];
    } };
  update();
}

