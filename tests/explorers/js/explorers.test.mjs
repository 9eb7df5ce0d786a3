// The explorers' arithmetic: decoders against NumPy's, states as texts, terms that add up.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { between, readState, stateText } from "../../../vaehelpers/explorers/controls.js";
import { bytesOf, fromHalf, makeDecoders } from "../../../vaehelpers/explorers/decoder.js";
import { splitOf } from "../../../vaehelpers/explorers/elbo_explorer.js";
import { namedBeta } from "../../../vaehelpers/explorers/grid.js";

test("half floats: zero, one, the largest, the smallest, negative", () => {
  const bits = [0x0000, 0x3c00, 0x7bff, 0x0001, 0xc100];
  assert.deepEqual(bits.map(fromHalf), [0, 1, 65504, 2 ** -24, -2.5]);
});

test("decoders draw what NumPy draws", { skip: !process.env.DECODED }, () => {
  const { weights, count, cases } = JSON.parse(readFileSync(process.env.DECODED, "utf8"));
  const decoders = makeDecoders(bytesOf(weights));
  assert.equal(decoders.count, count);
  for (const { i, z, pixels } of cases) {
    const drawn = decoders.images(i, Float32Array.from(z));
    const apart = pixels.map((value, k) => Math.abs(value - drawn[k]));
    assert.ok(Math.max(...apart) < 1e-3, `network ${i}: ${Math.max(...apart)}`);
  }
});

test("a state goes into a text and comes back, and nonsense changes nothing", () => {
  const state = { mean: 0.5, pixels: "sum" };
  const limits = { mean: between(-2, 2), pixels: (text) => ["sum", "mean"].includes(text) };
  assert.deepEqual(readState(stateText(state), { mean: 0, pixels: "mean" }, limits), state);
  for (const text of ["", "mean=", "mean=x", "mean=3&pixels=all", "%%%", "mean"]) {
    assert.deepEqual(readState(text, state, limits), state, text);
  }
});

test("a beta that is not stored is the nearest", () => {
  const data = { betas: [0.5, 1, 22.56, 392] };
  assert.deepEqual([1, 0.001, 30, 1e6].map((beta) => namedBeta(data, beta)), [1, 0.5, 22.56, 392]);
});

test("a likelihood of some thousand pixels does not underflow", () => {
  const z = Array.from({ length: 2001 }, (_, k) => -10 + k / 100);
  const bend = (shift) => z.map((v) => shift - 0.5 * (v - 1) ** 2);
  const [near, far] = [0, -1000].map((shift) => splitOf({ z, logLikelihood: bend(shift) }, 0, 1));
  assert.ok(Math.abs(far.gap - near.gap) < 1e-6 && Math.abs(far.evidence - near.evidence + 1000) < 1e-6);
});

test("log p(x) is ELBO plus gap; with the posterior as q the gap is 0", () => {
  const z = Array.from({ length: 1201 }, (_, k) => -6 + k / 100);
  const logLikelihood = z.map((v) => -0.5 * ((v - 1) / 0.5) ** 2); // posterior: N(0.8, 0.2)
  const poor = splitOf({ z, logLikelihood }, 0, 0.5);
  const best = splitOf({ z, logLikelihood }, 0.8, Math.sqrt(0.2));
  assert.ok(Math.abs(best.gap) < 1e-6 && poor.gap > 1);
  // KL(N(0, 0.25) || N(0.8, 0.2)), in closed form
  const gap = 0.5 * (0.25 / 0.2 + 0.8 ** 2 / 0.2 - 1 - Math.log(0.25 / 0.2));
  assert.ok(Math.abs(poor.gap - gap) < 1e-6);
  assert.ok(Math.abs(poor.rate - 0.5 * (0.25 - 1 - Math.log(0.25))) < 1e-6);
});
