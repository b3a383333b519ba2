// Writes from scripts, and what is said when no answer comes.
import { toast, toastNext } from "./toasts.js";

const AWAY = "Everlog does not answer. Check your connection and try again; nothing was saved.";

/** Post a form's values; what the answer asks for (notices, events) is done like for htmx. */
export async function send(url, values) {
  const csrf = document.body.dataset.csrf;
  let response;
  try {
    response = await fetch(url, {
      method: "POST",
      body: new URLSearchParams(values),
      headers: { "X-CSRF-Token": csrf, "HX-Request": "true" },
    });
  } catch {
    toast({ text: AWAY, kind: "error" });
    return { ok: false, detail: AWAY };
  }
  const redirect = response.headers.get("HX-Redirect");
  if (redirect) {
    location.href = redirect;
  }
  const told = response.headers.get("HX-Trigger");
  if (told) {
    for (const [name, detail] of Object.entries(JSON.parse(told))) {
      document.dispatchEvent(new CustomEvent(name, { detail }));
    }
  }
  const text = await response.text();
  return { ok: response.ok, status: response.status, text };
}

export function startSending() {
  // A problem that is no part of a page is said, not shown in its place.
  document.addEventListener("htmx:after:request", (event) => {
    const { ctx } = event.detail;
    if (ctx.response.headers.get("Content-Type")?.startsWith("application/problem+json")) {
      event.preventDefault();
      const problem = JSON.parse(ctx.text);
      toast({ text: problem.detail, title: problem.title, kind: "error" });
    }
  });
  document.addEventListener("htmx:error", (event) => {
    const error = event.detail.error;
    if (error instanceof TypeError || event.detail.ctx?.status?.startsWith?.("error: TypeError")) {
      toast({ text: AWAY, kind: "error" });
    }
  });
  document.addEventListener("htmx:before:response", (event) => {
    const { ctx } = event.detail;
    const headers = ctx.response.headers;
    const told = headers.get("HX-Trigger");
    if (headers.get("HX-Redirect") && told) {
      const notice = JSON.parse(told)["everlog:toast"];
      if (notice) {
        toastNext(notice);
      }
    }
  });
}
