// Ticking rows of a list: one, a range with Shift, all that are shown, or all that there are.

let last = null;

export function startBulk() {
  document.addEventListener("click", (event) => {
    const at = event.target;
    const box = at.closest?.("input[data-row]");
    if (box) {
      tick(box, box.checked, event.shiftKey);
    } else if (at.closest?.("[data-clear-rows]")) {
      clear();
    } else if (at.closest?.("[data-shut-told]")) {
      at.closest("#many-told").replaceChildren();
    }
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches("input[data-all-rows]")) {
      for (const box of boxes()) {
        box.checked = event.target.checked;
      }
      meanAll(false);
      show();
    } else if (event.target.matches("select[data-do]")) {
      control(event.target);
    }
  });
  document.addEventListener("input", (event) => {
    if (event.target.closest("#filters")) {
      clear(); // other people are shown in a moment
    }
  });
  document.addEventListener("everlog:ticks-used", clear);
  document.addEventListener("htmx:after:swap", () => {
    if (document.querySelector("[data-matched]")) {
      meanAll(true);
    }
    if (all()?.value === "1") {
      for (const box of boxes()) {
        box.checked = true;
      }
    }
    show();
  });
}

/** Tick a row, or all from the last one that was ticked. */
export function tick(box, checked, range = false) {
  const rows = boxes();
  box.checked = checked;
  if (range && last && rows.includes(last)) {
    const [from, to] = [rows.indexOf(last), rows.indexOf(box)].sort((a, b) => a - b);
    for (const between of rows.slice(from, to + 1)) {
      between.checked = checked;
    }
  }
  last = box;
  meanAll(false);
  show();
}

const boxes = () => [...document.querySelectorAll("input[data-row]")];
const all = () => document.querySelector("[data-bulk] input[name=all]");

function clear() {
  for (const box of boxes()) {
    box.checked = false;
  }
  meanAll(false);
  show();
}

/** Whether not those that are ticked are meant, but everybody whom the filters find. */
function meanAll(really) {
  if (all()) {
    all().value = really ? "1" : "";
  }
  if (!really) {
    document.querySelector("[data-matched]")?.remove();
  }
}

function control(select) {
  for (const part of select.closest("[data-bulk]").querySelectorAll("[data-for]")) {
    part.hidden = !part.dataset.for.split(" ").includes(select.value);
  }
}

function show() {
  const bar = document.querySelector("[data-bulk]");
  if (!bar) {
    return;
  }
  const rows = boxes();
  const ticked = rows.filter((box) => box.checked).length;
  bar.hidden = ticked === 0;
  const count = bar.querySelector("[data-count]");
  if (count && !count.querySelector("[data-matched]")) {
    count.textContent = `${ticked} selected`;
  }
  const box = document.querySelector("input[data-all-rows]");
  if (box) {
    box.checked = ticked > 0 && ticked === rows.length;
    box.indeterminate = ticked > 0 && ticked < rows.length;
  }
  const more = bar.querySelector("[data-matching]");
  if (more) {
    const meant = all()?.value === "1";
    more.hidden = meant || ticked < rows.length || !document.querySelector("#rows tr.more button");
  }
}
