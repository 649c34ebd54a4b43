// The readable training loop of modlib.training.addition in plain JavaScript, with the same
// random numbers: Adam on cross-entropy + l2 |theta|^2, batches of shuffled training pairs.

/** One network in training. Parameters lie in one vector, with their gradients beside them. */
function makeTrainer({ n, neurons, embed = 32, l2, lr, batch, seed, train }) {
  const k = neurons, e = embed, w = 2 * e;
  const sizes = { embedA: n * e, embedB: n * e, hidden: w * k, bias: k, unembed: n * k, biasOut: n };
  const total = Object.values(sizes).reduce((x, y) => x + y);
  const theta = new Float64Array(total), slope = new Float64Array(total);
  const mean = new Float64Array(total), square = new Float64Array(total);
  const parts = (flat) => {
    let start = 0;
    return Object.values(sizes).map((size) => flat.subarray(start, (start += size)));
  };
  // In memory a weight's row is what it is multiplied with: hidden (2 embed, neuron), unembed
  // (neuron, answer), the transposes of PyTorch's.
  const [embedA, embedB, hidden, bias, unembed, biasOut] = parts(theta);
  const [gradA, gradB, gradHidden, gradBias, gradUnembed, gradBiasOut] = parts(slope);

  const transposed = (rows, height, width) => {
    const turned = new Float64Array(rows.length);
    for (let i = 0; i < height; i++)
      for (let j = 0; j < width; j++) turned[j * height + i] = rows[i * width + j];
    return turned;
  };
  const first = initialWeights(seed, n, k, e);
  for (const [part, values] of [[embedA, first.embedA], [embedB, first.embedB], [bias, first.bias],
    [hidden, transposed(first.hidden, k, w)], [unembed, transposed(first.unembed, n, k)], [biasOut, first.biasOut]])
    part.set(values);

  const split = philoxPermutation(seed, SPLIT, 0, n * n).subarray(0, train);
  const isTrain = new Uint8Array(n * n);
  split.forEach((pair) => (isTrain[pair] = 1));

  let epoch = 0, step = 0, order = split, at = train;
  const most = Math.min(batch, train);
  const fires = new Float64Array(most * k), error = new Float64Array(most * n);
  const active = new Int32Array(Math.max(k, most));
  // An embedding's rows in a batch, each once: what its neurons hear of them, what they hear back.
  const sideOf = (embedding, grad, shift) => ({ embedding, grad, shift, rows: new Int32Array(n), count: 0,
    place: new Int32Array(n), heard: new Float64Array(n * k), back: new Float64Array(n * k) });
  const sideA = sideOf(embedA, gradA, 0), sideB = sideOf(embedB, gradB, e), sides = [sideA, sideB];

  // What addRows adds up: where each row begins, and its factor.
  const start = new Int32Array(Math.max(k, n, w, most)), factor = new Float64Array(start.length);

  /** into[at ..] += sum over i < count of factor[i] rows[start[i] ..]: eight rows a pass. */
  function addRows(into, at, width, count, rows) {
    let i = 0;
    for (; i + 7 < count; i += 8) {
      const f0 = factor[i], f1 = factor[i + 1], f2 = factor[i + 2], f3 = factor[i + 3];
      const f4 = factor[i + 4], f5 = factor[i + 5], f6 = factor[i + 6], f7 = factor[i + 7];
      const r0 = start[i], r1 = start[i + 1], r2 = start[i + 2], r3 = start[i + 3];
      const r4 = start[i + 4], r5 = start[i + 5], r6 = start[i + 6], r7 = start[i + 7];
      for (let j = 0; j < width; j++)
        into[at + j] +=
          f0 * rows[r0 + j] + f1 * rows[r1 + j] + f2 * rows[r2 + j] + f3 * rows[r3 + j] +
          (f4 * rows[r4 + j] + f5 * rows[r5 + j] + f6 * rows[r6 + j] + f7 * rows[r7 + j]);
    }
    for (; i < count; i++) {
      const f = factor[i], r = start[i];
      for (let j = 0; j < width; j++) into[at + j] += f * rows[r + j];
    }
  }

  /** into[at ..] += sum over i < count of values[from + i step] rows[i width ..]. */
  function addAll(into, at, width, count, rows, values, from, step = 1, first = 0) {
    for (let i = 0; i < count; i++) {
      start[i] = (first + i) * width;
      factor[i] = values[from + i * step];
    }
    addRows(into, at, width, count, rows);
  }

  /** Looks up one input of these pairs, residue by residue; the bias is heard with a. */
  function listen(side, pairs, residueOf) {
    const { embedding, shift, rows, place, heard } = side;
    place.fill(-1);
    side.count = 0;
    for (const pair of pairs) {
      const value = residueOf(pair);
      if (place[value] >= 0) continue;
      rows[side.count] = value;
      const at = (place[value] = side.count++ * k);
      if (shift) heard.fill(0, at, at + k);
      else heard.set(bias, at);
      addAll(heard, at, k, e, hidden, embedding, value * e, 1, shift);
    }
    side.back.fill(0, 0, side.count * k);
  }

  /** Gradients of an embedding and of the weights behind it, from what its rows hear back. */
  function hearBack({ embedding, grad, shift, rows, count, back: sum }) {
    for (let j = 0; j < e; j++) {
      const from = (shift + j) * k;
      for (let i = 0; i < count; i++) {
        start[i] = i * k;
        factor[i] = embedding[rows[i] * e + j];
        grad[rows[i] * e + j] = dot(sum, i * k, hidden, from, k);
      }
      addRows(gradHidden, from, k, count, sum);
    }
  }

  /** The sum over i < count of left[l + i] right[r + i]. */
  function dot(left, l, right, r, count) {
    let s0 = 0, s1 = 0, i = 0;
    for (; i + 1 < count; i += 2) {
      s0 += left[l + i] * right[r + i];
      s1 += left[l + i + 1] * right[r + i + 1];
    }
    return i < count ? s0 + s1 + left[l + i] * right[r + i] : s0 + s1;
  }

  /** One optimiser step on the pairs of `pairs`; returns their mean cross-entropy. */
  function learn(pairs) {
    const m = pairs.length;
    let loss = 0;
    slope.fill(0);
    listen(sideA, pairs, (pair) => Math.floor(pair / n));
    listen(sideB, pairs, (pair) => pair % n);
    for (let i = 0; i < m; i++) {
      const a = Math.floor(pairs[i] / n), b = pairs[i] % n, row = i * k;
      const placeA = sideA.place[a], placeB = sideB.place[b];
      let live = 0;
      for (let j = 0; j < k; j++) {
        const pre = sideA.heard[placeA + j] + sideB.heard[placeB + j];
        fires[row + j] = pre > 0 ? pre : 0;
        if (pre <= 0) continue; // it adds nothing and learns nothing
        start[live] = j * n;
        factor[live] = pre;
        active[live++] = j;
      }
      error.set(biasOut, i * n);
      addRows(error, i * n, n, live, unembed);
      let highest = -Infinity, sum = 0;
      for (let c = i * n; c < i * n + n; c++) highest = Math.max(highest, error[c]);
      const answer = i * n + ((a + b) % n), logit = error[answer];
      for (let c = i * n; c < i * n + n; c++) sum += error[c] = Math.exp(error[c] - highest);
      loss += highest + Math.log(sum) - logit;
      for (let c = i * n; c < i * n + n; c++) error[c] /= sum * m;
      error[answer] -= 1 / m;
      for (let c = 0; c < n; c++) gradBiasOut[c] += error[i * n + c];
      for (let l = 0; l < live; l++) {
        const neuron = active[l], heard = dot(unembed, neuron * n, error, i * n, n);
        gradBias[neuron] += heard;
        sideA.back[placeA + neuron] += heard;
        sideB.back[placeB + neuron] += heard;
      }
    }
    for (let j = 0; j < k; j++) {
      let live = 0;
      for (let i = 0; i < m; i++) {
        if (fires[i * k + j] <= 0) continue;
        start[live] = i * n;
        factor[live++] = fires[i * k + j];
      }
      addRows(gradUnembed, j * n, n, live, error);
    }
    sides.forEach(hearBack);
    // Adam as PyTorch has it: L2 is added to the gradient, both moments are corrected.
    step += 1;
    const size = lr / (1 - 0.9 ** step), root = Math.sqrt(1 - 0.999 ** step), decay = 2 * l2;
    for (let i = 0; i < total; i++) {
      const g = slope[i] + decay * theta[i];
      const v = (square[i] = 0.999 * square[i] + 0.001 * g * g);
      mean[i] = 0.9 * mean[i] + 0.1 * g;
      theta[i] -= (size * mean[i]) / (Math.sqrt(v) / root + 1e-8);
    }
    return loss / m;
  }

  /** The next batch of the epoch, or of the next one. */
  function next() {
    if (at >= train) {
      const shuffled = batch < train;
      const places = shuffled ? philoxPermutation(seed, SHUFFLE, epoch, train) : null;
      order = shuffled ? places.map((place) => split[place]) : split;
      at = 0;
    }
    const loss = learn(order.subarray(at, Math.min(at + most, train)));
    at += most;
    if (at >= train) epoch += 1;
    return loss;
  }

  /** Preactivations of every a and of every b, (n, neuron), the bias with b's. */
  function preactivations() {
    const preA = new Float64Array(n * k), preB = new Float64Array(n * k);
    for (let v = 0; v < n; v++) {
      addAll(preA, v * k, k, e, hidden, embedA, v * e);
      preB.set(bias, v * k);
      addAll(preB, v * k, k, e, hidden, embedB, v * e, 1, e);
    }
    return [preA, preB];
  }

  /** Which of all pairs are right, and mean cross-entropy on those trained on and on the others. */
  function evaluate() {
    const [preA, preB] = preactivations(), logits = new Float64Array(n);
    const right = new Uint8Array(n * n), loss = [0, 0], count = [0, 0], good = [0, 0];
    for (let pair = 0; pair < n * n; pair++) {
      const a = Math.floor(pair / n), b = pair % n;
      let live = 0;
      for (let j = 0; j < k; j++) {
        const fires = preA[a * k + j] + preB[b * k + j];
        if (fires <= 0) continue;
        start[live] = j * n;
        factor[live++] = fires;
      }
      logits.set(biasOut);
      addRows(logits, 0, n, live, unembed);
      let best = 0, sum = 0;
      for (let c = 1; c < n; c++) if (logits[c] > logits[best]) best = c;
      for (let c = 0; c < n; c++) sum += Math.exp(logits[c] - logits[best]);
      const answer = (a + b) % n, unseen = 1 - isTrain[pair];
      loss[unseen] += logits[best] + Math.log(sum) - logits[answer];
      right[pair] = best === answer ? 1 : 0;
      good[unseen] += right[pair];
      count[unseen] += 1;
    }
    return { right, loss: loss.map((value, i) => value / count[i]),
      accuracy: good.map((value, i) => value / count[i]), count };
  }

  /** Power of each neuron's preactivations at the frequencies 1 .. n / 2, (neuron, freq). */
  function spectrum() {
    const half = Math.floor(n / 2), power = new Float64Array(k * half);
    const wave = Float64Array.from({ length: n }, (_, i) => Math.cos((2 * Math.PI * i) / n));
    const sine = Float64Array.from({ length: n }, (_, i) => Math.sin((2 * Math.PI * i) / n));
    for (const table of preactivations())
      for (let f = 1; f <= half; f++) {
        const real = new Float64Array(k), imaginary = new Float64Array(k);
        addAll(real, 0, k, n, table, wave.map((_, v) => wave[(v * f) % n]), 0);
        addAll(imaginary, 0, k, n, table, sine.map((_, v) => sine[(v * f) % n]), 0);
        for (let j = 0; j < k; j++) power[j * half + f - 1] += real[j] ** 2 + imaginary[j] ** 2;
      }
    return power;
  }

  /** The parameters in PyTorch's order and shapes, float32. */
  const weights = () =>
    Float32Array.from([...embedA, ...embedB, ...transposed(hidden, w, k), ...bias,
      ...transposed(unembed, k, n), ...biasOut]);

  return { next, evaluate, spectrum, weights, isTrain,
    get epoch() { return epoch; }, get step() { return step; } };
}

