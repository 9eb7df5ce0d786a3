// Slide beta over the stored networks: what they rebuild and draw, their codes, both terms.
import { answerAt } from "./betas.js";
import { drawChart } from "./charts.js";
import { control, element, readState, slider, stateText, written } from "./controls.js";
import { drawDigits, drawPlane } from "./draw.js";
import { SIDE, namedBeta, prepareGrid } from "./grid.js";

const PRESETS = [0.5, 1, 392, 784];

function drawRate(canvas, data, i) {
  const points = data.betas.map((beta, k) => [beta, data.rate[k]]);
  drawChart(canvas, {
    x: { label: "beta", low: 0.07, high: 1100, log: true, ticks: [0.1, 1, 10, 100, 784] },
    y: { label: "rate (nats)", low: 0, high: 14, ticks: [0, 5, 10] },
    series: [{ points }, { points, dots: true }],
    marks: [data.thresholds.bernoulli.local, data.thresholds.bernoulli.noCode],
    here: points[i],
  });
}

function drawPlaneOfTerms(canvas, data, i) {
  const points = data.rate.map((rate, k) => [rate, data.distortion[k]]);
  drawChart(canvas, {
    x: { label: "rate (nats)", low: -0.5, high: 14, ticks: [0, 5, 10] },
    y: { label: "distortion (nats)", low: 135, high: 215, ticks: [140, 160, 180, 200] },
    series: [{ points }, { points, dots: true }],
    here: points[i],
  });
}

function sentences(data, i) {
  const [beta, rate, distortion] = [data.betas[i], data.rate[i], data.distortion[i]];
  const { local, noCode } = data.thresholds.bernoulli;
  return [
    `beta = ${written(beta)}: rate ${rate.toFixed(2)} + distortion ${distortion.toFixed(1)} = ` +
      `${(rate + distortion).toFixed(1)} nats, minus the ELBO, on 10,000 test digits.`,
    `Dashed lines, computed from the ${data.count} training digits: above ${written(local)} ` +
      `collapse is a local optimum, from ${written(noCode)} on no code of any size pays. ` +
      `At ${written(beta)}: ${answerAt(beta, data.thresholds.bernoulli, data.answers)}.`,
  ];
}

function makeViews(data) {
  const canvas = (attributes) => element("canvas", { role: "img", ...attributes });
  const digits = canvas({ class: "digits" });
  const [rate, terms] = [0, 1].map(() => canvas({ width: 290, height: 220 }));
  const plane = canvas({ width: 220, height: 220 });
  const draw = (i) => {
    drawDigits(digits, [data.tests, ...data.pictures(i)], SIDE);
    drawRate(rate, data, i);
    drawPlaneOfTerms(terms, data, i);
    drawPlane(plane, data.codes[i], data.labels);
    const beta = written(data.betas[i]);
    const said = [
      [digits, `ten test digits; what beta ${beta} rebuilds of them; ten draws from its prior`],
      [rate, `rate over beta, ${data.rate[i].toFixed(2)} nats here, with both thresholds`],
      [terms, `distortion over rate, ${data.distortion[i].toFixed(1)} nats here`],
      [plane, `codes of ${data.labels.length} test digits at beta ${beta}`],
    ];
    said.forEach(([node, label]) => node.setAttribute("aria-label", label));
  };
  const legend =
    "Rows: test digits, reconstructions, samples from the prior. Right: the codes of some " +
    "test digits; the circle is the prior's at distance 1.";
  const charts = element("div", { class: "beside" }, rate, terms, plane);
  return { nodes: [digits, element("p", { class: "steps" }, legend), charts], draw };
}

export function mountBetaExplorer(root, raw, text, onState) {
  const data = prepareGrid(raw);
  const views = makeViews(data);
  const last = data.betas.length - 1;
  const lines = [element("p", { class: "beta", "aria-live": "polite" }), element("p")];
  let i = 0;
  const show = () => {
    dial.set(i);
    buttons.forEach((b, k) => b.setAttribute("aria-pressed", PRESETS[k] === data.betas[i]));
    sentences(data, i).forEach((line, k) => (lines[k].textContent = line));
    views.draw(i);
  };
  const choose = (index) => {
    i = index;
    show();
    onState(stateText({ beta: data.betas[i] }));
  };
  const say = (k) => written(data.betas[k]);
  const dial = slider("beta", { min: 0, max: last, step: 1 }, say, choose);
  const buttons = PRESETS.map((beta) =>
    control(
      "button",
      { type: "button", onclick: () => choose(data.betas.indexOf(beta)) },
      `beta ${beta}`,
    ),
  );
  const set = (wanted) => {
    const { beta } = readState(wanted, { beta: 1 }, { beta: (text) => Number(text) > 0 });
    i = data.betas.indexOf(namedBeta(data, beta));
    show();
  };
  const bar = element("div", { class: "bar" }, dial.root, ...buttons);
  root.append(bar, ...lines, ...views.nodes);
  set(text);
  return { set, redraw: show };
}
