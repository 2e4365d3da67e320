// The tablet of a room: presses become commands.

import { bind, refetch } from "./bind.js";
import { confirm } from "./confirm.js";
import { drive, takeOver } from "./drive.js";
import { command, connect, isLive, now } from "./live.js";
import { more } from "./more.js";
import { attend } from "./page.js";
import { programme } from "./programme.js";
import { graph } from "./sound.js";
import { say, show } from "./toast.js";

const UNCONFIRMED_MS = 1000;
const costs = document.getElementById("costs");

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
more(document.querySelector(".presets"));
programme(document.querySelector("[data-programme]"));
graph(document.querySelector("[data-graph]"));
connect("/live");
