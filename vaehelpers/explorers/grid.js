// What the explorers on trained networks share: digits, codes, decoders, and numbers for each beta.
import { makeDecoders } from "./decoder.js";
import { digitsFrom } from "./draw.js";
import { mulberry, normals } from "./network.js";

export const SIDE = 28;
const SHOWN = 10;

export function prepareGrid(raw) {
  const { images } = makeDecoders(raw.weights);
  const codes = raw.codes.map((flat) => Float32Array.from(flat));
  const tests = digitsFrom(raw.tests, SHOWN, SIDE * SIDE);
  const drawn = normals(mulberry(0), 2 * SHOWN);
  const kept = new Map();
  // Reconstructions from the codes' means, and what ten draws from the prior become.
  const pictures = (i) => {
    if (!kept.has(i)) kept.set(i, [images(i, codes[i].slice(0, 2 * SHOWN)), images(i, drawn)]);
    return kept.get(i);
  };
  return { ...raw, codes, tests, images, pictures };
}

export function nearest(betas, beta) {
  const apart = betas.map((one) => Math.abs(Math.log(one / Math.min(Math.max(beta, 1e-9), 1e9))));
  return apart.indexOf(Math.min(...apart));
}

// A beta that was named is one of the stored ones: the nearest.
export function namedBeta(data, beta) {
  return data.betas[nearest(data.betas, beta)];
}
