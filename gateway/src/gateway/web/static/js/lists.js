// Small conveniences of lists and inline fields.

import { toast } from "./toasts.js";

export function startLists() {
  // Empty filters do not belong into an address.
  document.addEventListener("htmx:config:request", (event) => {
    const { ctx } = event.detail;
    if (!ctx.sourceElement.matches("[data-tidy]")) {
      return;
    }
    for (const [name, value] of [...ctx.request.body]) {
      if (value === "") {
        ctx.request.body.delete(name);
      }
    }
  });
  // Another day, or now, shows the list as it is filtered at the moment. A year half typed is none.
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-as-of]") && event.target.validity.valid) {
      lookAt(event.target.value);
    }
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-back-to-now]")) {
      event.preventDefault();
      lookAt("");
    }
  });
  // Of several chips one is chosen.
  document.addEventListener("click", (event) => {
    const chip = event.target.closest("[data-one-of]");
    if (chip) {
      for (const other of chip.parentElement.querySelectorAll("[data-one-of]")) {
        other.removeAttribute("aria-current");
      }
      chip.setAttribute("aria-current", "true");
    }
  });
  document.addEventListener("click", async (event) => {
    const copy = event.target.closest("[data-copy]");
    if (copy) {
      const field = document.querySelector(copy.dataset.copy);
      field.select();
      await navigator.clipboard?.writeText(field.value);
      toast({ text: "Copied" });
    }
  });
  // Esc leaves a field that is being edited as it was, also while nothing has the focus.
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !document.querySelector("dialog[open]")) {
      const within = event.target === document.body ? document : event.target;
      const field = within.closest?.(".inline-field.editing") ?? within.querySelector?.(".inline-field.editing");
      field?.querySelector("[data-leave]")?.click();
    }
  });
}

/** Open the list with the filters as they are in the form, as of a day; none is now. */
function lookAt(day) {
  const filters = document.querySelector("#filters");
  const told = filters ? [...new FormData(filters)].filter(([name, value]) => value !== "" && name !== "as_of") : [];
  location.assign(`${location.pathname}?${new URLSearchParams(day ? [...told, ["as_of", day]] : told)}`);
}
