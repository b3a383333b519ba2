// Forms that are sent as soon as something is chosen; selects that stand for two fields.

export function startForms() {
  document.addEventListener("change", (event) => {
    const form = event.target.closest("form[data-autosubmit]");
    if (form) {
      for (const field of form.elements) {
        field.disabled ||= field.value === "";
      }
      form.requestSubmit();
    }
    const select = event.target.closest("select[data-splits]");
    if (select) {
      fill(select);
    }
  });
  document.addEventListener("htmx:after:swap", () => {
    for (const select of document.querySelectorAll("select[data-splits]")) {
      fill(select);
    }
  });
  // Pages that show one record are read anew when it has changed.
  document.addEventListener("everlog:changed", () => {
    const part = document.querySelector("[data-reload-on]");
    if (part) {
      window.htmx.ajax("GET", location.pathname + location.search, { target: `#${part.id}`, select: `#${part.id}`, swap: "outerMorph" });
    }
  });
}

function fill(select) {
  const names = select.dataset.splits.split(" ");
  const values = select.value.split(" ");
  for (const [n, name] of names.entries()) {
    const field = select.form?.elements[name];
    if (field) {
      field.value = values[n] ?? "";
    }
  }
}
