// What happens elsewhere: the live stream fills the tiles, and every part of the page that shows
// figures or lists is told when something has changed.

const SETTLE_MS = 400;
const PAUSE_MS = 2000;

const url = document.body.dataset.live;
let source = null;
let changes = null; // how often figures have changed, as the stream counts it
let newest = ""; // when the latest event was recorded
let settled = null;

function money(amounts) {
  return (amounts ?? [])
    .map(({ amount_minor: minor, currency }) => {
      const format = new Intl.NumberFormat("en", { style: "currency", currency, currencyDisplay: "narrowSymbol" });
      const digits = format.resolvedOptions().maximumFractionDigits;
      return format.format(minor / 10 ** digits).replace(/\.00$/, "");
    })
    .join(" + ");
}

function put(name, text) {
  const place = document.querySelector(`[data-live-${name}]`);
  if (place && place.textContent !== text) {
    place.textContent = text;
    place.classList.remove("changed-now");
    requestAnimationFrame(() => place.classList.add("changed-now"));
  }
}

function bars(minutes) {
  const svg = document.querySelector("[data-live-bars]");
  if (!svg || !minutes?.length) {
    return;
  }
  const top = Math.max(4, ...minutes);
  const width = 120 / minutes.length;
  svg.replaceChildren(
    ...minutes.map((count, n) => {
      const bar = document.createElementNS("http://www.w3.org/2000/svg", "rect");
      const height = (count / top) * 30;
      for (const [key, value] of Object.entries({ x: n * width, y: 31 - height, width: width * 0.7, height: Math.max(0.6, height) })) {
        bar.setAttribute(key, value);
      }
      return bar;
    }),
  );
}

/** Tells every part of the page that shows figures or lists; once for a burst of changes. */
function tell() {
  settled ??= setTimeout(() => {
    settled = null;
    document.dispatchEvent(new CustomEvent("everlog:others"));
  }, SETTLE_MS);
}

function onFigures({ changes: now }) {
  if (changes !== null && changes !== now) {
    tell();
  }
  changes = now;
}

function onLive(snapshot) {
  const number = new Intl.NumberFormat("en");
  alive(snapshot.status === "live");
  put("rate", number.format(snapshot.events_last_minute));
  put("foot", snapshot.status === "live" ? `${number.format(snapshot.events_last_hour)} in the last hour` : "The live stream is not running");
  put("won", money(snapshot.won_last_hour) || money([{ amount_minor: 0, currency: document.querySelector("[data-live-won]")?.dataset.liveWon || "EUR" }]));
  bars(snapshot.minutes);
  const latest = snapshot.recent[0]?.recorded_at ?? "";
  if (newest && latest > newest) {
    tell();
  }
  newest = latest || newest;
}

function alive(is) {
  document.querySelector("[data-live-dot]")?.classList.toggle("live", is);
}

// A tab that nobody looks at holds no connection: a browser has six for a site, whatever its tabs.
function connect() {
  if (source || document.hidden) {
    return;
  }
  source = new EventSource(url);
  source.addEventListener("figures", (event) => onFigures(JSON.parse(event.data)));
  source.addEventListener("live", (event) => onLive(JSON.parse(event.data)));
  source.addEventListener("error", () => {
    alive(false);
    if (source?.readyState === EventSource.CLOSED) {
      disconnect();
      setTimeout(connect, PAUSE_MS);
    }
  });
}

function disconnect() {
  source?.close();
  source = null;
}

if (url && document.querySelector("[data-live-tiles], [hx-trigger*='everlog:others']")) {
  document.addEventListener("visibilitychange", () => (document.hidden ? disconnect() : connect()));
  addEventListener("pagehide", disconnect);
  addEventListener("pageshow", connect);
  connect();
}
