// The network of the playground: its gradients, its betas, and that it lives and dies where it must.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import * as net from "../../../vaehelpers/explorers/network.js";

const sizes = { pixels: 12, hidden: 7, latents: 2, batch: 5 };
const base = { error: "bernoulli", pixels: "sum", latents: "sum", weight: 1, rate: 0.01 };

test("gradients are those of the loss, by central differences", () => {
  for (const settings of [
    base,
    { ...base, error: "squared", latents: "mean", weight: 3 },
    { ...base, pixels: "mean" },
  ]) {
    const random = net.mulberry(1);
    const w = net.makeWeights(sizes, random);
    const x = Float32Array.from({ length: 60 }, () => (random() < 0.3 ? 0 : random()));
    const noise = net.normals(random, 10);
    const found = net.gradients(w, x, noise, 5, settings).gradients;
    for (const name of Object.keys(w)) {
      const i = Math.floor(random() * w[name].length);
      const kept = w[name][i];
      const at = (value) => {
        w[name][i] = value;
        const { loss } = net.gradients(w, x, noise, 5, settings);
        w[name][i] = kept;
        return loss;
      };
      const h = 1e-2;
      const slope = (at(kept + h) - at(kept - h)) / (2 * h);
      assert.ok(
        Math.abs(slope - found[name][i]) < 2e-3 * (1 + Math.abs(slope)),
        `${name}: ${slope} ${found[name][i]}`,
      );
    }
  }
});

test("the betas of the question and of the example", () => {
  const beta = (change) => Math.round(1e9 * net.betaOf({ ...base, ...change }, 784, 2)) / 1e9;
  assert.equal(beta({}), 1);
  assert.equal(beta({ latents: "mean" }), 0.5);
  assert.equal(beta({ pixels: "mean" }), 784);
  assert.equal(beta({ pixels: "mean", latents: "mean" }), 392);
  assert.equal(beta({ error: "squared" }), 0.5);
  assert.equal(beta({ weight: 4 }), 4);
});

test("random numbers are uniform and normal", () => {
  const random = net.mulberry(7);
  const drawn = net.normals(random, 20000);
  const mean = drawn.reduce((sum, v) => sum + v, 0) / drawn.length;
  const variance = drawn.reduce((sum, v) => sum + v * v, 0) / drawn.length;
  assert.ok(Math.abs(mean) < 0.03 && Math.abs(variance - 1) < 0.05);
});

test("the package's gradients, same weights and noise", { skip: !process.env.GRADIENTS }, () => {
  const cases = JSON.parse(readFileSync(process.env.GRADIENTS, "utf8"));
  for (const { settings, w, x, noise, n, loss, gradients } of cases) {
    const weights = Object.fromEntries(
      Object.entries(w).map(([k, v]) => [k, Float32Array.from(v)]),
    );
    const found = net.gradients(
      weights,
      Float32Array.from(x),
      Float32Array.from(noise),
      n,
      settings,
    );
    assert.ok(Math.abs(found.loss - loss) < 1e-4 * Math.abs(loss));
    for (const [name, wanted] of Object.entries(gradients)) {
      const largest = Math.max(...wanted.map(Math.abs));
      wanted.forEach((value, i) =>
        assert.ok(Math.abs(found.gradients[name][i] - value) < 1e-4 * largest, name),
      );
    }
  }
});
