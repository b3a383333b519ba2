// Ticking rows of a list: one, a range with Shift, or all that are shown.

export function startBulk() {
  let last = null;
  document.addEventListener("click", (event) => {
    const box = event.target.closest?.("input[data-row]");
    if (!box) {
      return;
    }
    const boxes = [...document.querySelectorAll("input[data-row]")];
    if (event.shiftKey && last && boxes.includes(last)) {
      const [from, to] = [boxes.indexOf(last), boxes.indexOf(box)].sort((a, b) => a - b);
      for (const between of boxes.slice(from, to + 1)) {
        between.checked = box.checked;
      }
    }
    last = box;
    show();
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches("input[data-all-rows]")) {
      for (const box of document.querySelectorAll("input[data-row]")) {
        box.checked = event.target.checked;
      }
      show();
    }
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-clear-rows]")) {
      for (const box of document.querySelectorAll("input[data-row]:checked")) {
        box.checked = false;
      }
      show();
    }
  });
  document.addEventListener("htmx:after:swap", show);
}

function show() {
  const bar = document.querySelector("[data-bulk]");
  if (!bar) {
    return;
  }
  const boxes = [...document.querySelectorAll("input[data-row]")];
  const ticked = boxes.filter((box) => box.checked).length;
  bar.hidden = ticked === 0;
  const count = bar.querySelector("[data-count]");
  if (count) {
    count.textContent = `${ticked} selected`;
  }
  const all = document.querySelector("input[data-all-rows]");
  if (all) {
    all.checked = ticked > 0 && ticked === boxes.length;
    all.indeterminate = ticked > 0 && ticked < boxes.length;
  }
}
