// Importing: the file goes straight to the API (it may be large); what comes back is shown here.
import { toast } from "./toasts.js";

const form = document.querySelector("[data-import]");
const place = document.getElementById("mapping");
const progress = document.getElementById("progress");

async function call(path, more) {
  const body = new FormData();
  body.set("type", form.elements.type.value);
  body.set("file", form.elements.file.files[0]);
  for (const [name, value] of Object.entries(more)) {
    body.set(name, value);
  }
  const response = await fetch(`/api/v1/imports${path}`, {
    method: "POST",
    body,
    headers: { "X-CSRF-Token": document.body.dataset.csrf },
  });
  const told = await response.json();
  if (!response.ok) {
    toast({ text: told.detail, title: told.title, kind: "error" });
    return null;
  }
  return told;
}

async function look() {
  const [file] = form.elements.file.files;
  progress.replaceChildren();
  place.replaceChildren();
  if (!file) {
    return;
  }
  form.querySelector("[data-file-name]").textContent = file.name;
  const preview = await call("/preview", {});
  if (preview) {
    await window.htmx.ajax("POST", "/import/mapping", { target: "#mapping", swap: "innerHTML", values: { preview: JSON.stringify(preview) } });
  }
}

async function run(dryRun) {
  const mapping = {};
  for (const select of place.querySelectorAll("[data-column]")) {
    mapping[select.dataset.column] = select.value;
  }
  const options = {};
  for (const input of place.querySelectorAll("[data-option]")) {
    options[input.dataset.option] = input.value.trim();
  }
  const started = await call("", { mapping: JSON.stringify(mapping), options: JSON.stringify(options), dry_run: String(dryRun) });
  if (started) {
    await window.htmx.ajax("GET", `/import/${started.id}`, { target: "#progress", swap: "innerHTML" });
    progress.scrollIntoView({ block: "nearest" });
  }
}

form.elements.file.addEventListener("change", look);
form.elements.type.addEventListener("change", look);
form.addEventListener("submit", (event) => event.preventDefault());
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-run]");
  if (button) {
    button.disabled = true;
    await run(button.dataset.run === "check");
    button.disabled = false;
  }
});
const zone = form.querySelector("[data-drop]");
for (const [name, over] of Object.entries({ dragenter: true, dragover: true, dragleave: false, drop: false })) {
  zone.addEventListener(name, () => zone.classList.toggle("over", over));
}
