// Move a normal q and see log p(x), the ELBO and the gap as lengths that add up.
import { drawChart, drawLengths } from "./charts.js";
import { between, element, readState, slider, stateText } from "./controls.js";

const LOG_2PI = Math.log(2 * Math.PI);

// All terms by sums over the grid z, as the lesson has them; q is normal.
export function splitOf({ z, logLikelihood }, mean, width) {
  const step = z[1] - z[0];
  const top = Math.max(...logLikelihood); // kept out of the exponentials: an image's may be -1,000
  const normal = (value, m, s) => -0.5 * (((value - m) / s) ** 2 + LOG_2PI) - Math.log(s);
  const sum = { p: 0, distortion: 0, rate: 0 };
  const q = z.map((value, k) => {
    const [logQ, logPrior] = [normal(value, mean, width), normal(value, 0, 1)];
    const mass = step * Math.exp(logQ);
    sum.p += step * Math.exp(logLikelihood[k] - top + logPrior);
    sum.distortion -= mass * logLikelihood[k];
    sum.rate += mass * (logQ - logPrior);
    return Math.exp(logQ);
  });
  const joint = z.map((v, k) => Math.exp(logLikelihood[k] - top + normal(v, 0, 1)));
  const posterior = joint.map((value) => value / sum.p);
  const evidence = top + Math.log(sum.p);
  const { distortion, rate } = sum;
  return { q, posterior, evidence, distortion, rate, gap: evidence + distortion + rate };
}

function makePictures(data) {
  const curves = element("canvas", { role: "img", width: 380, height: 230 });
  const lengths = element("canvas", { role: "img", width: 420, height: 100 });
  curves.setAttribute("aria-label", "posterior p(z|x), and q dashed, over z");
  const points = (values) =>
    data.z.map((value, k) => [value, values[k]]).filter(([value]) => Math.abs(value) <= 2);
  const draw = ({ q, posterior, evidence, gap, distortion, rate }) => {
    drawChart(curves, {
      x: { label: "z", low: -2, high: 2, ticks: [-2, -1, 0, 1, 2] },
      y: { label: "density", low: 0, high: 4, ticks: [0, 1, 2, 3, 4] },
      series: [{ points: points(posterior) }, { points: points(q), dash: [6, 4] }],
    });
    const above = [["-log p(x)", -evidence], ["gap", gap]];
    const below = [["distortion", distortion], ["rate", rate]];
    drawLengths(lengths, [above, below], Math.max(8, distortion + rate));
    const said = [...above, ...below].map(([name, value]) => `${name} ${value.toFixed(2)}`);
    const label = `${said[0]} + ${said[1]} = ${said[2]} + ${said[3]}`;
    lengths.setAttribute("aria-label", label);
  };
  const legend = element("p", { class: "steps" }, "Solid: the posterior p(z|x). Dashed: q.");
  return { nodes: [element("div", { class: "beside" }, curves, lengths), legend], draw };
}

export function mountElboExplorer(root, data, text, onState) {
  const state = { mean: 0, width: 0.5 };
  const limits = { mean: between(-2, 2), width: between(0.1, 2) };
  const line = element("p", { class: "beta", "aria-live": "polite" });
  const pictures = makePictures(data);
  const two = (value) => value.toFixed(2);
  const show = () => {
    for (const [name, dial] of Object.entries(dials)) dial.set(state[name]);
    const terms = splitOf(data, state.mean, state.width);
    const elbo = -terms.distortion - terms.rate;
    pictures.draw(terms);
    line.textContent =
      `log p(x) ${two(terms.evidence)} = ELBO ${two(elbo)} + gap ${two(terms.gap)} nats`;
  };
  const dial = (name, min) =>
    slider(`${name} of q`, { min, max: 2, step: 0.01 }, two, (value) => {
      state[name] = value;
      show();
      onState(stateText(state));
    });
  const dials = { mean: dial("mean", -2), width: dial("width", 0.1) };
  const set = (wanted) => {
    Object.assign(state, readState(wanted, { mean: 0, width: 0.5 }, limits));
    show();
  };
  const bar = element("div", { class: "bar" }, ...Object.values(dials).map(({ root: r }) => r));
  root.append(bar, line, ...pictures.nodes);
  set(text);
  return { set, redraw: show };
}
