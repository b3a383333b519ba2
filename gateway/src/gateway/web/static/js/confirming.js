// Questions before something that cannot be undone, in our own box instead of the browser's.

export function startConfirming() {
  const dialog = document.getElementById("confirm");
  document.addEventListener("htmx:confirm", (event) => {
    const { ctx, issueRequest, dropRequest } = event.detail;
    if (!ctx.confirm) {
      return;
    }
    event.preventDefault();
    dialog.querySelector("p").textContent = ctx.confirm;
    dialog.returnValue = "";
    dialog.addEventListener("close", () => (dialog.returnValue === "yes" ? issueRequest() : dropRequest()), { once: true });
    dialog.showModal();
  });
}
