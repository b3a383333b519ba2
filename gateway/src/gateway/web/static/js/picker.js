// Fields that take a record: the text is searched for, the id of what was chosen is sent.

function choose(picker, option) {
  picker.querySelector("input[type=hidden]").value = option.dataset.pick;
  const text = picker.querySelector("[role=combobox]");
  text.value = option.dataset.text;
  close(picker);
  text.focus();
}

function close(picker) {
  picker.querySelector("[role=listbox]").replaceChildren();
  picker.querySelector("[role=combobox]").setAttribute("aria-expanded", "false");
}

export function startPickers() {
  document.addEventListener("click", (event) => {
    const option = event.target.closest("[data-pick]");
    if (option) {
      choose(option.closest("[data-picker]"), option);
    }
  });
  document.addEventListener("input", (event) => {
    const picker = event.target.closest?.("[data-picker]");
    if (picker) {
      picker.querySelector("input[type=hidden]").value = "";
    }
  });
  document.addEventListener("htmx:after:swap", (event) => {
    const list = event.detail.ctx?.target;
    if (list?.matches?.("[data-picker] [role=listbox]")) {
      const text = list.closest("[data-picker]").querySelector("[role=combobox]");
      text.setAttribute("aria-expanded", String(list.childElementCount > 0));
    }
  });
  document.addEventListener("keydown", (event) => {
    const picker = event.target.closest?.("[data-picker]");
    if (!picker) {
      return;
    }
    const options = [...picker.querySelectorAll("[data-pick]")];
    const at = options.findIndex((o) => o.getAttribute("aria-selected") === "true");
    if ((event.key === "ArrowDown" || event.key === "ArrowUp") && options.length) {
      event.preventDefault();
      options[at]?.setAttribute("aria-selected", "false");
      const next = options[(at + (event.key === "ArrowDown" ? 1 : -1) + options.length) % options.length];
      next.setAttribute("aria-selected", "true");
    } else if (event.key === "Enter" && options.length) {
      event.preventDefault();
      choose(picker, options[Math.max(0, at)]);
    } else if (event.key === "Escape" && options.length) {
      event.preventDefault();
      event.stopPropagation();
      close(picker);
    }
  });
  document.addEventListener("focusout", (event) => {
    const picker = event.target.closest?.("[data-picker]");
    if (picker) {
      setTimeout(() => picker.contains(document.activeElement) || close(picker), 200);
    }
  });
}
