// The film: each task's accuracy on numbers trained on and on others, at one step after another.

export default {
  render({ model, el }) {
    const films = model.get("films"), palette = model.get("colors");
    if (!films.length) return void framed(el, "the film of the tasks", h("p", {}, "No network here has been trained, so there is no film."));
    const all = shares(model.get("accuracy"));
    let from = 0;
    for (const film of films) {
      const size = film.steps.length * film.qs.length;
      [film.train, film.validation] = [all.subarray(from, from + size), all.subarray(from + size, from + 2 * size)];
      from += 2 * size;
      const mean = (values) => film.steps.map((_, i) =>
        values.subarray(i * film.qs.length, (i + 1) * film.qs.length).reduce((x, y) => x + y) / film.qs.length);
      [film.trainMean, film.validationMean] = [mean(film.train), mean(film.validation)];
    }
    const one = () => films[Math.min(Math.max(0, model.get("film")), films.length - 1)];
    const end = () => one().steps.length - 1;
    const at = () => Math.min(Math.max(0, model.get("frame")), end());
    const seen = () => {
      const film = one(), frame = at(), row = (values) => [...values.subarray(frame * film.qs.length, (frame + 1) * film.qs.length)];
      const step = film.steps[frame], known = film.first.map((first) => first >= 0 && first <= step);
      return { step, known, train: row(film.train), validation: row(film.validation),
        trainMean: film.trainMean[frame], validationMean: film.validationMean[frame],
        learned: known.filter(Boolean).length };
    };

    // A pair of bars a task.
    const bars = h("canvas", { "aria-hidden": "true" });
    const drawBars = canvas(el, bars, () => 170, (pen, width, height, { ink, soft, line, lit }) => {
      const { qs } = one(), { train, validation, known } = seen(), room = width / qs.length, top = 8, foot = height - 20;
      const y = (value) => foot - value * (foot - top), wide = Math.min(14, 0.4 * room);
      pen.strokeStyle = line;
      pen.lineWidth = 1;
      for (const value of [0, 0.5, 1]) {
        pen.beginPath();
        pen.moveTo(0, y(value));
        pen.lineTo(width, y(value));
        pen.stroke();
      }
      pen.textAlign = "center";
      const every = Math.ceil(26 / room);
      qs.forEach((q, i) => {
        const middle = (i + 0.5) * room, chosen = q === model.get("task");
        pen.fillStyle = lit(palette.train);
        pen.globalAlpha = 0.55;
        pen.fillRect(middle - wide, y(train[i]), wide, foot - y(train[i]));
        pen.globalAlpha = 1;
        pen.fillStyle = lit(palette.validation);
        pen.fillRect(middle, y(validation[i]), wide, foot - y(validation[i]));
        if (known[i]) {
          pen.fillStyle = ink;
          pen.beginPath();
          pen.arc(middle, 4, 3, 0, 7);
          pen.fill();
        }
        if (chosen) {
          pen.strokeStyle = ink;
          pen.lineWidth = 2;
          pen.strokeRect(middle - wide - 2, top - 1, 2 * wide + 4, foot - top + 2);
        }
        pen.fillStyle = chosen ? ink : soft;
        if (chosen || (i % every === 0 && !(qs.includes(model.get("task")) && Math.abs(qs.indexOf(model.get("task")) - i) < every)))
          pen.fillText(q, middle, height - 5);
      });
    });
    const under = ({ offsetX }) => one().qs[Math.min(one().qs.length - 1, Math.max(0, Math.floor((offsetX / bars.clientWidth) * one().qs.length)))];
    bars.addEventListener("click", (event) => put(model, { task: under(event) === model.get("task") ? 0 : under(event) }));
    bars.addEventListener("pointermove", (event) => {
      const q = under(event), value = seen().validation[one().qs.indexOf(q)];
      bars.title = `q = ${q}: ${(100 * value).toFixed(1)} % of the numbers not trained on`;
    });
    drag(bars, (event) => event.type === "pointermove" && put(model, { task: under(event) }));

    // Through time: the means, and when each task is learned.
    const times = h("canvas", { "aria-hidden": "true" });
    const LEFT = 8, MEANS = 90, ROWS = 150;
    const drawTimes = canvas(el, times, () => MEANS + ROWS + 24, (pen, width, height, { ink, soft, line, ground, lit }) => {
      const film = one(), { step, known } = seen(), axis = stepAxis(film.steps[end()], LEFT, width - LEFT);
      const y = (value) => 6 + (1 - value) * (MEANS - 12), task = film.qs.indexOf(model.get("task"));
      const curve = (values, colour, wide) => {
        trace(pen, film.steps.map((when, i) => [axis.x(when), y(values(i))]), colour, wide);
      };
      pen.strokeStyle = line;
      pen.lineWidth = 1;
      pen.strokeRect(0.5, y(1) - 4, width - 1, MEANS - 4);
      pen.strokeRect(0.5, MEANS + 0.5, width - 1, ROWS);
      for (const [kind, dash] of [["train", [4, 3]], ["validation", []]]) {
        const colour = lit(palette[kind]);
        pen.setLineDash(dash);
        if (task >= 0) curve((i) => film[kind][i * film.qs.length + task], colour, 2);
        else curve((i) => film[`${kind}Mean`][i], colour, 2);
      }
      pen.setLineDash([]);
      const row = (i) => MEANS + 10 + (i / Math.max(1, film.qs.length - 1)) * (ROWS - 20);
      film.qs.forEach((q, i) => {
        if (film.first[i] < 0) return;
        pen.beginPath();
        pen.arc(axis.x(film.first[i]), row(i), q === model.get("task") ? 6 : 3.5, 0, 7);
        pen.fillStyle = pen.strokeStyle = lit(palette.mark);
        pen.lineWidth = 1.2;
        if (known[i]) pen.fill();
        else pen.stroke();
      });
      const label = (text, y) => words(pen, text, LEFT, y, ink, ground);
      label(task >= 0 ? `accuracy of q = ${film.qs[task]}` : "mean accuracy", 24);
      label(`● learned; q from ${film.qs[0]} (top) to ${film.qs[film.qs.length - 1]}`, MEANS + ROWS - 8);
      axis.ticks(pen, height - 6, soft);
      pen.strokeStyle = ink;
      pen.lineWidth = 1.5;
      pen.beginPath();
      pen.moveTo(axis.x(step), 2);
      pen.lineTo(axis.x(step), MEANS + ROWS);
      pen.stroke();
    });
    drag(times, ({ offsetX }) => {
      const axis = stepAxis(one().steps[end()], LEFT, times.clientWidth - LEFT);
      const far = one().steps.map((step) => Math.abs(axis.x(step) - offsetX));
      put(model, { frame: far.indexOf(Math.min(...far)) });
    });

    const { says, spoken, tell } = telling();
    const whole = h("p", { class: "live-score" });
    const frames = slider(model, "frame", "step", { max: end(), told: () => thousands(one().steps[at()]) });
    const which = choice(model, "film", "Network", films.map(({ title }, i) => [i, title]));
    const tasks = h("span", {});
    const percent = (value) => `${(100 * value).toFixed(1)} %`;
    const update = onceAFrame(() => {
      const { qs, first } = one(), { step, known, train, validation, trainMean, validationMean, learned } = seen();
      const names = qs.filter((_, i) => known[i]), open = qs.filter((_, i) => !known[i]);
      const few = (list) => list.length > 7 ? `${list.slice(0, 6).join(", ")} and ${list.length - 6} more` : list.join(", ");
      tell(`Step ${thousands(step)}: ${learned} of ${qs.length} ${qs.length === 1 ? "task" : "tasks"} learned` +
        (!learned ? "." : open.length && open.length < 6 ? `, all but ${few(open)}.` : open.length ? `: ${few(names)}.` : "."));
      const i = qs.indexOf(model.get("task"));
      whole.textContent = i < 0
        ? `On average ${percent(trainMean)} of the numbers trained on are right, ${percent(validationMean)} of the others.`
        : `q = ${qs[i]}: ${percent(train[i])} of the numbers trained on, ${percent(validation[i])} of the others; ` +
          (first[i] < 0 ? "never learned." : `learned at step ${thousands(first[i])}.`);
      drawBars();
      drawTimes();
    });
    const renew = () => {
      frames.querySelector("input").max = end();
      tasks.replaceChildren(choice(model, "task", "Task", [[0, "mean of all"], ...one().qs.map((q) => [q, `q = ${q}`])]));
      update();
    };
    model.on("change:film", () => {
      if (model.get("task") && !one().qs.includes(model.get("task"))) model.set("task", 0);
      put(model, { frame: end() });
      renew();
    });
    follow(model, ["frame", "task"], update);
    framed(el, "the film of the tasks", says, spoken, whole,
      frames,
      h("div", { class: "live-pair" }, h("div", { class: "live-select" }, player(model, "frame", end), tasks), which),
      bars, times,
      h("p", { class: "live-small" },
        `A pair of bars is a task: blue, pale, the numbers trained on; vermilion the others. A dot: the task has been right on ${percent(model.get("level"))} of the others. Drag in the curves, or tap a task. The axis of steps is logarithmic.`));
    el.live = { model, seen };
    renew();
  },
};
