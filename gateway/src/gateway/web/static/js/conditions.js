// The builder of conditions: groups of questions, kept as JSON in the form's hidden field.

const MODES = { all: "All of these", any: "Any of these", none: "None of these", some: "Not all of these" };
const OWN = "custom.";
const CONSENT = "consent.";
const CHANNELS = { email: "e-mail", phone: "phone", sms: "text message", post: "post" };

const make = (tag, properties = {}, ...children) => {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
};

const options = (choices, value) =>
  Object.entries(choices).map(([key, text]) => make("option", { value: key, textContent: text, selected: key === value }));

const named = (element, name) => {
  element.setAttribute("aria-label", name);
  return element;
};

function icon(name) {
  const sprite = document.querySelector("svg.icon use").getAttribute("href").split("#")[0];
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `${sprite}#${name}`);
  svg.append(use);
  return svg;
}

class Builder {
  constructor(place, field) {
    this.known = JSON.parse(place.dataset.conditions);
    this.kinds = Object.fromEntries(this.known.fields.map((each) => [each.name, each.kind]));
    this.choices = Object.fromEntries(this.known.fields.map((each) => [each.name, each.choices]));
    this.field = field;
    place.append(make("datalist", { id: "known-tags" }, ...this.known.tags.map((tag) => make("option", { value: tag }))));
    const given = field.value ? JSON.parse(field.value) : { all: [{}] };
    this.root = this.group(asGroup(given), true);
    place.append(this.root);
    place.addEventListener("input", () => this.tell());
    this.tell();
  }

  tell() {
    const said = this.root.said();
    this.field.value = said ? JSON.stringify(said) : "";
    document.body.dispatchEvent(new CustomEvent("everlog:condition", { bubbles: true }));
  }

  group({ mode, parts }, isRoot = false) {
    const choose = named(make("select", { className: "form-select" }, ...options(MODES, mode)), "How these conditions go together");
    const list = make("div", { className: "group-parts" });
    const element = make("fieldset", { className: "group" });
    const add = (text, part) => {
      const button = make("button", { className: "btn btn-plain btn-s", type: "button" }, icon("plus"), text);
      button.addEventListener("click", () => {
        const added = part();
        list.append(added);
        added.querySelector("select").focus();
        this.tell();
      });
      return button;
    };
    const head = make("div", { className: "group-head" }, choose);
    if (!isRoot) {
      head.append(this.shut(element, "Take this group away"));
    }
    const foot = make(
      "div",
      { className: "group-foot" },
      add("Add condition", () => this.leaf({})),
      add("Add group", () => this.group({ mode: "any", parts: [{}] })),
    );
    named(element, "Conditions");
    element.append(head, list, foot);
    list.append(...parts.map((part) => this.part(part)));
    element.said = () => {
      const said = [...list.children].map((part) => part.said()).filter(Boolean);
      if (!said.length) {
        return null;
      }
      return { all: { all: said }, any: { any: said }, none: { not: { any: said } }, some: { not: { all: said } } }[choose.value];
    };
    return element;
  }

  part(said) {
    return "all" in said || "any" in said || "not" in said ? this.group(asGroup(said)) : this.leaf(said);
  }

  shut(element, label) {
    const button = named(make("button", { className: "shut", type: "button" }, icon("x")), label);
    button.addEventListener("click", () => {
      const next = element.nextElementSibling ?? element.previousElementSibling ?? element.parentElement.closest(".group");
      element.remove();
      next?.querySelector("select, button")?.focus();
      this.tell();
    });
    return button;
  }

  leaf(said) {
    const name = said.field ?? "tags";
    const labels = Object.fromEntries(this.known.fields.map((each) => [each.name, each.label]));
    const kept = name in labels ? name : ([OWN, CONSENT].find((prefix) => name.startsWith(prefix)) ?? name);
    const field = named(make("select", { className: "form-select" }, ...options({ ...labels, [CONSENT]: "Consent to…", [OWN]: "Own field…" }, kept)), "What is asked about");
    const extra = make("span", { className: "condition-value" });
    const operator = named(make("select", { className: "form-select" }), "How it is compared");
    const value = make("span", { className: "condition-value" });
    const element = make("div", { className: "condition" }, field, extra, operator, value);
    element.append(this.shut(element, "Take this condition away"));
    const kind = () => ({ [OWN]: "text", [CONSENT]: "consent" })[field.value] ?? this.kinds[field.value];
    const fill = (given) => {
      extra.replaceChildren(...this.extra(field.value, given.field ?? ""));
      operator.replaceChildren(...options(this.known.operators[kind()], given.is));
      ask(given);
    };
    const ask = (given) => value.replaceChildren(...this.value(field.value, kind(), operator.value, given.value));
    field.addEventListener("input", () => fill({}));
    operator.addEventListener("input", () => {
      const before = value.querySelector("input, select")?.value;
      ask({ value: kind() === "text" || kind() === "tags" ? before : undefined });
    });
    fill(said);
    element.said = () => this.said(field.value, extra, kind(), operator.value, value);
    return element;
  }

