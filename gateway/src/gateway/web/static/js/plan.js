// Planning a broadcast: what was chosen is summed up beside the form.

const WHEN = { now: "Now", later: "At a time", planned: "Only planned" };
const DOES = { now: "Send now", later: "Schedule", planned: "Plan it" };

function show() {
  const form = document.getElementById("plan");
  if (!form) {
    return;
  }
  const values = new FormData(form);
  const say = (name, text) => {
    form.querySelector(`[data-said="${name}"]`).textContent = text || "–";
  };
  say("template_id", form.querySelector("[name=template_id]:checked")?.dataset.says);
  say("topic", values.get("topic"));
  const when = values.get("when");
  say("when", when === "later" && values.get("send_at") ? values.get("send_at").replace("T", ", ") : WHEN[when]);
  form.querySelector("[data-later]").hidden = when !== "later";
  form.querySelector("[data-some]").hidden = values.get("whom") === "everyone";
  form.querySelector("[data-do]").textContent = DOES[when];
}

document.addEventListener("input", show);
document.addEventListener("htmx:after:swap", show);
show();
