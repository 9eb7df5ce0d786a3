// The playground: two VAEs trained side by side in the page, on real digits, under settings that
// the reader turns. What is said about beta is computed as the audit computes it.
import { betaOf } from "./network.js";
import { digitsFrom, drawCurves, drawDigits, drawPlane } from "./draw.js";
import { openSession } from "./session.js";

const SIZES = { pixels: 784, hidden: 64, latents: 2, batch: 32 };
const SIDE = 28;
const START = { error: "bernoulli", pixels: "sum", latents: "mean", weight: 1 };
const RATES = [0.001, 0.002, 0.005, 0.01];
const SITUATIONS = {
  "the question: with 784, and without": [START, { ...START, pixels: "mean" }],
  "both terms summed, and both averaged": [
    { ...START, latents: "sum" },
    { ...START, pixels: "mean" },
  ],
  "a mean over pixels, the KL summed": [
    { ...START, latents: "sum" },
    { ...START, pixels: "mean", latents: "sum" },
  ],
  "half and twice the threshold": [
    { ...START, latents: "sum", weight: 16 },
    { ...START, latents: "sum", weight: 64 },
  ],
};

export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

// Three significant digits, more for whole numbers, as the audit writes them.
export function written(value) {
  const whole = value >= 1 && Math.abs(value - Math.round(value)) < 1e-3 * value;
  return whole ? String(Math.round(value)) : String(Number(value.toPrecision(3)));
}

// The settings as a short text for the address, and back; what cannot be read is left as it was.
export function toText(state) {
  const one = (s) => [s.error, s.pixels, s.latents, s.weight].join(",");
  return `a=${one(state.settings[0])}&b=${one(state.settings[1])}&rate=${state.rate}`;
}

