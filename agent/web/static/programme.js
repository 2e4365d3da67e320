// The picture of what is on air: asked for only while it can be seen; an old one is never shown as new.

import { now } from "./live.js";

const EVERY_MS = 600;
const OLD_MS = 3000;

/** Draws what is on air into the figure, for as long as the page lives. */
export function programme(figure) {
  if (!figure) return;
  const canvas = figure.querySelector("canvas");
  const form = { timeStyle: "medium", timeZone: figure.dataset.programme };
  let last = 0; // when a picture came, in the page's own time
  let tag = "";

  function lose() {
    if (last && Date.now() - last < OLD_MS) return;
    if (figure.dataset.state === "shown") {
      const since = new Date(now() - (Date.now() - last));
      figure.querySelector("[data-seen-last]").textContent = new Intl.DateTimeFormat(document.documentElement.lang, form).format(since);
    }
    figure.dataset.state = last ? "lost" : "none";
  }

  async function draw() {
    const answer = await fetch("/programme.jpg", { cache: "no-cache", signal: AbortSignal.timeout(OLD_MS) });
    if (answer.status !== 200) return lose();
    if (answer.headers.get("etag") !== tag || figure.dataset.state !== "shown") {
      const picture = await createImageBitmap(await answer.blob());
      canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
      picture.close();
      tag = answer.headers.get("etag");
    }
    last = Date.now();
    figure.dataset.state = "shown";
  }

  async function turn() {
    if (document.visibilityState === "visible" && figure.offsetParent !== null) await draw().catch(lose);
    else lose();
    setTimeout(turn, EVERY_MS);
  }
  turn();
}
