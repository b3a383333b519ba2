// The command palette: commands at once, records from the server; late answers are dropped.
import { openDrawer } from "./overlays.js";

const WAIT_MS = 140;

export function startPalette() {
  const dialog = document.getElementById("palette");
  const input = document.getElementById("palette-input");
  const list = document.getElementById("palette-list");
  if (!dialog) {
    return;
  }
  let asked = 0;
  let timer;

  const options = () => [...list.querySelectorAll("[role=option]")].filter((o) => !o.hidden);
  const chosen = () => list.querySelector("[aria-selected=true]");

  function choose(option) {
    chosen()?.setAttribute("aria-selected", "false");
    if (option) {
      option.setAttribute("aria-selected", "true");
      option.scrollIntoView({ block: "nearest" });
      input.setAttribute("aria-activedescendant", option.id);
    } else {
      input.removeAttribute("aria-activedescendant");
    }
  }

  function act(option, aside) {
    if (!option) {
      return;
    }
    if (option.dataset.drawer) {
      openDrawer(option.dataset.drawer);
    } else if (aside) {
      window.open(option.dataset.href, "_blank", "noopener");
    } else {
      location.href = option.dataset.href;
    }
  }

  function filterCommands(words) {
    for (const option of list.querySelectorAll("[role=option][data-static]")) {
      option.hidden = words !== "" && !option.dataset.words.includes(words);
    }
    for (const group of list.querySelectorAll(".palette-group[data-static]")) {
      let next = group.nextElementSibling;
      let any = false;
      while (next && next.matches(".palette-item")) {
        any ||= !next.hidden;
        next = next.nextElementSibling;
      }
      group.hidden = !any;
    }
  }

  async function search(words) {
    const mine = ++asked;
    if (words.length < 2) {
      showFound("");
      return;
    }
    const response = await fetch(`/search?q=${encodeURIComponent(words)}`, { headers: { "HX-Request": "true" } });
    const html = response.ok ? await response.text() : "";
    if (mine === asked) {
      showFound(html);
    }
  }

  function showFound(html) {
    for (const old of list.querySelectorAll("[data-found]")) {
      old.remove();
    }
    list.insertAdjacentHTML("afterbegin", html);
    choose(options()[0]);
  }

  input.addEventListener("input", () => {
    const words = input.value.trim().toLowerCase();
    filterCommands(words);
    choose(options()[0]);
    clearTimeout(timer);
    timer = setTimeout(() => search(input.value.trim()), WAIT_MS);
  });
  input.addEventListener("keydown", (event) => {
    const all = options();
    const at = all.indexOf(chosen());
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      const step = event.key === "ArrowDown" ? 1 : -1;
      choose(all[(at + step + all.length) % all.length]);
    } else if (event.key === "Enter") {
      event.preventDefault();
      act(chosen(), event.ctrlKey || event.metaKey);
    }
  });
  list.addEventListener("click", (event) => act(event.target.closest("[role=option]"), event.ctrlKey || event.metaKey));
  dialog.addEventListener("close", () => {
    input.value = "";
    filterCommands("");
    asked += 1;
    showFound("");
  });
  choose(options()[0]);
}
