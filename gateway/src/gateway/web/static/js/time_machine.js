// The slider that shows a record as it was: it stops where the record changed, and at the end is now.

const SETTLE_MS = 250;
let settled = null;

const machine = () => document.querySelector("[data-time-machine]");

function chosen() {
  const range = machine().querySelector("input");
  return JSON.parse(machine().dataset.stops)[Number(range.value)] ?? null;
}

function say() {
  const stop = chosen();
  const [when, said] = machine().querySelectorAll("output > *");
  when.textContent = stop ? stop.when : "Now";
  said.textContent = stop ? stop.said : "As it is";
  machine()
    .querySelector("input")
    .setAttribute("aria-valuetext", stop ? `${stop.when}: ${stop.said}` : "Now");
}

/** Put the record in place as it was; the slider keeps the focus, so that arrows go on from there. */
async function show() {
  const url = new URL(location.href);
  const stop = chosen();
  url.searchParams.delete("as_of");
  url.hash = "";
  if (stop) {
    url.searchParams.set("as_of", stop.at);
  }
  const focused = document.activeElement?.id === "time-range";
  const wanted = machine().querySelector("input").value;
  history.replaceState(null, "", url);
  await window.htmx.ajax("GET", url.pathname + url.search, { target: "#record", select: "#record", swap: "outerMorph" });
  if (!machine()) {
    return;
  }
  machine().hidden = false;
  const range = machine().querySelector("input");
  range.value = wanted;
  say();
  if (focused) {
    range.focus();
  }
}

document.addEventListener("input", (event) => {
  if (event.target.id === "time-range") {
    clearTimeout(settled); // whoever moves on wants to see where they stop
    say();
  }
});
document.addEventListener("change", (event) => {
  if (event.target.id === "time-range") {
    clearTimeout(settled);
    settled = setTimeout(show, SETTLE_MS);
  }
});
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-time-open]") && machine()) {
    machine().hidden = false;
    machine().querySelector("input").focus();
  }
  if (event.target.closest("[data-time-close]")) {
    machine().hidden = true;
  }
});
