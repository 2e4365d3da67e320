// Holding a button: it begins on the down event and ends however the holding ends.
//
// A lost end would leave a camera moving, so every way out counts: finger up, slid off, cancelled by the
// browser, capture lost, window or page hidden, focus gone, link gone. The agent has its dead-man besides.

const TICK_MS = 100;

/**
 * Makes `button` report a hold: `begin()` at once, `tick()` every 100 ms, `end()` exactly once.
 * Works with finger, mouse, pen, and with Space or Enter. Returns what ends a hold from outside.
 */
export function hold(button, { begin, tick = () => {}, end }) {
  let pointer = null;
  let timer = 0;

  function start(by) {
    if (pointer !== null) return;
    pointer = by;
    button.dataset.holding = "";
    timer = setInterval(tick, TICK_MS);
    begin();
  }

  function stop() {
    if (pointer === null) return;
    const by = pointer;
    pointer = null;
    clearInterval(timer);
    delete button.dataset.holding;
    if (typeof by === "number" && button.hasPointerCapture(by)) button.releasePointerCapture(by);
    end();
  }

  function inside(event) {
    const box = button.getBoundingClientRect();
    return event.clientX >= box.left && event.clientX <= box.right && event.clientY >= box.top && event.clientY <= box.bottom;
  }

  button.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || button.disabled) return;
    event.preventDefault();
    button.focus({ preventScroll: true });
    button.setPointerCapture(event.pointerId);
    start(event.pointerId);
  });
  button.addEventListener("pointermove", (event) => { if (event.pointerId === pointer && !inside(event)) stop(); });
  for (const name of ["pointerup", "pointercancel", "lostpointercapture"]) {
    button.addEventListener(name, (event) => { if (event.pointerId === pointer) stop(); });
  }
  button.addEventListener("keydown", (event) => {
    if (event.key !== " " && event.key !== "Enter") return;
    event.preventDefault();
    if (!event.repeat && !button.disabled) start(event.key);
  });
  button.addEventListener("keyup", (event) => { if (event.key === pointer) stop(); });
  button.addEventListener("blur", stop);
  button.addEventListener("contextmenu", (event) => event.preventDefault());
  addEventListener("blur", stop);
  addEventListener("pagehide", stop);
  addEventListener("live:link", stop);
  document.addEventListener("visibilitychange", stop);
  return stop;
}
