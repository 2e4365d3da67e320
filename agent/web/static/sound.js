// The sound sheet: the microphone's last quarter of an hour as a graph, drawn only while somebody looks at it.
// Every column of pixels shows the quietest and the loudest second in it, so that no peak is lost by drawing.

const EVERY_MS = 3000;
const FLOOR_DB = -60;
const LINES_DB = [-9, -20];

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** Returns [low, high] over the measured values between two indices, or null where there are none. */
function span(values, from, to) {
  let found = null;
  for (let i = from; i < Math.max(to, from + 1); i++) {
    const value = values[i];
    if (value === null || value === undefined) continue;
    found = found ? [Math.min(found[0], value), Math.max(found[1], value)] : [value, value];
  }
  return found;
}

function draw(canvas, levels) {
  const pen = canvas.getContext("2d");
  const { width, height } = canvas;
  const y = (db) => height - Math.min(1, Math.max(0, 1 - db / FLOOR_DB)) * (height - 2) - 1;
  pen.clearRect(0, 0, width, height);
  pen.fillStyle = colour("--line");
  for (const db of LINES_DB) pen.fillRect(0, y(db), width, 1);
  const seconds = levels.seconds;
  for (let x = 0; x < width; x++) {
    const [from, to] = [x, x + 1].map((at) => Math.floor((at * seconds) / width) - seconds + levels.rms.length);
    if (from < 0) continue;
    const mean = span(levels.rms, from, to);
    const peak = span(levels.peak, from, to);
    if (!mean || !peak) continue;
    pen.fillStyle = peak[1] > -0.5 ? colour("--fault") : colour("--dim");
    pen.fillRect(x, y(peak[1]), 1, 2);
    pen.fillStyle = colour("--ready");
    pen.fillRect(x, y(mean[1]), 1, Math.max(2, y(mean[0]) - y(mean[1])));
  }
}

/** Keeps the graph in `canvas` while the sheet around it is open. */
export function graph(canvas) {
  if (!canvas) return;
  const sheet = canvas.closest("dialog");
  async function look() {
    if (!sheet.open || document.hidden) return;
    try {
      const answer = await fetch("/levels.json", { cache: "no-store", signal: AbortSignal.timeout(EVERY_MS) });
      if (answer.ok) draw(canvas, await answer.json());
    } catch {
      // the link is gone, which the page says by itself
    }
  }
  new MutationObserver(look).observe(sheet, { attributeFilter: ["open"] });
  setInterval(look, EVERY_MS);
}
