// The training desk: a switch of the training, and the networks that come of it.

const DESK = [
  ["dropout", "Dropout", (value) => (value ? `.${String(value).split(".")[1]}` : "none")],
  ["lam", "Gradient filter λ", (value) => `${value}`],
  ["rate", "Learning rate", (value) => `× ${value}`],
  ["masked", "In the loss", (value) => (value ? "all but 2, 3, 5, 7" : "all tasks")],
];

export default {
  render({ model, el }) {
    const kinds = model.get("kinds"), qs = model.get("qs"), easy = model.get("easy"), palette = model.get("colors");
    if (!kinds.length) return void framed(el, "the training desk", h("p", {}, "No network of this setting has been trained."));
    const curves = shares(model.get("curves")), tasks = shares(model.get("tasks"));
    let [from, first] = [0, 0];
    for (const kind of kinds) {
      const length = kind.steps.length, rows = [];
      for (let i = 0; i <= kind.seeds; i++) rows.push(curves.subarray(from, (from += length)));
      [kind.train, kind.validation] = [rows.pop(), rows];
      kind.tasks = Array.from({ length: kind.seeds }, () => tasks.subarray(first, (first += qs.length)));
    }
    const place = (name) => within(model.get(name), kinds.length - 1);
    const now = () => kinds[place("kind")], earlier = () => kinds[place("before")];
    const mean = (values) => values.reduce((x, y) => x + y, 0) / values.length;
    const learned = ({ ends }) => ends.filter((end) => end >= model.get("level")).length;
    const taskMean = (kind, i) => mean(kind.tasks.map((row) => row[i]));

    // Curves of every network of a kind, and in grey those of the kind before.
    const times = h("canvas", { "aria-hidden": "true" });
    const LEFT = 8, drawTimes = canvas(el, times, () => 220, (pen, width, height, { ink, soft, line, ground, lit }) => {
      const foot = height - 22, y = (value) => foot - value * (foot - 10), level = model.get("level");
      const last = Math.max(...kinds.map(({ steps }) => steps[steps.length - 1]));
      const axis = stepAxis(last, LEFT, width - LEFT);
      for (const value of [0, 0.5, 1]) trace(pen, [[0, y(value)], [width, y(value)]], line);
      pen.setLineDash([5, 4]);
      trace(pen, [[0, y(level)], [width, y(level)]], soft);
      pen.setLineDash([]);
      const draw = ({ steps }, values, colour, wide) => trace(pen, steps.map((step, i) => [axis.x(step), y(values[i])]), colour, wide);
      if (earlier() !== now()) for (const curve of earlier().validation) draw(earlier(), curve, soft, 1);
      pen.setLineDash([3, 3]);
      draw(now(), now().train, lit(palette.train), 2);
      pen.setLineDash([]);
      for (const curve of now().validation) draw(now(), curve, lit(palette.validation), 1.6);
      words(pen, "learned from here on", LEFT, y(level) + 14, ink, ground);
      axis.ticks(pen, height - 6, soft);
    });

    // The end, task by task: a dot a network, a bar their mean, a line the kind before.
    const bars = h("canvas", { "aria-hidden": "true" });
    const drawBars = canvas(el, bars, () => 170, (pen, width, height, { ink, soft, line, ground, lit }) => {
      const room = width / qs.length, foot = height - 20, y = (value) => foot - value * (foot - 10), wide = Math.min(34, 0.66 * room);
      const every = Math.ceil(24 / room);
      for (const value of [0, 0.5, 1]) trace(pen, [[0, y(value)], [width, y(value)]], line);
      qs.forEach((q, i) => {
        const middle = (i + 0.5) * room, out = now().switches.masked && easy.includes(q);
        pen.fillStyle = lit(out ? palette.neutral : palette.validation);
        pen.globalAlpha = 0.5;
        pen.fillRect(middle - wide / 2, y(taskMean(now(), i)), wide, foot - y(taskMean(now(), i)));
        pen.globalAlpha = 1;
        if (earlier() !== now()) {
          const top = y(taskMean(earlier(), i));
          trace(pen, [[middle - wide / 2 - 2, top], [middle + wide / 2 + 2, top]], soft, 3);
        }
        now().tasks.forEach((row, seed) =>
          dot(pen, middle + ((seed + 0.5) / now().seeds - 0.5) * 0.7 * wide, y(row[i]), 2.5, ink));
        pen.fillStyle = soft;
        pen.textAlign = "center";
        if (i % every === 0) pen.fillText(out ? `(${q})` : q, middle, height - 5);
      });
    });

    // The switches; what was not trained is not there, and the nearest kind that was takes its place.
    const nearest = (name, value) => {
      const differs = (own, other) => DESK.filter(([key]) => own[key] !== other[key]).length;
      const aim = { ...now().switches, [name]: value };
      const able = kinds.map((_, i) => i).filter((i) => kinds[i].switches[name] === value);
      return able.reduce((best, i) => differs(kinds[i].switches, aim) < differs(kinds[best].switches, aim) ? i : best, able[0]);
    };
    const inputs = [];
    const sets = DESK.map(([name, label, told]) => {
      const set = h("fieldset", {}, h("legend", {}, label)), values = [...new Set(kinds.map(({ switches }) => switches[name]))].sort((x, y) => x - y);
      for (const value of values) {
        const input = h("input", { type: "radio", name, value, onchange: () => turn(nearest(name, value)) });
        inputs.push([input, name, value]);
        set.append(h("label", {}, input, told(value)));
      }
      return set;
    });
    const turn = (kind) => kind !== place("kind") && put(model, { before: place("kind"), kind });
    const { says, spoken, tell } = telling({ long: true });
    const told = h("p", { class: "live-score" });
    const percent = (share) => `${(100 * share).toFixed(1)} %`;
    const line = (kind) => `${learned(kind)} of ${kind.seeds} ${kind.seeds === 1 ? "network learns" : "networks learn"}, ${percent(mean(kind.ends))} at the end`;
    const update = onceAFrame(() => {
      for (const [input, name, value] of inputs) input.checked = now().switches[name] === value;
      tell(`${now().name.replace(/^[a-z]/, (letter) => letter.toUpperCase())}: ${line(now())}.`);
      told.textContent = earlier() === now() ? "Turn a switch." : `Before, ${earlier().name}: ${line(earlier())}.`;
      drawTimes();
      drawBars();
    });
    follow(model, ["kind", "before"], update);
    framed(el, "the training desk", says, spoken, told, h("div", { class: "live-desk" }, ...sets),
      h("button", { type: "button", name: "plain", onclick: () => turn(0) }, "As it is"),
      times,
      h("p", { class: "live-small" }, "Vermilion: each network's mean accuracy on numbers not trained on; dashed, on those trained on; grey, the kind before. Steps on a logarithmic axis. Not every mix of switches was trained: the others follow where they must."),
      bars,
      h("p", { class: "live-small" }, "At the end, by task: a dot a network, bars their mean, grey lines the kind before."));
    el.live = { model, seen: () => ({ ends: now().ends, learned: learned(now()), steps: now().steps,
      curves: now().validation.map((row) => [...row]), tasks: now().tasks.map((row) => [...row]) }) };
    update();
  },
};
