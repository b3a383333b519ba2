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
