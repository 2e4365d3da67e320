// The wall: rooms and the day are fetched again when central says that they changed.

import { refetch } from "./bind.js";
import { connect } from "./live.js";
import { attend } from "./page.js";

attend();
connect("/live");
// the line of now moves on by itself
setInterval(() => {
  for (const part of document.querySelectorAll("#day-now[data-frag]")) refetch(part);
}, 60000);
