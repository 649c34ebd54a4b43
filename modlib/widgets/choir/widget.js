// A choir on a wheel: one cluster's neurons vote, each by itself, and together follow a + b.

export default {
  render({ model, el }) {
    const clusters = model.get("clusters"), n = model.get("n"), palette = model.get("colors");
    if (!model.get("weights").byteLength || !clusters.length)
      return framed(el, "a choir on a wheel", h("p", {}, "This network has no cluster that a page could carry."));
    const net = network(model);
    net.setNoise(0);
    const one = () => clusters[Math.min(model.get("cluster"), clusters.length - 1)];
    const on = () => one().neurons.filter((_, i) => !model.get("silent").includes(i));

    /** Votes at (a, b): of each neuron that sings, their sum, and the wave that they make of it. */
    function hear() {
      const a = model.get("a"), b = model.get("b"), { freq } = one(), answer = (a + b) % n;
      const single = on().map((neuron) => net.vote(neuron, a, b));
      const sum = Float64Array.from({ length: n }, (_, c) => single.reduce((x, vote) => x + vote[c], 0));
      const wave = sum.map((_, c) => Math.cos((2 * Math.PI * freq * (c - answer)) / n));
      const dot = (x, y) => x.reduce((total, value, c) => total + value * y[c], 0);
      const amplitude = dot(sum, wave) / dot(wave, wave), power = dot(sum, sum);
      const rest = power ? 1 - (amplitude ** 2 * dot(wave, wave)) / power : 0;
      return { single, sum, wave, amplitude, rest, answer, best: highest(sum) };
    }
    // What all of the cluster make of it, over all pairs: the grey wave's height.
    const ideal = (neurons) => {
      let total = 0, pairs = 0;
      for (let a = 0; a < n; a += Math.ceil(n / 20))
        for (let b = 0; b < n; b += Math.ceil(n / 20), pairs++)
          for (const neuron of neurons) {
            const vote = net.vote(neuron, a, b);
            for (let c = 0; c < n; c++)
              total += (vote[c] * Math.cos((2 * Math.PI * one().freq * (c - a - b)) / n) * 2) / n;
          }
      return total / pairs;
    };
    let height = ideal(one().neurons);

    // The wheel: a neuron stands where its wave over a is highest.
    const angleOf = (neuron) => {
      let x = 0, y = 0;
      for (let a = 0; a < n; a++) {
        const turn = (2 * Math.PI * one().freq * a) / n, heard = net.heardOfA(neuron, a);
        x += heard * Math.cos(turn);
        y += heard * Math.sin(turn);
      }
      return Math.atan2(y, x);
    };
    const wheel = h("canvas", { "aria-hidden": "true", class: "live-both" });
    const spot = (neuron, width) => {
      const angle = angleOf(neuron), radius = 0.4 * width;
      return [width / 2 + radius * Math.sin(angle), width / 2 - radius * Math.cos(angle)];
    };
    const drawWheel = canvas(el, wheel, (width) => width, (pen, width, _, { line, ground, ink, lit }) => {
      const { freq, color, neurons } = one(), silent = model.get("silent");
      pen.strokeStyle = line;
      pen.lineWidth = 1;
      pen.beginPath();
      pen.arc(width / 2, width / 2, 0.4 * width, 0, 7);
      pen.stroke();
      for (const [name, dash] of [["a", []], ["b", [4, 3]]]) {
        const turn = (2 * Math.PI * freq * model.get(name)) / n;
        pen.strokeStyle = ink;
        pen.setLineDash(dash);
        pen.beginPath();
        pen.moveTo(width / 2, width / 2);
        pen.lineTo(width / 2 + 0.3 * width * Math.sin(turn), width / 2 - 0.3 * width * Math.cos(turn));
        pen.stroke();
        pen.fillStyle = ink;
        pen.font = "12px system-ui, sans-serif";
        pen.fillText(name, width / 2 + 0.33 * width * Math.sin(turn) - 3, width / 2 - 0.33 * width * Math.cos(turn) + 4);
      }
      pen.setLineDash([]);
      neurons.forEach((neuron, i) => {
        const [x, y] = spot(neuron, width);
        pen.beginPath();
        pen.arc(x, y, 7, 0, 7);
        pen.fillStyle = silent.includes(i) ? ground : lit(color);
        pen.fill();
        pen.strokeStyle = lit(color);
        pen.lineWidth = 2;
        pen.stroke();
      });
    });
    const toggle = (i) => {
      const silent = model.get("silent");
      put(model, { silent: silent.includes(i) ? silent.filter((j) => j !== i) : [...silent, i].sort((x, y) => x - y) });
    };
    wheel.addEventListener("click", ({ offsetX, offsetY }) => {
      const far = one().neurons.map((neuron) => {
        const [x, y] = spot(neuron, wheel.clientWidth);
        return Math.hypot(x - offsetX, y - offsetY);
      });
      const nearest = far.indexOf(Math.min(...far));
      if (far[nearest] < 22) toggle(nearest);
    });

    // The votes, with the answers in steps that make one wave of the frequency.
    const waves = h("canvas", { "aria-hidden": "true" });
    const drawWaves = canvas(el, waves, () => 260, (pen, width, tall, { soft, ink, line, ground, lit }) => {
      const { single, sum, wave, answer } = hear(), { freq, color } = one(), place = places(n, freq);
      const order = Array.from({ length: n }, (_, c) => c).sort((c, d) => place[c] - place[d]);
      const most = Math.max(1.2 * Math.abs(height), ...sum.map(Math.abs));
      const x = (c) => 4 + ((place[c] + 0.5) / n) * (width - 8);
      const y = (value) => tall / 2 - (value / most) * (tall / 2 - 12);
      const draw = (values, colour, wide, factor = 1) => {
        pen.strokeStyle = colour;
        pen.lineWidth = wide;
        pen.beginPath();
        for (const c of order) pen.lineTo(x(c), y(factor * values[c]));
        pen.stroke();
      };
      pen.strokeStyle = line;
      pen.beginPath();
      pen.moveTo(0, y(0));
      pen.lineTo(width, y(0));
      pen.stroke();
      draw(wave, line, 6, height);
      pen.globalAlpha = 0.55;
      for (const vote of single) draw(vote, lit(color), 1);
      pen.globalAlpha = 1;
      draw(sum, ink, 2.2);
      star(pen, x(answer), y(sum[answer]), 8, lit(palette.answer), ground);
      pen.fillStyle = soft;
      pen.font = "12px system-ui, sans-serif";
      pen.fillText(`answers in steps of ${one().step}`, 4, tall - 2);
    });

    const which = h("select", { name: "cluster" });
    clusters.forEach(({ freq, neurons }, i) =>
      which.append(h("option", { value: i }, `f = ${freq}, ${neurons.length} neurons`)));
    which.addEventListener("change", () => put(model, { cluster: Number(which.value), silent: [] }));
    const boxes = arrows(h("fieldset", { class: "live-buttons" }));
    const side = (choose) => () => {
      const { neurons } = one();
      put(model, { silent: neurons.map((_, i) => i).filter((i) => !choose(i, neurons)) });
    };
    boxes.append(h("legend", {}, "Who sings"),
      h("button", { type: "button", name: "all", onclick: side(() => true) }, "all"),
      h("button", { type: "button", name: "solo", onclick: side((i) => i === 0) }, "one"),
      h("button", { type: "button", name: "side", onclick: side((i, neurons) => Math.cos(angleOf(neurons[i])) > 0) },
        "one side of the wheel"));
    const members = arrows(h("fieldset", { class: "live-neurons" }, h("legend", {}, "Neurons")));
    function makeMembers() {
      members.querySelectorAll("button").forEach((button) => button.remove());
      one().neurons.forEach((_, i) => members.append(h("button", { type: "button", class: "live-neuron",
        style: `--own: ${one().color}`, "aria-label": `neuron ${i + 1}`, onclick: () => toggle(i) })));
    }
    const { says, spoken, tell } = telling({ long: true });
    const update = onceAFrame(() => {
      const { amplitude, rest, answer, best, single } = hear(), silent = model.get("silent");
      which.value = model.get("cluster");
      members.querySelectorAll("button").forEach((button, i) =>
        button.setAttribute("aria-pressed", !silent.includes(i)));
      tell(`${single.length} of ${one().neurons.length} sing: highest at ${best}, the answer is ${answer}. ` +
        `Their wave around the answer has height ${amplitude.toFixed(2)}; ${(100 * rest).toFixed(0)} % of what they say is something else.`);
      drawWheel();
      drawWaves();
    });
    const renew = () => {
      height = ideal(one().neurons);
      makeMembers();
      update();
    };
    model.on("change:cluster", renew);
    follow(model, ["a", "b", "silent"], update);
    framed(el, "a choir on a wheel",
      says, spoken,
      h("div", { class: "live-pair" }, slider(model, "a", "a", { max: n - 1 }), slider(model, "b", "b", { max: n - 1 })),
      h("label", { class: "live-select" }, "Cluster", which), boxes,
      h("div", { class: "live-columns" }, h("div", { class: "live-wide" }, waves), h("div", { class: "live-narrow" }, wheel)),
      members,
      h("p", { class: "live-small" },
        "Thin: what single neurons say. Black: their sum. Grey: the wave of the whole cluster, on average over the pairs. ★ the right answer. On the wheel a neuron stands where it hears a best; tap it."));
    el.live = { model, hear }; // for tests and for the browser's console
    renew();
  },
};
