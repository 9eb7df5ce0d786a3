// The playground: two VAEs trained side by side in the page, on real digits, under settings that
// the reader turns. What is said about beta is computed as the audit computes it.
import { answerAt, makeSettings, makeVerdict } from "./betas.js";
import { between, choice, control, element } from "./controls.js";
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
      between(0, 1e9)(weight ?? "");
    if (known) state.settings[k] = { error, pixels, latents, weight: Number(weight) };
  });
  if (RATES.includes(Number(found.get("rate")))) state.rate = Number(found.get("rate"));
  return state;
}

// Digits and what comes back, both terms over the steps, codes on the plane; each says its value.
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
    steps.textContent = values
      ? `Below the digits, what comes back after ${done} steps: ${values} an image`
      : "not trained yet";
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
  const judge = (beta, { error }) =>
    `On these ${data.count} digits: ${answerAt(beta, data.thresholds[error], data.answers)}.`;
  const verdict = makeVerdict(judge);
  const say = () => verdict.say(settings, SIZES.pixels, SIZES.latents);
  const pictures = makePictures(name, data);
  const names = { pixels: "over 784 pixels", latents: "KL over 2 latents" };
  const controls = makeSettings(settings, names, (values) => {
    Object.assign(settings, values);
    say();
    onChange();
  });
  const session = openSession((at) => pictures.show(settings, at));
  const begin = (rate, run) => {
    pictures.forget();
    const { images, tests, plane, seed } = data;
    const given = { images, tests, plane, sizes: SIZES, seed };
    session.tell({ given, settings: { ...settings, rate }, run });
    controls.set(settings);
    say();
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

// `text` is the state to begin with; `onState` is told each later one.
export function mountPlayground(root, raw, text, onState) {
  const data = prepare(raw);
  const first = SITUATIONS[Object.keys(SITUATIONS)[0]].map((settings) => ({ ...settings }));
  const state = fromText(text, { settings: first, rate: 0.005 });
  let running = false;
  const remember = () => onState(toText(state));
  const tell = () => {
    remember();
    panels.forEach(({ session }, k) =>
      session.tell({ settings: { ...state.settings[k], rate: state.rate } }),
    );
  };
  const begin = () => panels.forEach((panel) => panel.begin(state.rate, running));
  const panels = state.settings.map((s, k) => makePanel("AB"[k], data, s, tell));
  const start = control("button", { type: "button", class: "start" }, "Train both");
  start.addEventListener("click", () => {
    running = !running;
    start.textContent = running ? "Pause" : "Go on";
    panels.forEach(({ session }) => session.tell({ run: running }));
  });
  const again = control("button", { type: "button", onclick: begin }, "Start over");
  const bar = [start, again, ...makeBar(state, { tell, begin, remember })];
  const both = element("div", { class: "panels" }, ...panels.map((panel) => panel.root));
  root.append(element("div", { class: "bar" }, ...bar), both);
  begin();
  return { close: () => panels.forEach(({ session }) => session.close()) };
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
