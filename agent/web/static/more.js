// A list that goes on below what is seen of it says so, until its end is seen.

const AT_THE_END_PX = 8;

/** Marks `list` as long as it goes on below; what it looks like is the style sheet's. */
export function more(list) {
  const look = () => {
    list.toggleAttribute("data-more", list.scrollHeight - list.clientHeight - list.scrollTop > AT_THE_END_PX);
  };
  list.addEventListener("scroll", look, { passive: true });
  new ResizeObserver(look).observe(list);
  look();
}
