// Sets the theme before anything is painted: as the device has it, light or dark.
(() => {
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");

  function remembered() {
    try {
      return localStorage.getItem("everlog-theme") || "auto";
    } catch {
      return "auto"; // storage is switched off: the device decides
    }
  }

  function apply() {
    const choice = remembered();
    const theme = choice === "auto" ? (dark.matches ? "dark" : "light") : choice;
    root.dataset.themeChoice = choice;
    if (root.dataset.bsTheme !== theme) {
      root.dataset.bsTheme = theme;
      document.dispatchEvent(new CustomEvent("everlog:theme", { detail: { theme } }));
    }
  }

  window.everlogTheme = (choice) => {
    try {
      localStorage.setItem("everlog-theme", choice);
    } catch {
      root.dataset.bsTheme = choice;
    }
    apply();
  };
  dark.addEventListener("change", apply);
  addEventListener("storage", apply);
  apply();
})();
