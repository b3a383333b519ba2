// The template editor: the preview follows what is written; merge fields go in at the cursor.

const WAIT_MS = 450;
let timer;

/** Post the form into the frame. A form of its own: the editor's own one belongs to htmx. */
function preview() {
  const form = document.getElementById("editor");
  const frame = document.querySelector("iframe[name=preview]");
  if (!form || !frame) {
    return;
  }
  const sent = document.createElement("form");
  sent.method = "post";
  sent.action = form.dataset.preview;
  sent.target = "preview";
  sent.hidden = true;
  for (const name of ["csrf_token", "name", "subject", "format", "body", "text"]) {
    const field = document.createElement("input");
    field.type = "hidden";
    field.name = name;
    field.value = form.elements[name]?.value ?? "";
    sent.append(field);
  }
  document.body.append(sent);
  sent.submit();
  sent.remove();
  document.querySelector("[data-subject]").textContent = form.elements.subject.value;
}

document.addEventListener("input", (event) => {
  if (event.target.closest("#editor")) {
    clearTimeout(timer);
    timer = setTimeout(preview, WAIT_MS);
  }
});
document.addEventListener("click", (event) => {
  const insert = event.target.closest("[data-insert]");
  if (insert) {
    const body = document.getElementById("f-body");
    body.focus();
    body.setRangeText(insert.dataset.insert, body.selectionStart, body.selectionEnd, "end");
    body.dispatchEvent(new Event("input", { bubbles: true }));
  }
  const width = event.target.closest("[data-width]");
  if (width) {
    document.querySelector("[data-hold]").classList.toggle("phone", width.dataset.width === "phone");
    for (const button of document.querySelectorAll("[data-width]")) {
      button.setAttribute("aria-pressed", String(button === width));
    }
  }
});
document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key === "s") {
    event.preventDefault();
    document.getElementById("editor")?.requestSubmit();
  }
});
document.addEventListener("htmx:after:swap", (event) => {
  if (event.detail.ctx?.target?.id === "editor") {
    preview();
  }
});
preview();
