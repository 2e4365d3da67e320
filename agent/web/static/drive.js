// Held arrows move a camera; another's hold is taken only on purpose.

import { hold } from "./hold.js";
import { command, send } from "./live.js";
import { say, show } from "./toast.js";

const taken = document.getElementById("taken");
let holds = Date.now(); // ids only have to rise

/** Moves a camera as long as `button` is held. */
export function drive(button) {
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
export function takeOver() {
  taken.hidePopover();
  grab({ id: ++holds, cam: taken.dataset.cam, pan: 0, tilt: 0, zoom: 0, take: true }, () => {});
}
