// Charts on canvases: lines and points between two axes, and lengths that add up.
import { inks } from "./draw.js";

const [LEFT, RIGHT, TOP, BOTTOM] = [44, 10, 12, 32];

// From values to places on a canvas; an axis is { label, low, high, log, ticks }.
function scaleOf(axis, from, to) {
  const bend = axis.log ? Math.log : (value) => value;
  const [low, high] = [bend(axis.low), bend(axis.high)];
  return (value) => from + ((to - from) * (bend(value) - low)) / (high - low);
}

function drawAxes(context, size, x, y, place) {
  const base = size.height - BOTTOM;
  context.strokeRect(LEFT, TOP, size.width - LEFT - RIGHT, base - TOP);
  context.textAlign = "center";
  for (const tick of x.ticks) context.fillText(String(tick), place.x(tick), base + 13);
  context.fillText(x.label, (LEFT + size.width - RIGHT) / 2, size.height - 4);
  context.textAlign = "right";
  for (const tick of y.ticks) context.fillText(String(tick), LEFT - 4, place.y(tick) + 4);
  context.save();
  context.translate(11, (TOP + base) / 2);
  context.rotate(-Math.PI / 2);
  context.textAlign = "center";
  context.fillText(y.label, 0, 0);
  context.restore();
}

function drawSeries(context, { points, dash = [], dots = false }, place) {
  context.setLineDash(dash);
  context.beginPath();
  points.forEach(([a, b], i) => {
    if (dots) {
      context.moveTo(place.x(a) + 3, place.y(b));
      context.arc(place.x(a), place.y(b), 3, 0, 2 * Math.PI);
    } else if (i) context.lineTo(place.x(a), place.y(b));
    else context.moveTo(place.x(a), place.y(b));
  });
  if (dots) context.fill();
  context.stroke();
  context.setLineDash([]);
}

// Series in the first and the second ink, a dashed line at each mark on x, and a ring at `here`.
export function drawChart(canvas, { x, y, series, marks = [], here = null }) {
  const context = canvas.getContext("2d");
  const colours = inks(canvas);
  const place = {
    x: scaleOf(x, LEFT, canvas.width - RIGHT),
    y: scaleOf(y, canvas.height - BOTTOM, TOP),
  };
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.font = "11px system-ui, sans-serif";
  context.fillStyle = context.strokeStyle = colours.text;
  drawAxes(context, canvas, x, y, place);
  for (const mark of marks) {
    const line = [mark, y.low];
    drawSeries(context, { points: [line, [mark, y.high]], dash: [3, 3] }, place);
  }
  series.forEach((one, k) => {
    context.fillStyle = context.strokeStyle = k ? colours.second : colours.first;
    context.lineWidth = 2;
    drawSeries(context, one, place);
  });
  if (here) {
    context.strokeStyle = colours.second;
    context.beginPath();
    context.arc(place.x(here[0]), place.y(here[1]), 7, 0, 2 * Math.PI);
    context.stroke();
  }
  context.lineWidth = 1;
}

// Rows of two lengths, laid end to end: [[["distortion", 6.4], ["rate", 0.6]], ...].
export function drawLengths(canvas, rows, high) {
  const context = canvas.getContext("2d");
  const colours = inks(canvas);
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.font = "12px system-ui, sans-serif";
  context.textAlign = "left";
  rows.forEach((row, r) => {
    const top = r * 46 + 18;
    let [from, free] = [0, 0];
    row.forEach(([name, length], k) => {
      const wide = (canvas.width * Math.max(0, length)) / high;
      context.strokeStyle = context.fillStyle = k ? colours.second : colours.first;
      context.globalAlpha = 0.3;
      context.fillRect(from, top, wide, 22);
      context.globalAlpha = 1;
      context.strokeRect(from + 0.5, top + 0.5, Math.max(0, wide - 1), 21);
      const said = `${name} ${length.toFixed(2)}`;
      const place = Math.min(Math.max(from, free), canvas.width - context.measureText(said).width);
      context.fillText(said, place, top - 4);
      from += wide;
      free = place + context.measureText(said).width + 14;
    });
  });
}
