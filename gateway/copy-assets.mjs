// Copies what the web UI needs out of node_modules. Runs after every npm install.
//
// What is copied stands in package.json ("everlog"): the file whose content decides whether an
// installation is out of date, so that a changed list is never forgotten.

import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const modules = join(here, "node_modules");
const vendor = join(here, "src", "gateway", "web", "static", "vendor");
const { files, icons } = JSON.parse(readFileSync(join(here, "package.json"), "utf8")).everlog;

rmSync(vendor, { recursive: true, force: true });
mkdirSync(vendor, { recursive: true });
for (const [from, to] of Object.entries(files)) {
  cpSync(join(modules, from), join(vendor, to));
}

// One file of symbols: thousands of icons are installed and a few dozen are used.
const symbols = icons.map((name) => {
  const [kind, file] = name.startsWith("filled/")
    ? ["filled", name.slice("filled/".length)]
    : ["outline", name];
  const svg = readFileSync(join(modules, "@tabler", "icons", "icons", kind, `${file}.svg`), "utf8");
  const inside = svg.slice(svg.indexOf(">") + 1, svg.lastIndexOf("</svg>"));
  const lines = inside.split("\n").filter((line) => line.includes("<path") && !line.includes('"M0 0h24v24H0z"'));
  const id = kind === "filled" ? `${file}-filled` : file;
  return `<symbol id="${id}" viewBox="0 0 24 24">${lines.map((line) => line.trim()).join("")}</symbol>`;
});
const sprite = `<svg xmlns="http://www.w3.org/2000/svg">\n${symbols.join("\n")}\n</svg>\n`;
writeFileSync(join(vendor, "icons.svg"), sprite);
