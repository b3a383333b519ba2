// Keys: `g` and a letter goes somewhere, `c` creates, `/` searches, `?` shows them all.

const SEQUENCE_MS = 1200;

function typing(event) {
  const at = event.target;
  return at.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(at.tagName);
}

export function startKeys({ openDrawer }) {
  let goes = 0;
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
      event.preventDefault();
      document.querySelector("[data-open=palette]")?.click();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || typing(event)) {
      return;
    }
    if (document.querySelector("dialog[open]")) {
      return;
    }
    if (goes && event.timeStamp - goes < SEQUENCE_MS) {
      goes = 0;
      const place = document.querySelector(`#go-${CSS.escape(event.key)}`);
      if (place) {
        event.preventDefault();
        location.href = place.dataset.href;
      }
      return;
    }
    const act = {
      g: () => (goes = event.timeStamp),
      "/": () => document.querySelector("[data-list-search]")?.focus(),
      c: () => document.querySelector("[data-create]")?.click(),
      "?": () => document.querySelector("[data-open=shortcuts]")?.click(),
    }[event.key];
    if (act) {
      event.preventDefault();
      act();
    }
  });
}