/** The worker: trains in slices of time, so that it hears what it is told, and reports. */
function trainerWorker() {
  let trainer, going = false, epochs = 0, spent = 0, counted = 0;
  function report() {
    const { right, loss, accuracy } = trainer.evaluate();
    postMessage({ epoch: trainer.epoch, step: trainer.step, right, loss, accuracy, epochs,
      power: trainer.spectrum(), weights: trainer.weights(), isTrain: trainer.isTrain,
      rate: spent ? (1000 * counted) / spent : 0 });
  }
  function slice() {
    if (!going) return;
    const start = performance.now(), from = trainer.epoch, first = trainer.step;
    // An epoch at least, and a quarter of a second: looking costs as much as some ten steps.
    while (trainer.epoch < epochs && (trainer.epoch === from || performance.now() - start < 250))
      trainer.next();
    spent += performance.now() - start;
    counted += trainer.step - first;
    going = trainer.epoch < epochs;
    report();
    setTimeout(slice, 0);
  }
  onmessage = ({ data }) => {
    if (data.settings) {
      trainer = makeTrainer(data.settings);
      epochs = data.settings.epochs;
      spent = counted = 0;
      report();
    }
    if (data.steps) for (let i = 0; i < data.steps; i++) trainer.next();
    if (data.steps) report();
    if (data.going === undefined) return;
    const was = going;
    going = data.going;
    if (going && !was) slice();
  };
}

