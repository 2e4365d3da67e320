// The page's end of the live socket (webui/live.py describes the messages).
//
// body[data-link] is connecting, live, quiet (just lost) or stale; parts marked data-live are inert
// unless it is live. body[data-boot], [data-rev] and [data-ui] say from what the page was rendered.

import { fragments, meters, refetch, take } from "./bind.js";

const SILENT_MS = 2400;
const SILENT_AFTER_SLEEP_MS = 1000;
const QUIET_MS = 1500;
const FIRST_WAIT_MS = 150;
const LONGEST_WAIT_MS = 2000;

const body = document.body;
const waiting = new Map();
let path = "";
let socket = null;
let heardAt = 0;
let lostAt = 0;
let wait = FIRST_WAIT_MS;
let retry = 0;
let skew = 0;
let serial = 0;

export const isLive = () => body.dataset.link === "live";
/** The server's clock, in milliseconds. */
export const now = () => Date.now() + skew;

/** Sends a message; false when nobody would hear it. Nothing is queued while the link is down. */
export function send(message) {
  if (socket?.readyState !== WebSocket.OPEN) return false;
  socket.send(JSON.stringify(message));
  return true;
}

/** Sends a command; resolves with its answer, or with ok false and an empty code when none will come. */
export function command(what, args = {}) {
  const id = `${performance.timeOrigin.toString(36)}-${++serial}`;
  return new Promise((resolve) => {
    if (isLive() && send({ t: "do", id, what, args })) waiting.set(id, resolve);
    else resolve({ ok: false, code: "" });
  });
}

function link(value) {
  if (body.dataset.link === value) return;
  body.dataset.link = value;
  for (const part of document.querySelectorAll("[data-live]")) part.inert = value !== "live";
  dispatchEvent(new CustomEvent("live:link", { detail: value }));
}

function answered(message) {
  waiting.get(message.id)?.(message);
  waiting.delete(message.id);
}

function snapshot(message) {
  skew = message.now * 1000 - Date.now();
  const fresh = message.boot === body.dataset.boot && String(message.rev) === body.dataset.rev;
  take(message.state);
  if (!fresh) fragments(Object.keys(message.state)); // else the page was rendered from this very state
  delete body.dataset.rev;
  link("live");
  if (message.ui !== body.dataset.ui) dispatchEvent(new CustomEvent("live:outdated"));
}

function receive(message) {
  if (message.t === "m") meters(message);
  else if (message.t === "patch") fragments(take(message.set));
  else if (message.t === "ack") answered(message);
  else if (message.t === "snap") snapshot(message);
  else if (message.t === "frag") message.ids.map((id) => document.getElementById(id)).filter(Boolean).forEach(refetch);
}

function open() {
  clearTimeout(retry);
  heardAt = performance.now();
  const mine = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${path}`);
  socket = mine;
  mine.onopen = () => { wait = FIRST_WAIT_MS; };
  mine.onclose = () => { if (mine === socket) lose(); };
  mine.onmessage = (event) => {
    if (mine !== socket) return;
    heardAt = performance.now();
    lostAt = 0;
    receive(JSON.parse(event.data));
  };
}

/** Drops the socket, tells who waits, and tries again after a jittered while. */
function lose() {
  const old = socket;
  socket = null;
  old?.close();
  lostAt ||= heardAt;
  for (const id of [...waiting.keys()]) answered({ id, ok: false, code: "" });
  if (isLive()) link("quiet");
  clearTimeout(retry);
  retry = setTimeout(open, wait * (0.7 + 0.6 * Math.random()));
  wait = Math.min(LONGEST_WAIT_MS, 2 * wait);
}

function watch() {
  const silent = performance.now() - heardAt;
  if (socket && silent > SILENT_MS) lose();
  if (!isLive() && lostAt && performance.now() - lostAt > QUIET_MS) link("stale");
}

function wake() {
  if (document.visibilityState === "hidden") return;
  wait = FIRST_WAIT_MS;
  if (!socket) open();
  else if (performance.now() - heardAt > SILENT_AFTER_SLEEP_MS) lose();
}

/** Opens the socket and keeps it open; call once. */
export function connect(where = "/live") {
  path = where;
  link("connecting");
  open();
  setInterval(watch, 100);
  addEventListener("online", wake);
  addEventListener("pageshow", wake);
  document.addEventListener("visibilitychange", wake);
}
