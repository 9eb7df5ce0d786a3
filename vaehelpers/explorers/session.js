// Training beside the page: in a worker made of the network's own functions, or in short slices.
import { PARTS, decode, encode, makeTrainer, sigmoid } from "./network.js";

// What goes on with one network: it is told what to do and says how far it is.
export function makeSession(post, slice) {
  let given = null;
  let trainer = null;
  let running = false;
  let shown = 0;
  let timer = null;
  const show = () => {
    shown = performance.now();
    const { w, steps, average } = trainer;
    const decodedFrom = (mean, n) => decode(w, mean, n).logits.map(sigmoid);
    const count = given.tests.length / given.sizes.pixels;
    const plane = encode(w, given.plane, given.plane.length / given.sizes.pixels).mean;
    const images = decodedFrom(encode(w, given.tests, count).mean, count);
    post({ steps, average, images, plane });
  };
  const tick = () => {
    if (!running) return;
    trainer.run(slice);
    if (performance.now() - shown > 150 || trainer.steps < 4) show();
    timer = setTimeout(tick, 0);
  };
  return (message) => {
    if (message.given) {
      given = message.given;
      trainer = makeTrainer(given.images, given.sizes, message.settings, given.seed);
      show();
    }
    if (message.settings) trainer.settings = message.settings;
    if (message.run === running || message.run === undefined) return;
    running = message.run;
    clearTimeout(timer); // one chain of slices, however often it is paused
    if (running) tick();
  };
}

// A worker where the browser allows one from a blob, else slices of 8 ms on the page's own thread.
export function openSession(onShow) {
  const parts = [...PARTS, makeSession].map(String).join("\n");
  const listen = "const told = makeSession(postMessage, 40); onmessage = (e) => told(e.data);";
  const source = `${parts}\n${listen}`;
  try {
    const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
    const worker = new Worker(url);
    const sent = [];
    const tell = (message) => {
      sent.push(message);
      worker.postMessage(message);
    };
    const session = { tell, kind: "worker" };
    worker.onmessage = (event) => onShow(event.data);
    worker.onerror = () => {
      const told = makeSession(onShow, 8);
      sent.forEach(told);
      session.kind = "slices";
      session.tell = told;
    };
    session.close = () => worker.terminate();
    return session;
  } catch {
    return { tell: makeSession(onShow, 8), kind: "slices", close() {} };
  }
}
