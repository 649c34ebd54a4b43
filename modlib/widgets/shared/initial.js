// The network of paper A before training, as modlib.models.mlp.initial_weights draws it.

/** A seed's first parameters, rows as PyTorch has them, rounded to float32. */
function initialWeights(seed, n, neurons, embed) {
  const single = (values) => values.map(Math.fround);
  const normal = (index) => single(philoxNormals(seed, INIT, index, n * embed));
  const uniform = (index, count, fanIn) =>
    single(philoxUniforms(seed, INIT, index, count).map((u) => (2 * u - 1) / Math.sqrt(fanIn)));
  return { embedA: normal(0), embedB: normal(1), hidden: uniform(2, 2 * embed * neurons, 2 * embed),
    bias: uniform(3, neurons, 2 * embed), unembed: uniform(4, n * neurons, neurons), biasOut: uniform(5, n, neurons) };
}
