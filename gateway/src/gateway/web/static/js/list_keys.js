// Keys of a list: `j` and `k` go from row to row, arrows from cell to cell too, `x` ticks, `e` edits.
//
// The focus itself moves, so Enter opens a record or edits a cell, and it is said what one is at.

import { tick } from "./bulk.js";

const ROW = "tr[data-record]";

export function startListKeys() {
  document.addEventListener("keydown", (event) => {
    const within = event.target.closest?.(ROW);
    if (!document.querySelector(ROW) || event.defaultPrevented || busy(event)) {
      return;
    }
    const act = actOf(event.key, within, event.shiftKey);
    if (act) {
      event.preventDefault();
      act();
    }
  });
  // Whoever has edited a cell goes on from there.
  document.addEventListener("htmx:after:swap", () => {
    if (edited && document.activeElement === document.body) {
      const cell = document.getElementById(edited);
      const button = cell?.querySelector(":scope > .inline-edit");
      if (button) {
        button.focus();
        edited = null;
      }
    }
  });
}

let edited = null;

function busy(event) {
  const at = event.target;
  const typing = at.isContentEditable || (/^(INPUT|TEXTAREA|SELECT)$/.test(at.tagName) && at.type !== "checkbox");
  return typing || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]");
}

function actOf(key, row, shift) {
  if (key === "j" || (row && key === "ArrowDown")) {
    return () => go(row, 1);
  }
  if (key === "k" || (row && key === "ArrowUp")) {
    return () => go(row, -1);
  }
  if (!row) {
    return undefined;
  }
  if (key === "ArrowLeft" || key === "ArrowRight") {
    return () => aside(row, key === "ArrowRight" ? 1 : -1);
  }
  if (key.toLowerCase() === "x") {
    const box = row.querySelector("input[data-row]");
    return box ? () => tick(box, !box.checked, shift) : undefined; // of the past nothing is ticked
  }
  return key === "e" ? () => edit(row) : undefined;
}

const stops = (row) => [...row.querySelectorAll(".main-link, .inline-edit")];

/** To the next row or the one before, at the same place in it. */
function go(row, step) {
  const rows = [...document.querySelectorAll(ROW)];
  const next = row ? rows[rows.indexOf(row) + step] : rows[0];
  if (next) {
    const at = row ? Math.max(0, stops(row).indexOf(document.activeElement)) : 0;
    (stops(next)[at] ?? stops(next)[0])?.focus();
  } else if (step > 0) {
    document.querySelector("#rows tr.more button")?.click();
  }
}

function aside(row, step) {
  const all = stops(row);
  all[Math.max(0, Math.min(all.length - 1, all.indexOf(document.activeElement) + step))]?.focus();
}

/** The cell that has the focus, else the first one. */
function edit(row) {
  const button = document.activeElement.matches(".inline-edit") ? document.activeElement : row.querySelector(".inline-edit");
  if (button) {
    edited = button.parentElement.id;
    button.click();
  }
}
