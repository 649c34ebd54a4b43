// Layouts of networks whose neurons hear a part of a plus a part of b, as tables: what is heard of
// each residue, (n, neuron), and what is said to each answer, (neuron, n).

const MOST_N = 257, MOST_WORK = 8e9;
const OURS = { "embed_a.weight": "n embed", "embed_b.weight": "n embed", "hidden.weight": "neuron 2*embed",
  "hidden.bias": "neuron", "unembed.weight": "n neuron", "unembed.bias": "n" };
/** Usual names of the two layers of a network on one-hot inputs. */
const ONE_HOT = [["fc1", "fc2"], ["l1", "l2"], ["0", "2"], ["hidden", "output"], ["hidden", "out"],
  ["linear1", "linear2"], ["layer1", "layer2"], ["W_in", "W_out"]];
/** Other layouts: their axes by name, and the names that may be missing. */
const LAYOUTS = {
  two_embedding_mlp: [OURS, []],
  chughtai_mlp: [{ W_x: "n embed", W_y: "n embed", W: "2*embed neuron", W_U: "neuron n" }, []],
  zhong_alpha: [{ "embed.weight": "n embed", "l1.weight": "neuron embed", "l1.bias": "neuron", "unembed.weight": "n neuron" }, []],
  zhong_delta: [{ "embed.weight": "n embed", "l1.weight": "neuron 2*embed", "l1.bias": "neuron", "unembed.weight": "n neuron" }, []],
  arrays: [{ preact_a: "n neuron", preact_b: "n neuron", w_out: "neuron n", b_in: "neuron", b_out: "n" }, ["b_in", "b_out"]],
};

/** Arrays without what stands in front of all their names; of a run in the store, its model's. */
function plainNames(arrays) {
  const own = [...arrays].filter(([name]) => name.startsWith("model/"));
  let named = own.length ? own.map(([name, array]) => [name.slice(6), array]) : [...arrays];
  const front = (name) => name.slice(0, name.indexOf(".") + 1);
  const shared = () => front(named[0][0]) && named.every(([name]) => front(name) === front(named[0][0]) && name.split(".").length > 2);
  while (named.length && shared()) named = named.map(([name, array]) => [name.slice(front(name).length), array]);
  return new Map(named);
}

/** The axes of a layer on one-hot inputs, where two layers are there by usual names. */
function oneHotAxes(arrays) {
  for (const [first, second] of ONE_HOT) {
    const [into, out] = [first, second].map((layer) => [`${layer}.weight`, layer].find((name) => arrays.has(name)));
    if (!into || !out) continue;
    const sideBySide = arrays.get(into).shape[1] !== arrays.get(out).shape[0];
    return [{ [into]: sideBySide ? "neuron 2*n" : "neuron n", [out]: "n neuron",
      [arrays.has("b_in") ? "b_in" : `${first}.bias`]: "neuron", [arrays.has("b_out") ? "b_out" : `${second}.bias`]: "n" }];
  }
  return [];
}

/** The sizes of axes, from shapes that fit each other. */
function sizesOf(axes, arrays) {
  const sizes = {}, from = {};
  for (const [name, words] of Object.entries(axes)) {
    const shape = arrays.get(name)?.shape, parts = words.split(" ");
    if (!shape) continue;
    if (shape.length !== parts.length) refuse(`${name} has ${shape.length} axes, not ${parts.length}`);
    parts.forEach((part, i) => {
      const [axis, factor] = part.split("*").reverse(), size = shape[i] / Number(factor ?? 1);
      sizes[axis] ??= size;
      from[axis] ??= name;
      if (sizes[axis] !== size || !Number.isInteger(size) || !size)
        refuse(`the shapes of ${from[axis]} and ${name} do not fit each other`);
    });
  }
  return sizes;
}

