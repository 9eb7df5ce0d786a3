// Reductions, a weight, sizes: the beta that they train, and what the nearest stored network draws.
import { ERRORS, REDUCTIONS, answerAt, makeSettings, makeVerdict } from "./betas.js";
import { between, element, number, readState, stateText, written } from "./controls.js";
import { drawDigits } from "./draw.js";
import { SIDE, nearest, prepareGrid } from "./grid.js";
import { betaOf } from "./network.js";

const QUESTION = { error: "bernoulli", pixels: "mean", latents: "mean", weight: 1, D: 784, J: 2 };
const LOSS_LIMITS = {
  error: (text) => Object.hasOwn(ERRORS, text),
  pixels: (text) => Object.hasOwn(REDUCTIONS, text),
  latents: (text) => Object.hasOwn(REDUCTIONS, text),
  weight: between(0, 1e9),
  D: (text) => between(1, 1e8)(text) && Number.isInteger(Number(text)),
  J: (text) => between(1, 1e6)(text) && Number.isInteger(Number(text)),
};

// What the nearest stored network makes of ten test digits.
function makePicture(data) {
  const digits = element("canvas", { role: "img", class: "digits" });
  const line = element("p", { class: "steps" });
  const draw = (trained) => {
    const i = nearest(data.betas, trained);
    const beta = written(data.betas[i]);
    drawDigits(digits, [data.tests, data.pictures(i)[0]], SIDE);
    const said = `ten test digits, and what the stored network of beta ${beta} rebuilds of them`;
    digits.setAttribute("aria-label", said);
    line.textContent =
      `Below the digits, what the nearest stored network makes of them, that of beta ${beta} ` +
      "(MNIST, 2 latents, cross-entropy).";
  };
  return { nodes: [digits, line], draw };
}

export function mountReductionCalculator(root, raw, text, onState) {
  const data = prepareGrid(raw);
  const state = { ...QUESTION };
  const picture = makePicture(data);
  const verdict = makeVerdict((beta, { error, D }) =>
    D === SIDE * SIDE
      ? `On ${data.count} digits of MNIST: ${answerAt(beta, data.thresholds[error], data.answers)}.`
      : "What this does to your images, collapse.collapse_threshold(x) says.",
  );
  const show = () => {
    settings.set(state);
    sizes.forEach(([, input], k) => {
      if (input !== document.activeElement) input.value = state["DJ"[k]];
    });
    verdict.say(state, state.D, state.J);
    picture.draw(betaOf(state, state.D, state.J));
  };
  const move = (changed) => {
    Object.assign(state, changed);
    show();
    onState(stateText(state));
  };
  const names = { pixels: "error over pixels", latents: "KL over latents" };
  const settings = makeSettings(state, names, move);
  const whole = { min: 1, step: 1 };
  const sizes = [
    number("pixels (with channels)", whole, state.D, (D) => move({ D })),
    number("latents", whole, state.J, (J) => move({ J })),
  ];
  settings.root.append(...sizes.map(([label]) => label));
  const set = (wanted) => {
    Object.assign(state, readState(wanted, QUESTION, LOSS_LIMITS));
    show();
  };
  root.append(settings.root, ...verdict.said, ...picture.nodes, verdict.cure);
  set(text);
  return { set, redraw: show };
}
