// Importing: the file goes straight to the API (it may be large); what comes back is shown here.
import { toast } from "./toasts.js";

const form = document.querySelector("[data-import]");
const place = document.getElementById("mapping");
const progress = document.getElementById("progress");

async function ask(path, body) {
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

function asForm(type, file, name, more) {
  const body = new FormData();
  body.set("type", type);
  body.set("file", file, name);
  for (const [key, value] of Object.entries(more)) {
    body.set(key, value);
  }
  return body;
}

async function look(more = {}) {
  const [file] = form.elements.file.files;
  progress.replaceChildren();
  place.replaceChildren();
  if (!file) {
    return;
  }
  form.querySelector("[data-file-name]").textContent = file.name;
  const preview = await ask("/preview", asForm(form.elements.type.value, file, file.name, more));
  if (preview) {
    await window.htmx.ajax("POST", "/import/mapping", { target: "#mapping", swap: "innerHTML", values: { preview: JSON.stringify(preview) } });
    nameUnmapped();
  }
}

function nameUnmapped() {
  const said = place.querySelector("[data-unmapped]");
  const left = [...place.querySelectorAll("[data-column]")].filter((select) => select.value === "");
  if (said) {
    said.hidden = left.length === 0;
    said.textContent = `Not imported: ${left.map((select) => select.dataset.column || "a column without a name").join(", ")}.`;
  }
}

async function show(started) {
  if (started) {
    await window.htmx.ajax("GET", `/import/${started.id}`, { target: "#progress", swap: "innerHTML" });
    progress.scrollIntoView({ block: "nearest" });
  }
}

async function run(dryRun) {
  const [file] = form.elements.file.files;
  if (!file) {
    toast({ text: "Choose the file again, then import it.", kind: "error" });
    return;
  }
  const mapping = {};
  for (const select of place.querySelectorAll("[data-column]")) {
    mapping[select.dataset.column] = select.value;
  }
  const options = {};
  for (const input of place.querySelectorAll("[data-option]")) {
    options[input.dataset.option] = input.value.trim();
  }
  const preset = place.querySelector("[data-preset]")?.value ?? "auto";
  const more = { mapping: JSON.stringify(mapping), options: JSON.stringify(options), preset, dry_run: String(dryRun) };
  await show(await ask("", asForm(form.elements.type.value, file, file.name, more)));
}

// Mended rows are sent as a file of their own, with the columns and the mapping of the first one.
async function mend(mending) {
  const columns = JSON.parse(mending.dataset.columns);
  const rows = [];
  for (const row of mending.querySelectorAll("[data-cells]")) {
    if (row.querySelector("[data-taken]").checked) {
      const cells = JSON.parse(row.dataset.cells);
      for (const input of row.querySelectorAll("[data-cell]")) {
        cells[Number(input.dataset.cell)] = input.value;
      }
      rows.push(columns.map((_, index) => cells[index] ?? ""));
    }
  }
  if (rows.length === 0) {
    toast({ text: "Tick the rows that are to be imported.", kind: "error" });
    return;
  }
  const lines = [columns, ...rows].map((cells) => cells.map((cell) => `"${cell.replaceAll('"', '""')}"`).join(","));
  const file = new Blob([`${lines.join("\r\n")}\r\n`], { type: "text/csv" });
  const name = `${mending.dataset.file.replace(/\.\w+$/, "")} (mended).csv`;
  const { type, mapping, options, preset } = mending.dataset;
  await show(await ask("", asForm(type, file, name, { mapping, options, preset })));
}

form.elements.file.addEventListener("change", () => look());
form.elements.type.addEventListener("change", () => look());
form.addEventListener("submit", (event) => event.preventDefault());
place.addEventListener("change", (event) => {
  if (event.target.matches("[data-preset]")) {
    look({ preset: event.target.value });
  } else {
    nameUnmapped();
  }
});
document.addEventListener("submit", async (event) => {
  if (event.target.matches("[data-mend]")) {
    event.preventDefault();
    await mend(event.target);
  }
});
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-run], [data-undo], [data-as]");
  if (!button) {
    return;
  }
  button.disabled = true;
  if (button.dataset.run) {
    await run(button.dataset.run === "check");
  } else if (button.dataset.undo) {
    const preview = "preview" in button.dataset ? "?preview=true" : "";
    await show(await ask(`/${button.dataset.undo}/undo${preview}`));
  } else {
    form.elements.type.value = button.dataset.as;
    await look();
  }
  button.disabled = false;
});
const zone = form.querySelector("[data-drop]");
for (const [name, over] of Object.entries({ dragenter: true, dragover: true, dragleave: false, drop: false })) {
  zone.addEventListener(name, () => zone.classList.toggle("over", over));
}
