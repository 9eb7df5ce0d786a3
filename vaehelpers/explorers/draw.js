// Pictures on canvases: digits, curves and points, in the page's own colours.

export function digitsFrom(base64, count, pixels) {
  const text = atob(base64);
  const values = new Float32Array(count * pixels);
  for (let i = 0; i < text.length; i++) {
    const byte = text.charCodeAt(i); // two pixels of 16 grey levels
    values[2 * i] = (byte >> 4) / 15;
    values[2 * i + 1] = (byte & 15) / 15;
  }
  return values;
}

// Rows of images, black on white in the light and in the dark: ink is ink.
export function drawDigits(canvas, rows, side) {
  const columns = rows[0].length / (side * side);
  canvas.width = columns * (side + 2);
  canvas.height = rows.length * (side + 2);
  const context = canvas.getContext("2d");
  const picture = context.createImageData(canvas.width, canvas.height);
  picture.data.fill(255);
  rows.forEach((values, r) => {
    for (let i = 0; i < values.length; i++) {
      const [k, place] = [Math.floor(i / (side * side)), i % (side * side)];
      const x = k * (side + 2) + 1 + (place % side);
      const y = r * (side + 2) + 1 + Math.floor(place / side);
      const grey = Math.round(255 * (1 - values[i]));
      picture.data.fill(grey, 4 * (y * canvas.width + x), 4 * (y * canvas.width + x) + 3);
    }
  });
  context.putImageData(picture, 0, 0);
}

export function inks(canvas) {
  const style = getComputedStyle(canvas);
  const named = (name) => style.getPropertyValue(name).trim();
  const dark = style.color.match(/\d+/g)?.slice(0, 3).every((part) => part > 128);
  return { text: style.color, first: named("--first"), second: named("--second"), dark };
}

// Two curves over the steps, each on its own scale, with their last values written beside them.
export function drawCurves(canvas, history, names) {
  const [width, height] = [canvas.width, canvas.height];
  const context = canvas.getContext("2d");
  const colours = inks(canvas);
  context.clearRect(0, 0, width, height);
  context.font = "13px system-ui, sans-serif";
  const last = history.length ? history[history.length - 1].steps : 0;
  names.forEach(({ key, label, top }, k) => {
    const ink = k ? colours.second : colours.first;
    context.strokeStyle = ink;
    context.fillStyle = ink;
    context.setLineDash(k ? [6, 4] : []);
    context.beginPath();
    history.forEach((at, i) => {
      const x = 4 + ((width - 8) * at.steps) / Math.max(last, 200);
      const y = height - 4 - (height - 26) * Math.min(1, at[key] / top);
      if (i) context.lineTo(x, y);
      else context.moveTo(x, y);
    });
    context.stroke();
    const value = history.length ? history[history.length - 1][key].toFixed(k ? 2 : 0) : "";
    context.fillText(`${label} ${value}`, 4 + (k * width) / 2, 14);
  });
}

export const REACH = 5;

// The codes of some digits on the plane from -5 to 5: each digit is its own mark; a cross at `at`.
export function drawPlane(canvas, codes, labels, at = null) {
  const context = canvas.getContext("2d");
  const size = canvas.width;
  const place = (value) => size / 2 + (value * size) / (2 * REACH);
  context.clearRect(0, 0, size, size);
  context.strokeStyle = inks(canvas).text;
  context.globalAlpha = 0.4;
  context.beginPath();
  context.arc(size / 2, size / 2, size / (2 * REACH), 0, 2 * Math.PI);
  context.stroke();
  context.globalAlpha = 1;
  context.font = "10px system-ui, sans-serif";
  const light = inks(canvas).dark ? 66 : 38;
  labels.forEach((label, i) => {
    context.fillStyle = `hsl(${36 * label} 70% ${light + (label % 2 ? 0 : 8)}%)`;
    context.fillText(String(label), place(codes[2 * i]) - 3, place(-codes[2 * i + 1]) + 4);
  });
  if (!at) return;
  context.strokeStyle = inks(canvas).text;
  context.lineWidth = 2;
  context.beginPath();
  for (const [x, y] of [
    [9, 0],
    [0, 9],
  ]) {
    context.moveTo(place(at[0]) - x, place(-at[1]) - y);
    context.lineTo(place(at[0]) + x, place(-at[1]) + y);
  }
  context.stroke();
  context.lineWidth = 1;
}
