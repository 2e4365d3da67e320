// Dangerous buttons act only after being held for a second; a ring fills meanwhile.
// A letting go before that does nothing, so a tap by accident costs nothing.

import { hold } from "./hold.js";

const HOLD_MS = 1000;

/** Calls `act()` when `button` (ui.confirm) was held for one second. */
export function confirm(button, act) {
  const ring = button.querySelector(".ring rect");
  let frame = 0;
  let since = 0;

  function draw(share) {
    ring.style.strokeDashoffset = String(100 - 100 * share);
  }

  function step(at) {
    const share = Math.min(1, (at - since) / HOLD_MS);
    draw(share);
    if (share < 1) {
      frame = requestAnimationFrame(step);
      return;
    }
    frame = 0;
    button.dataset.held = "";
    act();
  }

  hold(button, {
    begin() {
      since = performance.now();
      frame = requestAnimationFrame(step);
    },
    end() {
      cancelAnimationFrame(frame);
      delete button.dataset.held;
      draw(0);
    },
  });
}
