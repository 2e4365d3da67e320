// Small things every live page wants: clocks and countdowns, sheets, and a newer version of the page.

import { now } from "./live.js";

const UNTOUCHED_MS = 30000;
const two = (number) => String(number).padStart(2, "0");
let touchedAt = performance.now();
let outdated = false;

function span(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return parts.map(two).join(document.documentElement.lang === "id" ? "." : ":");
}

function clock(milliseconds, zone) {
  const lang = document.documentElement.lang === "id" ? "id-ID" : "en-GB";
  return new Intl.DateTimeFormat(lang, { hour: "2-digit", minute: "2-digit", hour12: false, timeZone: zone }).format(milliseconds);
}

/** Writes every clock (data-clock="Zone/Name"), countdown (data-until) and duration (data-since) of the page. */
export function tell() {
  const at = now();
  const write = (node, text) => { if (node.textContent !== text) node.textContent = text; };
  for (const node of document.querySelectorAll("[data-clock]")) write(node, clock(at, node.dataset.clock));
  for (const node of document.querySelectorAll("[data-until]")) write(node, span(Date.parse(node.dataset.until) - at));
  for (const node of document.querySelectorAll("[data-since]")) write(node, span(at - Date.parse(node.dataset.since)));
}

/** Replaces the page by its newer version, but only when nobody uses it and the server answers. */
async function renew() {
  if (!outdated || performance.now() - touchedAt < UNTOUCHED_MS || document.querySelector("dialog[open]")) return;
  try {
    const answer = await fetch("/healthz", { cache: "no-store" });
    if (answer.ok) location.reload();
  } catch {
    // the server is down: the browser's error page would not come back by itself
  }
}

function sheets(event) {
  const opener = event.target.closest?.("[data-open]");
  if (opener) document.getElementById(opener.dataset.open).showModal();
  if (event.target.closest?.("[data-close]") || event.target.matches?.("dialog")) event.target.closest("dialog")?.close();
}

/** Starts all of it; call once. */
export function attend() {
  tell();
  setInterval(tell, 500);
  setInterval(renew, 5000);
  addEventListener("live:swap", tell);
  addEventListener("live:outdated", () => { outdated = true; });
  for (const name of ["pointerdown", "keydown"]) addEventListener(name, () => { touchedAt = performance.now(); });
  document.addEventListener("click", sheets);
}
