// Moving cards: by mouse and touch (SortableJS) or by keyboard. The card moves at once; if the
// server refuses, it goes back and the reason is said.
import Sortable from "../vendor/sortable.esm.js";
import { openDrawer } from "./overlays.js";
import { send } from "./sending.js";

const board = document.querySelector("[data-board]");
const announcer = document.getElementById("announcer");
const movable = Boolean(document.querySelector("[data-zone]"));

const say = (text) => {
  announcer.textContent = text;
};
const lists = () => [...board.querySelectorAll("[data-cards]")];
const listOf = (card) => card.closest("[data-cards]");

async function move(card, from, to, putBack) {
  if (from === to) {
    return;
  }
  card.classList.add("sending");
  const answer = await send(`/pipeline/deals/${card.dataset.deal}/move`, {
    stage: to.dataset.cards,
    stage_name: to.dataset.name,
    from: from.dataset.cards,
    from_name: from.dataset.name,
  });
  card.classList.remove("sending");
  if (!answer.ok) {
    putBack();
    say(`${card.dataset.title} went back to ${from.dataset.name}.`);
  } else {
    say(`${card.dataset.title} is in ${to.dataset.name} now.`);
  }
}

/** Remembers where a card lies, to put it back there. */
function place(card) {
  const list = listOf(card);
  const next = card.nextElementSibling;
  return { list, putBack: () => list.insertBefore(card, next?.parentElement === list ? next : null) };
}

function startDragging() {
  let before = null;
  const options = {
    group: "deals",
    animation: matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 140,
    delay: 160,
    delayOnTouchOnly: true,
    ghostClass: "ghost",
    draggable: ".deal-card",
    forceFallback: false,
    onStart(event) {
      before = place(event.item);
      document.body.classList.add("dragging");
    },
    onEnd() {
      document.body.classList.remove("dragging");
    },
  };
  for (const list of lists()) {
    if (!Sortable.get(list)) {
      Sortable.create(list, { ...options, onAdd: (event) => move(event.item, before.list, event.to, before.putBack) });
    }
  }
  for (const zone of document.querySelectorAll("[data-zone]")) {
    if (!Sortable.get(zone)) {
      Sortable.create(zone, {
        group: { name: "deals", pull: false },
        onAdd(event) {
          before.putBack();
          openDrawer(`/pipeline/deals/${event.item.dataset.deal}/close?outcome=${zone.dataset.zone}`, "#box");
        },
      });
      zone.addEventListener("dragenter", () => zone.classList.add("over"));
      zone.addEventListener("dragleave", () => zone.classList.remove("over"));
      zone.addEventListener("drop", () => zone.classList.remove("over"));
    }
  }
}

let lifted = null;

function lift(card) {
  lifted = { card, ...place(card) };
  card.classList.add("lifted");
  say(`${card.dataset.title} is lifted. Arrows move it, Space drops it, w wins, l loses, Escape leaves it.`);
}

function drop() {
  const { card, list, putBack } = lifted;
  card.classList.remove("lifted");
  lifted = null;
  move(card, list, listOf(card), putBack);
}

function leave() {
  lifted.card.classList.remove("lifted");
  lifted.putBack();
  lifted.card.focus();
  say("Left where it was.");
  lifted = null;
}

function shift(key) {
  const { card } = lifted;
  const all = lists();
  const at = all.indexOf(listOf(card));
  if (key === "ArrowLeft" || key === "ArrowRight") {
    const to = all[at + (key === "ArrowRight" ? 1 : -1)];
    if (to) {
      to.prepend(card);
      say(to.dataset.name);
    }
  } else if (key === "ArrowUp") {
    card.previousElementSibling?.before(card);
  } else {
    card.nextElementSibling?.after(card);
  }
  card.focus();
  card.scrollIntoView({ block: "nearest", inline: "nearest" });
}

function onKey(event) {
  const card = event.target.closest(".deal-card");
  if (!card || event.target !== card) {
    return;
  }
  if (!lifted) {
    if (event.key === " ") {
      event.preventDefault();
      lift(card);
    } else if (event.key === "Enter") {
      card.querySelector("a").click();
    }
    return;
  }
  const acts = {
    " ": drop,
    Enter: drop,
    Escape: leave,
    w: () => close("won"),
    l: () => close("lost"),
  };
  if (event.key.startsWith("Arrow")) {
    event.preventDefault();
    shift(event.key);
  } else if (acts[event.key]) {
    event.preventDefault();
    event.stopPropagation();
    acts[event.key]();
  }
}

function close(outcome) {
  const { deal } = lifted.card.dataset;
  leave();
  openDrawer(`/pipeline/deals/${deal}/close?outcome=${outcome}`, "#box");
}

if (board) {
  if (movable) {
    startDragging();
    board.addEventListener("keydown", onKey);
    document.addEventListener("htmx:after:swap", startDragging);
  }
  // What changes meanwhile has to wait until the card is dropped.
  document.addEventListener("htmx:config:request", (event) => {
    const busy = lifted || document.body.classList.contains("dragging");
    if (busy && event.target === board) {
      event.preventDefault();
    }
  });
}
