// What the playground says, and that its networks live and die where it says so.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { digitsFrom } from "../../../vaehelpers/explorers/draw.js";
import { makeTrainer } from "../../../vaehelpers/explorers/network.js";
import { answerAt } from "../../../vaehelpers/explorers/betas.js";
import { written } from "../../../vaehelpers/explorers/controls.js";
import * as play from "../../../vaehelpers/explorers/playground.js";

const page = readFileSync(new URL("../../../docs/playground.html", import.meta.url), "utf8");
const data = JSON.parse(page.match(/getElementById\("playground"\), (\{.*\}), location/)[1]);
const START = { error: "bernoulli", pixels: "sum", latents: "sum", weight: 1 };

test("settings go into the address and come back", () => {
  const settings = [START, { error: "squared", pixels: "mean", latents: "mean", weight: 0.25 }];
  const text = play.toText({ settings, rate: 0.01 });
  const empty = { settings: [{ ...START }, { ...START }], rate: 0.005 };
  assert.deepEqual(play.fromText(`#${text}`, empty), { settings, rate: 0.01 });
});

test("an address that makes no sense changes nothing", () => {
  for (const text of ["", "#a=1", "#a=bernoulli,sum,sum,-1&b=x,y,z,1&rate=7", "#%%%"]) {
    const state = { settings: [{ ...START }, { ...START }], rate: 0.005 };
    assert.deepEqual(play.fromText(text, structuredClone(state)), state);
  }
});

test("which of the three answers holds", () => {
  const { bernoulli } = data.thresholds;
  const at = (beta) => data.answers.indexOf(answerAt(beta, bernoulli, data.answers));
  assert.deepEqual([0.5, 1, bernoulli.local, 100, bernoulli.noCode, 392, 784].map(at), [0, 0, 1, 1, 2, 2, 2]);
});

test("numbers are written as the audit writes them", () => {
  assert.deepEqual([392, 0.5, 1 / 784, 48.8281].map(written), ["392", "0.5", "0.00128", "48.8"]);
});

test("life at 1, collapse at 392 and 784, three seeds", () => {
  const images = digitsFrom(data.images, data.count, 784);
  const sizes = { pixels: 784, hidden: 64, latents: 2, batch: 32 };
  const kl = (settings, seed) => {
    const trainer = makeTrainer(images, sizes, { ...START, ...settings, rate: 0.005 }, seed);
    for (let k = 0; k < 120; k++) trainer.step();
    return trainer.average.kl;
  };
  for (const seed of [0, 1, 2]) {
    assert.ok(kl({}, seed) > 2, "at beta 1 the code is alive");
    assert.ok(kl({ pixels: "mean", latents: "mean" }, seed) < 0.02, "at 392 it is gone");
    assert.ok(kl({ pixels: "mean" }, seed) < 0.02, "at 784 it is gone");
  }
});
