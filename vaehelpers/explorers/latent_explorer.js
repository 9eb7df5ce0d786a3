// Point at the latent plane and see the digit that a trained decoder draws there.
import { choice, control, element, readState, slider, stateText, written } from "./controls.js";
import { REACH, drawDigits, drawPlane } from "./draw.js";
import { SIDE, namedBeta, prepareGrid } from "./grid.js";

const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
const clipped = (value) => Math.max(-REACH, Math.min(REACH, Math.round(100 * value) / 100));

// A plane to point at: mouse, touch or the arrow keys, with Shift in large steps.
function makePlane(onPoint) {
  const canvas = control("canvas", {
    width: 320,
    height: 320,
    tabindex: 0,
    role: "slider",
    "aria-label": "code on the latent plane, arrow keys move it",
    "aria-valuemin": -REACH,
    "aria-valuemax": REACH,
    class: "plane",
  });
  let z = [0, 0];
  const point = (event) => {
    const box = canvas.getBoundingClientRect();
    const x = (event.clientX - box.left) / box.width - 0.5;
    const y = 0.5 - (event.clientY - box.top) / box.height;
    onPoint([x, y].map((part) => clipped(2 * REACH * part)));
  };
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    point(event);
  });
  canvas.addEventListener("pointermove", (event) => event.buttons && point(event));
  canvas.addEventListener("keydown", (event) => {
    if (!STEPS[event.key]) return;
    event.preventDefault();
    const far = event.shiftKey ? 0.5 : 0.1;
    onPoint(z.map((value, k) => clipped(value + far * STEPS[event.key][k])));
  });
  const draw = (codes, labels, at) => {
    z = at;
    drawPlane(canvas, codes, labels, at);
    canvas.setAttribute("aria-valuenow", at[0]);
    canvas.setAttribute("aria-valuetext", `z = (${at.join(", ")})`);
  };
  return { canvas, draw };
}

const isCode = (text) =>
  text.split(",").length === 2 && text.split(",").every((part) => Math.abs(part) <= REACH);

const CODE_LIMITS = { beta: (text) => Number(text) > 0, z: isCode };

// From one digit to another along a line: `onWalk` is told the place.
function makeWay(codesOf, labels, onWalk) {
  const ends = { from: 0, to: 1 };
  const digits = Object.fromEntries(labels.slice(0, 10).map((one, k) => [String(k), String(one)]));
  const walk = (share) => {
    const codes = codesOf();
    const at = (k) => (1 - share) * codes[2 * ends.from + k] + share * codes[2 * ends.to + k];
    dial.set(share);
    onWalk([clipped(at(0)), clipped(at(1))]);
  };
  const asked = Object.keys(ends).map((name) =>
    choice(`${name} digit`, digits, String(ends[name]), (one) => {
      ends[name] = Number(one);
      walk(name === "to" ? 1 : 0);
    }),
  );
  const share = (value) => `${Math.round(100 * value)} %`;
  const dial = slider("on the way", { min: 0, max: 1, step: 0.02, value: 0 }, share, walk);
  dial.set(0);
  return element("div", { class: "bar" }, ...asked.map(([label]) => label), dial.root);
}

export function mountLatentExplorer(root, raw, text, onState) {
  const data = prepareGrid(raw);
  const state = { beta: 1, z: [0, 0] };
  const digit = element("canvas", { role: "img", class: "digit" });
  const line = element("p", { "aria-live": "polite" });
  const codes = () => data.codes[data.betas.indexOf(state.beta)];
  const show = () => {
    plane.draw(codes(), data.labels, state.z);
    const image = data.images(data.betas.indexOf(state.beta), Float32Array.from(state.z));
    drawDigits(digit, [image], SIDE);
    const at = `z = (${state.z.join(", ")})`;
    digit.setAttribute("aria-label", `what the decoder draws at ${at}`);
    line.textContent =
      `What the decoder of beta ${written(state.beta)} draws at ${at}. Drag the cross, ` +
      "or move it by the arrow keys.";
    beta.value = String(state.beta);
  };
  const move = (changed) => {
    Object.assign(state, changed);
    show();
    onState(stateText({ beta: state.beta, z: state.z.join(",") }));
  };
  const plane = makePlane((z) => move({ z }));
  const way = makeWay(codes, data.labels, (z) => move({ z }));
  const named = Object.fromEntries(data.betas.map((one) => [String(one), written(one)]));
  const [label, beta] = choice("beta", named, "1", (one) => move({ beta: Number(one) }));
  const set = (wanted) => {
    const read = readState(wanted, { beta: 1, z: "0,0" }, CODE_LIMITS);
    state.beta = namedBeta(data, read.beta);
    state.z = read.z.split(",").map((part) => clipped(Number(part)));
    show();
  };
  const beside = element("div", { class: "beside" }, plane.canvas, digit);
  root.append(element("div", { class: "bar" }, label), beside, line, way);
  set(text);
  return { set, redraw: show };
}
