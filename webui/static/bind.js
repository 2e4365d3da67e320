// State into the page. What follows which slice is declared in HTML (macros/ui.html):
//   data-bind="attribute:slice.path; text:slice.path"  attributes and text
//   data-frag="/f/x" data-on="slice slice"             a part fetched again when one of these slices changes
//   data-meter="name" data-level="name"                a level in dBFS, as a width and as a number; "name.peak" marks its peak
//   data-flags="name"                                  its children with data-flag="hum", … are shown while "name.flags" has that word
// Words never come from here: the page brings them.

const FLOOR_DB = 60; // the scale of OBS: yellow from -20, red from -9, clipping from -0.5
const CLIP_DB = -0.5;
const PEAK_MS = 3000;
const peaks = new WeakMap();
const state = {};

const share = (level) => Math.min(1, Math.max(0, 1 + level / FLOOR_DB));

const lookUp = (path) => path.split(".").reduce((value, key) => value?.[key], state);

/** Writes bound attributes and texts below `root` again. */
export function bind(root = document) {
  for (const node of root.querySelectorAll("[data-bind]")) {
    for (const rule of node.dataset.bind.split(";")) {
      const [name, path] = rule.split(":").map((word) => word.trim());
      const value = lookUp(path) ?? null;
      if (name === "text") node.textContent = value ?? "";
      else if (value === null) node.removeAttribute(name);
      else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
    }
  }
}

/** Takes new slices and returns the names of those that really differ. */
export function take(slices) {
  const changed = Object.keys(slices).filter((name) => JSON.stringify(state[name]) !== JSON.stringify(slices[name]));
  for (const name of changed) state[name] = slices[name];
  bind();
  dispatchEvent(new CustomEvent("live:state", { detail: state }));
  return changed;
}

/** Fetches the parts again that depend on a slice in `changed`. */
export function fragments(changed) {
  for (const part of document.querySelectorAll("[data-frag]")) {
    if (part.dataset.on.split(" ").some((name) => changed.includes(name))) refetch(part);
  }
}

/** Fetches one part again; a change that comes meanwhile makes it fetch once more. */
export async function refetch(part) {
  part.dataset.due = "";
  if (part.dataset.fetching !== undefined) return;
  part.dataset.fetching = "";
  try {
    while (part.dataset.due !== undefined) {
      delete part.dataset.due;
      const answer = await fetch(part.dataset.frag, { headers: { accept: "text/html" } });
      if (answer.redirected) location.reload(); // the log-in has ended: the whole page goes to the door
      else if (answer.ok) await swap(part, await answer.text());
    }
  } catch {
    // the link is gone: the snapshot of the next connection fetches this part again
  } finally {
    delete part.dataset.fetching;
  }
}

async function swap(part, html) {
  // a press that began on the old part must end on it
  while (part.querySelector(":active, [data-holding]")) await new Promise((done) => setTimeout(done, 100));
  const focused = part.contains(document.activeElement) ? document.activeElement.id : "";
  const unfolded = [...part.querySelectorAll("details[open]")].map((one) => one.id);
  part.innerHTML = html;
  for (const id of unfolded) document.getElementById(id)?.setAttribute("open", "");
  bind(part);
  if (focused) document.getElementById(focused)?.focus();
  dispatchEvent(new CustomEvent("live:swap", { detail: part }));
}

/** Draws levels; no layout, so that twenty a second cost little. */
export function meters(levels) {
  for (const node of document.querySelectorAll("[data-meter]")) draw(node, levels);
  for (const node of document.querySelectorAll("[data-level]")) {
    const level = levels[node.dataset.level];
    if (level !== undefined) node.textContent = level === null ? "\u2013" : Math.round(level).toString().replace("-", "\u2212");
  }
  for (const node of document.querySelectorAll("[data-flags]")) {
    const flags = levels[`${node.dataset.flags}.flags`];
    if (flags === undefined) continue;
    for (const flag of node.children) flag.hidden = !flags.split(" ").includes(flag.dataset.flag);
  }
}

function draw(node, levels) {
  const level = levels[node.dataset.meter];
  if (level === undefined) return;
  const peak = levels[`${node.dataset.meter}.peak`] ?? level;
  const [bar, mark] = node.children;
  const held = peaks.get(node);
  if (!held || peak >= held.db || performance.now() - held.at > PEAK_MS) peaks.set(node, { db: peak, at: performance.now() });
  bar.style.clipPath = `inset(0 ${(100 - 100 * share(level)).toFixed(1)}% 0 0)`;
  mark.style.transform = `translateX(${(100 * share(peaks.get(node).db)).toFixed(1)}%)`;
  mark.toggleAttribute("data-hot", peaks.get(node).db > CLIP_DB);
}