  extra(field, name) {
    if (field === OWN) {
      return [named(make("input", { className: "form-control", placeholder: "Name of the field", value: name.slice(OWN.length) }), "Name of the own field")];
    }
    if (field === CONSENT) {
      const [channel, ...purpose] = name.slice(CONSENT.length).split(".");
      return [
        named(make("select", { className: "form-select" }, ...options(CHANNELS, channel || "email")), "Channel"),
        named(make("input", { className: "form-control", placeholder: "Purpose, like newsletter", value: purpose.join(".") }), "Purpose"),
      ];
    }
    return [];
  }

  value(field, kind, operator, given) {
    if (this.known.without_value.includes(operator)) {
      return [];
    }
    const input = (properties) => named(make("input", { className: "form-control", ...properties }), "Value");
    const choices = this.choices[field];
    if (choices) {
      const offered = given && !choices.includes(given) ? [...choices, given] : choices;
      return [named(make("select", { className: "form-select" }, ...options(Object.fromEntries(offered.map((each) => [each, each])), given)), "Value")];
    }
    if (operator.endsWith("_days")) {
      return [input({ type: "number", min: 1, max: 36500, value: given ?? 30 }), "days"];
    }
    if (kind === "date") {
      return [input({ type: "date", value: (given ?? "").slice(0, 10) })];
    }
    if (kind === "number") {
      return [input({ type: "number", step: field.startsWith(OWN) ? "any" : 1, value: given ?? 1 })];
    }
    if (kind === "money") {
      const currency = given?.currency ?? this.known.currency;
      return [input({ type: "number", min: 0, step: "0.01", value: given ? given.amount_minor / 100 : "" }), make("span", { className: "soft", textContent: currency })];
    }
    if (field === "owner") {
      return [named(make("select", { className: "form-select" }, ...options(this.known.owners, [given].flat()[0])), "Value")];
    }
    const element = input({ value: Array.isArray(given) ? given.join(", ") : (given ?? ""), placeholder: kind === "choice" ? "Germany, FR" : "" });
    if (kind === "tags") {
      element.setAttribute("list", "known-tags");
      element.placeholder = "A tag";
    }
    return [element];
  }

  said(field, extra, kind, operator, value) {
    let name = field;
    if (field === OWN || field === CONSENT) {
      const typed = [...extra.querySelectorAll("input, select")].map((each) => each.value.trim());
      if (typed.includes("")) {
        return null;
      }
      name += typed.join(".");
    }
    const said = { field: name, is: operator };
    if (this.known.without_value.includes(operator)) {
      return said;
    }
    const text = value.querySelector("input, select").value.trim();
    if (!text) {
      return null;
    }
    if (kind === "money") {
      return { ...said, value: { amount_minor: Math.round(Number(text) * 100), currency: value.querySelector("span").textContent } };
    }
    if (kind === "number" && field.startsWith(OWN)) {
      return { ...said, value: Number(text) };
    }
    if (kind === "number" || operator.endsWith("_days")) {
      return { ...said, value: Math.round(Number(text)) };
    }
    return { ...said, value: kind === "choice" && !this.choices[field] ? text.split(",").map((each) => each.trim()).filter(Boolean) : text };
  }
}

/** Any condition as a group: what is denied is a group that wants the opposite. */
function asGroup(said) {
  for (const [mode, parts] of [["all", said.all], ["any", said.any], ["none", said.not?.any], ["some", said.not?.all]]) {
    if (parts) {
      return { mode, parts };
    }
  }
  return said.not ? { mode: "none", parts: [said.not] } : { mode: "all", parts: [said] };
}

function start() {
  const place = document.querySelector("[data-conditions]:empty");
  if (place) {
    new Builder(place, document.querySelector("[data-condition]"));
  }
}

document.addEventListener("htmx:after:swap", start);
start();
