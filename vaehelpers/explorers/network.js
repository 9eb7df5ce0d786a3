// A dense VAE, pixels - hidden - latents - hidden - pixels, in plain arrays: one flat Float32Array
// a matrix, row by row. Its loss, the gradients of the loss by hand, and Adam.

export function mulberry(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export function normals(random, n) {
  const values = new Float32Array(n);
  for (let i = 0; i < n; i += 2) {
    const radius = Math.sqrt(-2 * Math.log(1 - random()));
    const angle = 2 * Math.PI * random();
    values[i] = radius * Math.cos(angle);
    if (i + 1 < n) values[i + 1] = radius * Math.sin(angle);
  }
  return values;
}

// Weights as Keras draws them: uniform within sqrt(6 / (inputs + outputs)), biases 0.
export function makeWeights(sizes, random) {
  const { pixels, hidden, latents } = sizes;
  const dense = (rows, columns) => {
    const limit = Math.sqrt(6 / (rows + columns));
    return Float32Array.from({ length: rows * columns }, () => limit * (2 * random() - 1));
  };
  return {
    w1: dense(pixels, hidden),
    b1: new Float32Array(hidden),
    wm: dense(hidden, latents),
    bm: new Float32Array(latents),
    wv: dense(hidden, latents),
    bv: new Float32Array(latents),
    w3: dense(latents, hidden),
    b3: new Float32Array(hidden),
    w4: dense(hidden, pixels),
    b4: new Float32Array(pixels),
  };
}

// out = a b + bias, for a of n rows; zeros of a cost nothing, and most pixels are black.
export function affine(a, b, bias, n) {
  const columns = bias.length;
  const inner = b.length / columns;
  const out = new Float32Array(n * columns);
  for (let i = 0; i < n; i++) {
    const start = i * columns;
    for (let j = 0; j < columns; j++) out[start + j] = bias[j];
    for (let k = 0; k < inner; k++) {
      const value = a[i * inner + k];
      if (value === 0) continue;
      const row = k * columns;
      for (let j = 0; j < columns; j++) out[start + j] += value * b[row + j];
    }
  }
  return out;
}

// Four sums side by side: one alone would wait for each addition.
function dot(a, from, b, start, n) {
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  let j = 0;
  for (; j + 3 < n; j += 4) {
    s0 += a[from + j] * b[start + j];
    s1 += a[from + j + 1] * b[start + j + 1];
    s2 += a[from + j + 2] * b[start + j + 2];
    s3 += a[from + j + 3] * b[start + j + 3];
  }
  for (; j < n; j++) s0 += a[from + j] * b[start + j];
  return s0 + s1 + s2 + s3;
}

// The gradients of out = a b + bias from that of out: for b, for bias and, where asked, for a.
export function affineGradients(a, b, gradient, n, forA) {
  const columns = gradient.length / n;
  const inner = a.length / n;
  const gb = new Float32Array(b.length);
  const gbias = new Float32Array(columns);
  const ga = forA ? new Float32Array(a.length) : null;
  for (let i = 0; i < n; i++) {
    const start = i * columns;
    for (let j = 0; j < columns; j++) gbias[j] += gradient[start + j];
    for (let k = 0; k < inner; k++) {
      const row = k * columns;
      const value = a[i * inner + k];
      if (value !== 0) {
        for (let j = 0; j < columns; j++) gb[row + j] += value * gradient[start + j];
      }
      if (forA) ga[i * inner + k] = dot(b, row, gradient, start, columns);
    }
  }
  return [gb, gbias, ga];
}

export function relu(values) {
  for (let i = 0; i < values.length; i++) if (values[i] < 0) values[i] = 0;
  return values;
}

export function throughRelu(gradient, activations) {
  for (let i = 0; i < gradient.length; i++) if (activations[i] === 0) gradient[i] = 0;
  return gradient;
}

export function sigmoid(logit) {
  return 1 / (1 + Math.exp(-logit));
}

export function encode(w, x, n) {
  const h = relu(affine(x, w.w1, w.b1, n));
  return { h, mean: affine(h, w.wm, w.bm, n), logVar: affine(h, w.wv, w.bv, n) };
}

export function decode(w, z, n) {
  const g = relu(affine(z, w.w3, w.b3, n));
  return { g, logits: affine(g, w.w4, w.b4, n) };
}

// What the settings weigh: `a` the error summed over pixels, `c` the KL summed over latents.
export function weightsOf(settings, pixels, latents) {
  return {
    a: settings.pixels === "mean" ? 1 / pixels : 1,
    c: settings.weight * (settings.latents === "mean" ? 1 / latents : 1),
  };
}

// The beta that these settings train: weight of the KL over weight of -log p(x|z). A squared error
// is twice -log p of a normal distribution of variance 1.
export function betaOf(settings, pixels, latents) {
  const { a, c } = weightsOf(settings, pixels, latents);
  return c / (a * (settings.error === "squared" ? 2 : 1));
}

// Error and KL, each summed, mean over the batch; and the gradient of a * error for the logits.
export function terms(x, codes, logits, n, settings, a) {
  let error = 0;
  const gradient = new Float32Array(logits.length);
  for (let i = 0; i < logits.length; i++) {
    const p = sigmoid(logits[i]);
    const apart = p - x[i];
    if (settings.error === "squared") {
      error += apart * apart;
      gradient[i] = (a / n) * 2 * apart * p * (1 - p);
    } else {
      const l = logits[i];
      error += Math.max(l, 0) - l * x[i] + Math.log1p(Math.exp(-Math.abs(l)));
      gradient[i] = (a / n) * apart;
    }
  }
  let kl = 0;
  const { mean, logVar } = codes;
  for (let i = 0; i < mean.length; i++) {
    kl += 0.5 * (Math.exp(logVar[i]) + mean[i] * mean[i] - 1 - logVar[i]);
  }
  return { error: error / n, kl: kl / n, gradient };
}

// Loss, both terms and all gradients, for n images x and the noise of their codes.
export function gradients(w, x, noise, n, settings) {
  const pixels = x.length / n;
  const latents = noise.length / n;
  const { a, c } = weightsOf(settings, pixels, latents);
  const codes = encode(w, x, n);
  const z = new Float32Array(noise.length);
  for (let i = 0; i < z.length; i++)
    z[i] = codes.mean[i] + Math.exp(codes.logVar[i] / 2) * noise[i];
  const { g, logits } = decode(w, z, n);
  const { error, kl, gradient } = terms(x, codes, logits, n, settings, a);
  const [w4, b4, dg] = affineGradients(g, w.w4, gradient, n, true);
  const [w3, b3, dz] = affineGradients(z, w.w3, throughRelu(dg, g), n, true);
  const dMean = new Float32Array(dz.length);
  const dLogVar = new Float32Array(dz.length);
  for (let i = 0; i < dz.length; i++) {
    const variance = Math.exp(codes.logVar[i]);
    dMean[i] = dz[i] + (c / n) * codes.mean[i];
    dLogVar[i] = 0.5 * dz[i] * Math.sqrt(variance) * noise[i] + (c / n) * 0.5 * (variance - 1);
  }
  const [wm, bm, dhMean] = affineGradients(codes.h, w.wm, dMean, n, true);
  const [wv, bv, dhLogVar] = affineGradients(codes.h, w.wv, dLogVar, n, true);
  for (let i = 0; i < dhMean.length; i++) dhMean[i] += dhLogVar[i];
  const [w1, b1] = affineGradients(x, w.w1, throughRelu(dhMean, codes.h), n, false);
  const found = { w1, b1, wm, bm, wv, bv, w3, b3, w4, b4 };
  return { loss: a * error + c * kl, error, kl, gradients: found };
}

export function makeAdam(w) {
  const zeros = () =>
    Object.fromEntries(Object.entries(w).map(([name, v]) => [name, new Float32Array(v.length)]));
  return { first: zeros(), second: zeros(), steps: 0 };
}

// One step of Adam as in Keras: moments 0.9 and 0.999, epsilon 1e-7.
export function adamStep(w, found, adam, rate) {
  adam.steps += 1;
  const scale = (rate * Math.sqrt(1 - 0.999 ** adam.steps)) / (1 - 0.9 ** adam.steps);
  for (const name of Object.keys(w)) {
    const [values, g] = [w[name], found[name]];
    const [m, v] = [adam.first[name], adam.second[name]];
    for (let i = 0; i < values.length; i++) {
      m[i] += 0.1 * (g[i] - m[i]);
      v[i] += 0.001 * (g[i] * g[i] - v[i]);
      values[i] -= (scale * m[i]) / (Math.sqrt(v[i]) + 1e-7);
    }
  }
}

// Training that goes on in slices: `run(milliseconds)` trains that long and says where it is.
export function makeTrainer(images, sizes, settings, seed) {
  const random = mulberry(seed);
  const w = makeWeights(sizes, random);
  const adam = makeAdam(w);
  const count = images.length / sizes.pixels;
  const trainer = { w, settings, steps: 0, average: null };
  trainer.step = () => {
    const batch = new Float32Array(sizes.batch * sizes.pixels);
    for (let i = 0; i < sizes.batch; i++) {
      const from = Math.floor(random() * count) * sizes.pixels;
      batch.set(images.subarray(from, from + sizes.pixels), i * sizes.pixels);
    }
    const noise = normals(random, sizes.batch * sizes.latents);
    const found = gradients(w, batch, noise, sizes.batch, trainer.settings);
    adamStep(w, found.gradients, adam, trainer.settings.rate);
    trainer.steps += 1;
    const keep = trainer.average === null ? 0 : 0.95;
    const old = trainer.average ?? { loss: 0, error: 0, kl: 0 };
    const mix = (name) => keep * old[name] + (1 - keep) * found[name];
    trainer.average = { loss: mix("loss"), error: mix("error"), kl: mix("kl") };
  };
  trainer.run = (milliseconds) => {
    const end = performance.now() + milliseconds;
    do trainer.step();
    while (performance.now() < end);
  };
  return trainer;
}

// All that training needs, for a worker that is made of their text.
export const PARTS = [
  mulberry,
  normals,
  makeWeights,
  affine,
  dot,
  affineGradients,
  relu,
  throughRelu,
  sigmoid,
  encode,
  decode,
  weightsOf,
  terms,
  gradients,
  makeAdam,
  adamStep,
  makeTrainer,
];
