// The theme switches: in the account menu and in the settings.
export function startThemeMenu() {
  const buttons = () => [...document.querySelectorAll("button[data-theme-choice]")];
  const show = () => {
    for (const button of buttons()) {
      const chosen = button.dataset.themeChoice === document.documentElement.dataset.themeChoice;
      button.setAttribute(button.role === "menuitemradio" ? "aria-checked" : "aria-pressed", String(chosen));
    }
  };
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-theme-choice]");
    if (button) {
      window.everlogTheme(button.dataset.themeChoice);
      show();
    }
  });
  document.addEventListener("htmx:after:swap", show);
  show();
}
