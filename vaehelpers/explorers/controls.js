// What a reader turns: labelled controls that work by keyboard in a page and in JupyterLab, which
// takes the arrow keys from every focused element that does not ask it not to.

export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

const KEPT = { "data-lm-suppress-shortcuts": "true" };

export function control(tag, attributes = {}, ...children) {
  return element(tag, { ...KEPT, ...attributes }, ...children);
}

// Three significant digits, more for whole numbers, as the audit writes them.
export function written(value) {
  const whole = value >= 1 && Math.abs(value - Math.round(value)) < 1e-3 * value;
  return whole ? String(Math.round(value)) : String(Number(value.toPrecision(3)));
}

export function choice(label, options, value, onChange) {
  const select = control("select", { onchange: () => onChange(select.value) });
  for (const [name, text] of Object.entries(options)) {
    select.append(element("option", { value: name }, text));
  }
  select.value = value;
  return [element("label", {}, label, select), select];
}

// A number of at least `min`; what is not one is left alone.
export function number(label, attributes, value, onChange) {
  const input = control("input", { type: "number", ...attributes, value });
  input.addEventListener("input", () => {
    if (input.value !== "" && input.checkValidity()) onChange(Number(input.value));
  });
  return [element("label", {}, label, input), input];
}

// A slider whose value is said as `say` writes it, beside it and to a screen reader.
export function slider(label, range, say, onInput) {
  const input = control("input", { type: "range", ...range });
  const output = element("output");
  const set = (value) => {
    if (Number(input.value) !== value) input.value = value;
    output.textContent = say(value);
    input.setAttribute("aria-valuetext", say(value));
  };
  input.addEventListener("input", () => onInput(Number(input.value)));
  return { root: element("label", { class: "slider" }, label, input, output), set };
}

// A state as a short text, "beta=1&z=0.3,-1.2", and back: what cannot be read is left as it was.
export function stateText(state) {
  return Object.entries(state)
    .map(([name, value]) => `${name}=${value}`)
    .join("&");
}

export function readState(text, state, limits) {
  const found = new URLSearchParams(text);
  const read = { ...state };
  for (const [name, allowed] of Object.entries(limits)) {
    const asked = found.get(name);
    if (asked !== null && allowed(asked)) {
      read[name] = typeof state[name] === "number" ? Number(asked) : asked;
    }
  }
  return read;
}

export function between(low, high) {
  return (text) => text.trim() !== "" && Number(text) >= low && Number(text) <= high;
}