/** The layout's name, its axes and their sizes; anything else is refused. */
function recognised(arrays) {
  const [oneHot] = oneHotAxes(arrays);
  const all = { ...LAYOUTS, ...(oneHot && { one_hot_mlp: [oneHot, Object.keys(oneHot).filter((name) => !oneHot[name].includes(" "))] }) };
  const fitting = Object.entries(all).filter(([, [axes, open]]) =>
    [...arrays.keys()].every((name) => Object.hasOwn(axes, name)) && Object.keys(axes).every((name) => arrays.has(name) || open.includes(name)));
  if (!fitting.length) refuse(`its arrays are called ${[...arrays.keys()].slice(0, 6).join(", ").slice(0, 120) || "nothing"}, a layout that this page does not know`);
  // alpha and delta have one set of names: delta's first layer has twice the inputs.
  const wide = fitting.length > 1 && arrays.get("l1.weight").shape[1] !== arrays.get("embed.weight").shape[1];
  const [layout, [axes]] = fitting[wide ? 1 : 0];
  return { layout, sizes: sizesOf(axes, arrays) };
}

/** The product of (n, inner) rows with weights that lie at `at(i, j)`: (n, neuron). */
function product(rows, n, inner, k, weights, at) {
  const into = new Float64Array(n * k);
  for (let j = 0; j < k; j++)
    for (let x = 0; x < n; x++) {
      let sum = 0;
      for (let i = 0; i < inner; i++) sum += rows[x * inner + i] * weights[at(i, j)];
      into[x * k + j] = sum;
    }
  return into;
}

const turned = (rows, height, width) =>
  Float64Array.from(rows, (_, at) => rows[(at % height) * width + Math.floor(at / height)]);

/** What neurons hear of a and of b; `embeds`: the embeddings, none where inputs are one-hot. */
function heardOf(layout, arrays, { n, neuron: k, embed: e }) {
  const of = (name) => arrays.get(name).values;
  if (layout === "arrays") return { preA: of("preact_a"), preB: of("preact_b"), embeds: [] };
  if (layout === "one_hot_mlp") {
    const [into] = Object.keys(oneHotAxes(arrays)[0]), wide = arrays.get(into).shape[1], rows = turned(of(into), k, wide);
    return { preA: rows.slice(0, n * k), preB: rows.slice(wide * k - n * k), embeds: [] };
  }
  const [first, second, weights] = { two_embedding_mlp: ["embed_a.weight", "embed_b.weight", "hidden.weight"],
    chughtai_mlp: ["W_x", "W_y", "W"] }[layout] ?? ["embed.weight", "embed.weight", "l1.weight"];
  const width = layout === "zhong_alpha" ? e : 2 * e;
  const at = layout === "chughtai_mlp" ? (i, j) => i * k + j : (i, j) => j * width + i;
  return { preA: product(of(first), n, e, k, of(weights), at), embeds: [...new Set([of(first), of(second)])],
    preB: product(of(second), n, e, k, of(weights), (i, j) => at(width - e + i, j)) };
}

/** A network's tables from the arrays of a file. Raises `Refused`. */
function tablesOf(file) {
  const arrays = plainNames(file), { layout, sizes } = recognised(arrays), { n, neuron: k } = sizes;
  if (n < 3 || n > MOST_N || n ** 3 * k > MOST_WORK) refuse(`n = ${n} with ${k} neurons is too large for a page, or too small`);
  const named = (...names) => names.map((name) => arrays.get(name)?.values).find(Boolean);
  const layers = layout === "one_hot_mlp" ? Object.keys(oneHotAxes(arrays)[0]) : [];
  const inRows = named("w_out", "W_U"); // (neuron, n), where the others are (n, neuron)
  return { layout, n, k, ...heardOf(layout, arrays, sizes),
    bias: named("hidden.bias", "l1.bias", "b_in", layers[2]) ?? new Float64Array(k),
    out: inRows ?? turned(named("unembed.weight", layers[1]), n, k),
    biasOut: named("unembed.bias", "b_out", layers[3]) ?? new Float64Array(n) };
}
