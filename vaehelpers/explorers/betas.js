// What a loss is made of and what follows: its beta, what the data say of it, the lines for beta 1.
import { betaOf } from "./network.js";
import { choice, control, element, number, written } from "./controls.js";

// Which of the three answers holds at a beta.
export function answerAt(beta, thresholds, answers) {
  if (beta >= thresholds.noCode) return answers[2];
  return answers[beta >= thresholds.local ? 1 : 0];
}

// The lines that train beta 1 with this error.
export function cureOf(settings) {
  const pixels =
    settings.error === "squared"
      ? "0.5 * ops.square(x - x_decoded)"
      : "ops.binary_crossentropy(x, x_decoded)";
  return (
    `error = ops.sum(ops.reshape(${pixels}, (ops.shape(x)[0], -1)), axis=1)\n` +
    "kl = 0.5 * ops.sum(ops.exp(z_log_var) + z_mean**2 - 1 - z_log_var, axis=1)\n" +
    "loss = ops.mean(error + kl)"
  );
}

export const REDUCTIONS = { sum: "sum", mean: "mean" };
export const ERRORS = { bernoulli: "cross-entropy", squared: "squared error" };

// The four things that a loss may differ in; `set` writes settings into them.
export function makeSettings(settings, names, change) {
  const reduction = (label, key) =>
    choice(label, REDUCTIONS, settings[key], (value) => change({ [key]: value }));
  const asked = {
    error: choice("error", ERRORS, settings.error, (error) => change({ error })),
    pixels: reduction(names.pixels, "pixels"),
    latents: reduction(names.latents, "latents"),
    weight: number("weight on the KL", { min: 0, step: "any" }, settings.weight, (weight) =>
      change({ weight }),
    ),
  };
  const set = (values) => {
    for (const [name, [, input]] of Object.entries(asked)) {
      if (input !== document.activeElement) input.value = values[name];
    }
  };
  const labels = Object.values(asked).map(([label]) => label);
  return { root: element("div", { class: "controls" }, ...labels), set };
}

// What is said about settings: their beta, what the data say, and the lines that train beta 1.
export function makeVerdict(judge) {
  const beta = element("p", { class: "beta", "aria-live": "polite" });
  const answer = element("p", { class: "answer" });
  const code = element("pre");
  const copy = control("button", { type: "button" }, "copy");
  copy.addEventListener("click", () => navigator.clipboard?.writeText(code.textContent));
  const summary = control("summary", {}, "the lines that train beta 1");
  const say = (settings, pixels, latents) => {
    const trained = betaOf(settings, pixels, latents);
    beta.textContent = `These settings train beta = ${written(trained)}.`;
    answer.textContent = judge(trained, settings);
    code.textContent = cureOf(settings);
  };
  return { said: [beta, answer], cure: element("details", {}, summary, code, copy), say };
}
