// Notices: said aloud, gone after a while, with Undo where it can be undone.
import { send } from "./sending.js";

const STAY_MS = 6000;
const STAY_WITH_UNDO_MS = 10000;

export function toast({ text, title, kind, undo, link }) {
  const holder = document.getElementById("toasts");
  if (!holder || !text) {
    return;
  }
  const note = document.createElement("div");
  note.className = kind === "error" ? "note error" : "note";
  const said = document.createElement("p");
  said.className = "grow";
  if (title && title !== text && kind === "error") {
    const strong = document.createElement("b");
    strong.textContent = `${title}. `;
    said.append(strong);
  }
  said.append(text);
  note.append(said);
  if (link) {
    const shown = document.createElement("a");
    shown.href = link.url;
    shown.textContent = link.label;
    note.append(shown);
  }
  if (undo) {
    note.append(undoButton(undo, note));
  }
  note.append(shutButton(note));
  // Shown anew each time: the latest popover lies above a dialog that was opened meanwhile.
  if (holder.matches(":popover-open")) {
    holder.hidePopover();
  }
  holder.showPopover();
  holder.append(note);
  const stay = kind === "error" || undo ? STAY_WITH_UNDO_MS : STAY_MS;
  let timer = setTimeout(() => remove(note), stay);
  note.addEventListener("pointerenter", () => clearTimeout(timer));
  note.addEventListener("pointerleave", () => {
    timer = setTimeout(() => remove(note), STAY_MS);
  });
}

function undoButton(undo, note) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "undo";
  button.textContent = undo.label || "Undo";
  button.addEventListener("click", async () => {
    button.disabled = true;
    const answer = await send(undo.url, undo.values || {});
    remove(note);
    if (answer.ok && undo.reload) {
      location.reload();
    }
  });
  return button;
}

function shutButton(note) {
  const button = document.createElement("button");
  button.type = "button";
  button.setAttribute("aria-label", "Dismiss");
  button.textContent = "✕";
  button.addEventListener("click", () => remove(note));
  return button;
}

function remove(note) {
  note.remove();
  const holder = document.getElementById("toasts");
  if (holder && !holder.childElementCount && holder.matches(":popover-open")) {
    holder.hidePopover();
  }
}

export function startToasts() {
  document.addEventListener("everlog:toast", (event) => toast(event.detail));
  // Said after a page that was left, e.g. by a write that leads to another page.
  const kept = takeKept();
  if (kept) {
    toast(kept);
  }
}

/** Keep a notice for the page that comes next. */
export function toastNext(detail) {
  try {
    sessionStorage.setItem("everlog-toast", JSON.stringify(detail));
  } catch {
    // Nothing to be done: the notice is lost, the write is not.
  }
}

function takeKept() {
  try {
    const kept = sessionStorage.getItem("everlog-toast");
    sessionStorage.removeItem("everlog-toast");
    return kept ? JSON.parse(kept) : null;
  } catch {
    return null;
  }
}
