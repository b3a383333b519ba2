// The slider that shows a record as it was: positions are moments between its first event and now.

const STEPS = 1000;

function start(machine) {
  const from = Date.parse(machine.dataset.from);
  const to = Date.parse(machine.dataset.to);
  const range = machine.querySelector("input[type=range]");
  const said = machine.querySelector("output");
  const moment = () => new Date(from + ((to - from) * Number(range.value)) / STEPS);
  const place = (time) => Math.round(((Date.parse(time) - from) / Math.max(1, to - from)) * STEPS);

  function say() {
    const now = Number(range.value) === STEPS;
    said.textContent = now
      ? "Now"
      : moment().toLocaleString([], { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" });
    range.setAttribute("aria-valuetext", said.textContent);
  }

  function go() {
    const now = Number(range.value) === STEPS;
    const url = new URL(location.href);
    url.searchParams.delete("as_of");
    if (!now) {
      url.searchParams.set("as_of", moment().toISOString());
    }
    location.href = url;
  }

  const ticks = machine.querySelector(".time-ticks");
  for (const time of machine.dataset.marks.trim().split(/\s+/)) {
    const line = document.createElementNS("http://www.w3.org/2000/svg", "line");
    const x = Math.min(STEPS, Math.max(0, place(time)));
    for (const [name, value] of Object.entries({ x1: x, x2: x, y1: 0, y2: 2.5 })) {
      line.setAttribute(name, value);
    }
    ticks.append(line);
  }
  if (machine.dataset.asOf) {
    range.value = place(machine.dataset.asOf);
  }
  range.addEventListener("input", say);
  machine.querySelector("[data-time-go]").addEventListener("click", go);
  machine.querySelector("[data-time-close]")?.addEventListener("click", () => {
    machine.hidden = true;
  });
  say();
}

for (const machine of document.querySelectorAll("[data-time-machine]")) {
  start(machine);
}
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-time-open]")) {
    const machine = document.querySelector("[data-time-machine]");
    if (machine) {
      machine.hidden = false;
      machine.querySelector("input").focus();
    }
  }
});
