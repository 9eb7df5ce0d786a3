// Trained decoders, 2-128-784, kept as 16-bit floats and made ready when one is asked for.
import { decode, sigmoid } from "./network.js";

const [LATENTS, HIDDEN, PIXELS] = [2, 128, 784];
const SHAPES = { w3: LATENTS * HIDDEN, b3: HIDDEN, w4: HIDDEN * PIXELS, b4: PIXELS };
const SIZE = Object.values(SHAPES).reduce((sum, n) => sum + n, 0);

export function fromHalf(bits) {
  const [sign, exponent, rest] = [bits & 0x8000 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
  if (exponent === 0) return sign * rest * 2 ** -24;
  return sign * (1 + rest / 1024) * 2 ** (exponent - 15);
}

// `bytes` is a DataView on the weights of all networks, one after the other, little-endian.
export function makeDecoders(bytes) {
  const ready = new Map();
  const weightsOf = (i) => {
    if (ready.has(i)) return ready.get(i);
    let at = i * SIZE;
    const weights = {};
    for (const [name, n] of Object.entries(SHAPES)) {
      weights[name] = new Float32Array(n);
      for (let k = 0; k < n; k++) weights[name][k] = fromHalf(bytes.getUint16(2 * (at + k), true));
      at += n;
    }
    ready.set(i, weights);
    return weights;
  };
  const images = (i, z) => decode(weightsOf(i), z, z.length / LATENTS).logits.map(sigmoid);
  return { count: bytes.byteLength / (2 * SIZE), images };
}

export function bytesOf(base64) {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return new DataView(bytes.buffer);
}