export function fromText(text, state) {
  const found = new URLSearchParams(text.replace(/^#/, ""));
  ["a", "b"].forEach((name, k) => {
    const [error, pixels, latents, weight] = (found.get(name) ?? "").split(",");
    const known =
      ["bernoulli", "squared"].includes(error) &&
      [pixels, latents].every((reduction) => ["sum", "mean"].includes(reduction)) &&
      Number(weight) >= 0;
    if (known) state.settings[k] = { error, pixels, latents, weight: Number(weight) };
  });
  if (RATES.includes(Number(found.get("rate")))) state.rate = Number(found.get("rate"));
  return state;
}

// Which of the three answers holds at a beta, of the digits on the page.
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

function choice(label, options, value, onChange) {
  const select = element("select", { onchange: () => onChange(select.value) });
  for (const [name, text] of Object.entries(options)) {
    select.append(element("option", { value: name }, text));
  }
  select.value = value;
  select.dataset.lmSuppressShortcuts = "true";
  return [element("label", {}, label, select), select];
}

const REDUCTIONS = { sum: "sum", mean: "mean" };
const ERRORS = { bernoulli: "cross-entropy", squared: "squared error" };

// The four things that a loss may differ in; `set` writes settings into them.
function makeControls(settings, change) {
  const asked = {
    error: choice("error", ERRORS, settings.error, (error) => change({ error })),
    pixels: choice("over 784 pixels", REDUCTIONS, settings.pixels, (pixels) => change({ pixels })),
    latents: choice("KL over 2 latents", REDUCTIONS, settings.latents, (latents) =>
      change({ latents }),
    ),
  };
  const weight = element("input", { type: "number", min: "0", step: "any" });
  weight.dataset.lmSuppressShortcuts = "true";
  weight.addEventListener("input", () => {
    if (weight.value !== "" && Number(weight.value) >= 0) change({ weight: Number(weight.value) });
  });
  const labels = Object.values(asked).map(([label]) => label);
  const weighted = element("label", {}, "weight on the KL", weight);
  const set = (values) => {
    for (const [name, [, select]] of Object.entries(asked)) select.value = values[name];
    if (document.activeElement !== weight) weight.value = values.weight;
  };
  return { root: element("div", { class: "controls" }, ...labels, weighted), set };
}

// What is said about settings: their beta, what the data say of it, and the lines that train beta 1.
function makeVerdict(data) {
  const beta = element("p", { class: "beta", "aria-live": "polite" });
  const answer = element("p", { class: "answer" });
  const code = element("pre");
  const copy = element("button", { type: "button" }, "copy");
  copy.addEventListener("click", () => navigator.clipboard?.writeText(code.textContent));
  const summary = element("summary", {}, "the lines that train beta 1");
  const say = (settings) => {
    const trained = betaOf(settings, SIZES.pixels, SIZES.latents);
    beta.textContent = `These settings train beta = ${written(trained)}.`;
    const found = answerAt(trained, data.thresholds[settings.error], data.answers);
    answer.textContent = `On these digits: ${found}.`;
    code.textContent = cureOf(settings);
  };
  return { said: [beta, answer], cure: element("details", {}, summary, code, copy), say };
}

// Digits and what comes back, the two terms over the steps, codes on the plane; each says its value.
function makePictures(name, data) {
  const digits = element("canvas", { role: "img", class: "digits" });
  const curves = element("canvas", { role: "img", width: 220, height: 160 });
  const plane = element("canvas", { role: "img", width: 200, height: 200 });
  const steps = element("p", { class: "steps" });
  const history = [];
  const show = (settings, { steps: done, average, images, plane: codes }) => {
    drawDigits(digits, [data.tests, images], SIDE);
    drawPlane(plane, codes, data.planeLabels);
    if (average) history.push({ steps: done, error: average.error, kl: average.kl });
    const top = settings.error === "squared" ? 110 : 550;
    drawCurves(curves, history, [
      { key: "error", label: "error", top },
      { key: "kl", label: "KL", top: 12 },
    ]);
    const values = average && `error ${average.error.toFixed(0)}, KL ${average.kl.toFixed(2)} nats`;
    steps.textContent = values ? `${done} steps: ${values} an image` : "not trained yet";
    const labels = [
      [digits, `ten test digits, and what network ${name} draws for them after ${done} steps`],
      [curves, `error and KL over the steps: ${values ?? "none yet"}`],
      [plane, `codes of ${data.planeLabels.length} digits of network ${name} on the plane`],
    ];
    labels.forEach(([canvas, label]) => canvas.setAttribute("aria-label", label));
  };
  const nodes = [digits, steps, element("div", { class: "beside" }, curves, plane)];
  return { nodes, show, forget: () => (history.length = 0) };
}

// One network: its controls, its pictures, what is said about it, and its training.
function makePanel(name, data, settings, onChange) {
  const verdict = makeVerdict(data);
  const pictures = makePictures(name, data);
  const controls = makeControls(settings, (values) => {
    Object.assign(settings, values);
    verdict.say(settings);
    onChange();
  });
  const session = openSession((at) => pictures.show(settings, at));
  const begin = (rate, run) => {
    pictures.forget();
    const { images, tests, plane, seed } = data;
    const given = { images, tests, plane, sizes: SIZES, seed };
    session.tell({ given, settings: { ...settings, rate }, run });
    controls.set(settings);
    verdict.say(settings);
  };
  const parts = [controls.root, ...verdict.said, ...pictures.nodes, verdict.cure];
  const title = element("h2", {}, `Network ${name}`);
  return {
    root: element("section", { "aria-label": `network ${name}` }, title, ...parts),
    session,
    begin,
  };
}

function prepare(raw) {
  const images = digitsFrom(raw.images, raw.count, SIZES.pixels);
  const tests = digitsFrom(raw.tests, raw.testCount, SIZES.pixels);
  const plane = images.slice(0, raw.labels.length * SIZES.pixels);
  return { ...raw, images, tests, plane, planeLabels: raw.labels };
}

export function mountPlayground(root, raw) {
  const data = prepare(raw);
  const first = SITUATIONS[Object.keys(SITUATIONS)[0]].map((settings) => ({ ...settings }));
  const state = fromText(location.hash, { settings: first, rate: 0.005 });
  let running = false;
  const remember = () => history.replaceState(null, "", `#${toText(state)}`);
  const tell = () => {
    remember();
    panels.forEach(({ session }, k) =>
      session.tell({ settings: { ...state.settings[k], rate: state.rate } }),
    );
  };
  const begin = () => panels.forEach((panel) => panel.begin(state.rate, running));
  const panels = state.settings.map((s, k) => makePanel("AB"[k], data, s, tell));
  const start = element("button", { type: "button", class: "start" }, "Train both");
  start.addEventListener("click", () => {
    running = !running;
    start.textContent = running ? "Pause" : "Go on";
    panels.forEach(({ session }) => session.tell({ run: running }));
  });
  const again = element("button", { type: "button", onclick: begin }, "Start over");
  const bar = [start, again, ...makeBar(state, { tell, begin, remember })];
  const both = element("div", { class: "panels" }, ...panels.map((panel) => panel.root));
  root.append(element("div", { class: "bar" }, ...bar), both);
  begin();
  return () => panels.forEach(({ session }) => session.close());
}

// What both networks share: a situation, which starts over, and the learning rate.
function makeBar(state, { tell, begin, remember }) {
  const rates = Object.fromEntries(RATES.map((rate) => [rate, String(rate)]));
  const [rate] = choice("learning rate", rates, String(state.rate), (value) => {
    state.rate = Number(value);
    tell();
  });
  const names = Object.fromEntries(Object.keys(SITUATIONS).map((name) => [name, name]));
  const [situation] = choice("situation", { "": "choose one", ...names }, "", (name) => {
    if (!name) return;
    state.settings.forEach((settings, k) => Object.assign(settings, SITUATIONS[name][k]));
    remember();
    begin();
  });
  return [situation, rate];
}
