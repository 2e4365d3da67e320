// The tablet of a room: presses become commands, held arrows move a camera.

import { bind, refetch } from "./bind.js";
import { confirm } from "./confirm.js";
import { hold } from "./hold.js";
import { command, connect, isLive, now, send } from "./live.js";
import { attend } from "./page.js";
import { programme } from "./programme.js";
import { graph } from "./sound.js";

const UNCONFIRMED_MS = 1000;
const TOAST_MS = 6000;
const toast = document.getElementById("toast");
const taken = document.getElementById("taken");
const costs = document.getElementById("costs");
const timers = new Map();
let holds = Date.now(); // ids only have to rise

function say(text) {
  toast.textContent = text;
  show(toast);
}

function show(note) {
  if (note.matches(":popover-open")) note.hidePopover();
  note.showPopover(); // above an open sheet too
  clearTimeout(timers.get(note));
  timers.set(note, setTimeout(() => note.hidePopover(), TOAST_MS));
}

/** Says what an extension costs the next session, and lets it be meant all the same. */
function sayCosts(args, text) {
  costs.dataset.args = JSON.stringify({ ...args, confirmed: true });
  costs.firstElementChild.textContent = text;
  show(costs);
}

async function extendAnyway() {
  costs.hidePopover();
  const answer = await command("extend", JSON.parse(costs.dataset.args));
  if (!answer.ok) say(answer.text || answer.code || document.getElementById("no-answer").innerHTML);
}

/** Runs a preset with the values of its form. */
async function runWithValues(form) {
  const values = {};
  for (const field of form.querySelectorAll("[data-kind]")) {
    const kind = field.dataset.kind;
    values[field.name] = kind === "switch" ? field.checked : kind === "text" ? field.value : Number(field.value);
  }
  const answer = await command("run", { name: form.dataset.runPreset, values });
  if (!answer.ok) return say(answer.text || answer.code || document.getElementById("no-answer").innerHTML);
  form.closest("dialog").close();
}

/** Sends what a button asks for. Pressed shows at once, done only from the room's own state. */
async function press(button, what) {
  if (!isLive() || button.dataset.pressing !== undefined) return;
  button.dataset.pressing = "";
  const late = setTimeout(() => { button.dataset.unconfirmed = ""; }, UNCONFIRMED_MS);
  const args = JSON.parse(button.dataset.args || "{}");
  const answer = await command(what, args);
  clearTimeout(late);
  delete button.dataset.pressing;
  delete button.dataset.unconfirmed;
  if (answer.code === "session.next_prepares") return sayCosts(args, answer.text);
  if (!answer.ok) say(answer.text || answer.code || document.getElementById("no-answer").innerHTML);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-do]");
  if (button) press(button, button.dataset.do);
  if (event.target.closest("[data-open=foresight-sheet]")) refetch(document.getElementById("foresight"));
  const tab = event.target.closest("[data-tab-to]");
  if (tab) choose("[data-tab-to]", tab, () => { document.body.dataset.tab = tab.dataset.tabTo; });
  const camera = event.target.closest("[data-camera]");
  if (camera) choose("[data-camera]", camera);
  const fine = event.target.closest("[data-fine]");
  if (fine) fine.setAttribute("aria-pressed", fine.getAttribute("aria-pressed") !== "true");
});

function choose(all, chosen, then = () => {}) {
  for (const one of document.querySelectorAll(all)) one.setAttribute("aria-pressed", one === chosen);
  then();
}

function drive(button) {
  const [pan, tilt, zoom] = button.dataset.drive.split(",").map(Number);
  let message = null;
  const letGo = hold(button, {
    begin() {
      const cam = document.querySelector("[data-camera][aria-pressed=true]").dataset.camera;
      const speed = document.querySelector("[data-fine]").getAttribute("aria-pressed") === "true" ? 1 : 2;
      message = { t: "hold", id: ++holds, cam, pan, tilt, zoom, speed };
      grab(message, letGo);
    },
    tick() { send(message); },
    end() { send({ t: "stop", id: message.id }); },
  });
}

/** Begins a hold; the repeats that follow need no answer. A refusal ends it and is said. */
async function grab(message, letGo) {
  const answer = await command("hold", message);
  if (answer.ok) return;
  if (message.id === holds) letGo();
  if (answer.code !== "camera.held_by") return void (answer.code && say(answer.text || answer.code));
  taken.dataset.cam = message.cam;
  taken.firstElementChild.textContent = answer.text;
  show(taken);
}

/** Ends another's hold and stops the camera, so that the next hold here gets it. */
function takeOver() {
  taken.hidePopover();
  grab({ id: ++holds, cam: taken.dataset.cam, pan: 0, tilt: 0, zoom: 0, take: true }, () => {});
}

function dangerous(root) {
  for (const button of root.querySelectorAll("[data-confirm]")) {
    confirm(button, () => press(button, button.dataset.doHeld));
  }
}

async function note(event) {
  event.preventDefault();
  const form = event.target;
  const { elements } = form;
  const about = { name: elements.name.value, session: elements.session?.value ?? "" };
  const answer = await command("note", { text: elements.text.value, ...about });
  if (!answer.ok) return say(answer.text || answer.code || document.getElementById("no-answer").innerHTML);
  elements.text.value = ""; // who stands at the tablet stays the same
  form.closest("dialog").close();
}

document.querySelectorAll("[data-drive]").forEach(drive);
document.querySelector("[data-take]").addEventListener("click", takeOver);
document.querySelector("[data-extend-anyway]").addEventListener("click", extendAnyway);
document.querySelector("[data-note]").addEventListener("submit", note);
document.addEventListener("submit", (event) => {
  if (event.target.dataset.runPreset === undefined) return;
  event.preventDefault();
  runWithValues(event.target);
});
document.addEventListener("contextmenu", (event) => event.preventDefault());
addEventListener("live:swap", (event) => dangerous(event.detail));
addEventListener("live:link", (event) => {
  if (event.detail !== "quiet") return;
  for (const node of document.querySelectorAll("[data-lost-at]")) {
    const form = { timeStyle: "medium", timeZone: node.dataset.lostAt };
    node.textContent = new Intl.DateTimeFormat(document.documentElement.lang, form).format(now());
  }
});
dangerous(document);
bind();
attend();
programme(document.querySelector("[data-programme]"));
graph(document.querySelector("[data-graph]"));
connect("/live");
