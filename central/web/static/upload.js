// A file that is too large is said to be so when it is chosen, before it is sent and everything typed is at stake.

for (const field of document.querySelectorAll("input[type=file][data-at-most]")) {
  const hint = document.getElementById(`${field.id}-hint`);
  const usual = hint.textContent;
  field.addEventListener("change", () => {
    const tooLarge = [...field.files].some((file) => file.size > Number(field.dataset.atMost));
    field.setAttribute("aria-invalid", tooLarge);
    hint.textContent = tooLarge ? field.dataset.tooLarge : usual;
    hint.className = tooLarge ? "error" : "hint";
    hint.setAttribute("role", tooLarge ? "alert" : "none");
    if (tooLarge) field.value = "";
  });
}
