// Drawers and boxes are <dialog>s: the browser keeps focus inside and closes them with Esc.

export function openDialog(dialog) {
  if (!dialog.open) {
    dialog.showModal();
  }
  const first = dialog.querySelector("[autofocus]") || dialog.querySelector("input:not([type=hidden]), select, textarea");
  first?.focus();
}

/** Fetch what a drawer shows; it opens when it has come. */
export function openDrawer(url, target = "#drawer") {
  document.querySelector("#palette")?.close();
  window.htmx.ajax("GET", url, { target, swap: "innerHTML" });
}

export function closeOverlays() {
  for (const dialog of document.querySelectorAll("dialog[open]")) {
    dialog.close();
  }
}

export function startOverlays() {
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-open]");
    if (opener) {
      closeOverlays();
      openDialog(document.getElementById(opener.dataset.open));
      return;
    }
    const drawer = event.target.closest("[data-drawer]");
    if (drawer && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      openDrawer(drawer.dataset.drawer, drawer.dataset.in || "#drawer");
      return;
    }
    if (event.target.closest("[data-close]")) {
      event.target.closest("dialog")?.close();
    } else if (event.target instanceof HTMLDialogElement && outside(event)) {
      event.target.close();
    }
  });

  document.addEventListener("htmx:after:swap", (event) => {
    let target = event.detail.ctx?.target;
    if (typeof target === "string") {
      target = document.querySelector(target); // the answer has named it (HX-Retarget)
    }
    const dialog = target instanceof HTMLDialogElement ? target : null;
    if (dialog && dialog.childElementCount > 0) {
      const heading = dialog.querySelector("h2[id]");
      if (heading) {
        dialog.setAttribute("aria-labelledby", heading.id);
      }
      openDialog(dialog);
    }
  });
  document.addEventListener("everlog:close", closeOverlays);
  for (const id of ["drawer", "box"]) {
    const dialog = document.getElementById(id);
    dialog?.addEventListener("close", () => dialog.replaceChildren());
  }
}

function outside(event) {
  const box = event.target.getBoundingClientRect();
  const { clientX: x, clientY: y } = event;
  // A key that "clicks" a button has no place; a click begun inside a select has none either.
  return (x || y) && (x < box.left || x > box.right || y < box.top || y > box.bottom);
}
