// A note over everything, which goes by itself.

const TOAST_MS = 6000;
const toast = document.getElementById("toast");
const timers = new Map();

/** Shows a sentence for a while. */
export function say(text) {
  toast.textContent = text;
  show(toast);
}

/** Shows a note for a while, above an open sheet too. */
export function show(note) {
  if (note.matches(":popover-open")) note.hidePopover();
  note.showPopover();
  clearTimeout(timers.get(note));
  timers.set(note, setTimeout(() => note.hidePopover(), TOAST_MS));
}
