/* What the charts share: the numbers in the page, the chosen symbol, the colours. */
const charts = (() => {
  "use strict";
  const element = document.getElementById("chart-data");
  const LWC = window.LightweightCharts;
  // Older browsers, which cannot inflate, keep the still pictures.
  if (!element || !LWC || !window.DecompressionStream) return null;
  const { horizons, fan, symbols } = JSON.parse(element.textContent);
  if (!symbols.length) return null;

  const LEVELS = 7; // quantiles of a forecast: 5, 10, 25, 50, 75, 90, 95%
  const MEDIAN = 3;
  const BANDS = [[0, 6], [1, 5], [2, 4]]; // low and high of 90, 80, 50%
  const OUTCOME = { none: 0, open: 1, missed: 5 }; // 2, 3, 4: the 50, 80, 90% range held
  const HELD = ["", "", "50%", "80%", "90%", "missed"];
  const FEW = 12; // symbols that a plain list can hold
  const longest = Math.max(...horizons);

  /* numbers: written by figures/encoding.py and figures/price_chart.py */
  async function inflated(text) {
    const bytes = Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  }

  function reader(planes) {
    const n = planes.length / 4; // one plane for each byte of a number, lowest first
    let at = 0;
    const next = () => {
      const value = planes[at] | planes[at + n] << 8 | planes[at + 2 * n] << 16 | planes[at + 3 * n] << 24;
      at += 1;
      return (value >>> 1) ^ -(value & 1);
    };
    return {
      numbers: (count) => Array.from({ length: count }, next),
      sums: (count) => { let sum = 0; return Array.from({ length: count }, () => (sum += next())); },
    };
  }

  const isWeekday = (day) => ![2, 3].includes(((day % 7) + 7) % 7); // 1970-01-01 was a Thursday

  async function decoded(raw) {
    const { numbers, sums } = reader(await inflated(raw.data));
    const n = raw.bars, m = raw.origins, inUnits = (ticks) => ticks.map((count) => count * raw.tick);
    const day = sums(n), close = sums(n);
    let candles = null;
    if (raw.candles) {
      const open = numbers(n).map((gap, i) => close[Math.max(i - 1, 0)] + gap);
      const high = numbers(n).map((reach, i) => Math.max(open[i], close[i]) + reach);
      const low = numbers(n).map((reach, i) => Math.min(open[i], close[i]) - reach);
      candles = { open: inUnits(open), high: inUnits(high), low: inUnits(low) };
    }
    const origin = sums(m);
    const forecasts = raw.steps.map((step) => {
      const outcome = numbers(m);
      const median = sums(m), gaps = Array.from({ length: LEVELS - 1 }, () => sums(m));
      const levels = [gaps[0].map((_, i) => median[i] - gaps[0][i] - gaps[1][i] - gaps[2][i])];
      gaps.forEach((gap, j) => levels.push(gap.map((width, i) => levels[j][i] + width)));
      return { outcome, levels: levels.map((level) => level.map((value) => value * step / 1e4)) };
    });
    // Sessions after the last bar are not known: weekdays stand in, so that open ranges have a place.
    for (let next = day[n - 1] + 1; day.length < n + longest; next += 1) if (isWeekday(next)) day.push(next);
    const closes = inUnits(close);
    // Four digits at least, two of them behind the point, but none that rounding has made up.
    const wanted = Math.max(2, 3 - Math.floor(Math.log10(closes[n - 1])));
    const decimals = Math.max(0, Math.min(wanted, Math.floor(-Math.log10(raw.tick) + 0.01)));
    return {
      name: raw.name, nBars: n, close: closes, candles, origin, forecasts, decimals,
      days: day.map((number) => new Date(number * 864e5).toISOString().slice(0, 10)),
      has: (k, i) => forecasts[k].outcome[i] !== OUTCOME.none,
      price: (k, i, j) => closes[origin[i]] * Math.exp(forecasts[k].levels[j][i]),
    };
  }

  /* the chosen symbol: decoded when it is first shown */
  const ready = new Map(), listeners = [];
  let chosen = -1;

  async function choose(index) {
    chosen = index;
    choosers.forEach((show) => show(index));
    if (!ready.has(index)) ready.set(index, decoded(symbols[index]));
    const symbol = await ready.get(index);
    if (chosen === index) listeners.forEach((listen) => listen(symbol)); // else another was chosen meanwhile
  }

  /* A list for a few symbols; for many a box to type in, with the names that fit below it. */
  const choosers = [];
  document.querySelectorAll("[data-symbols]").forEach((label, place) => {
    const isList = symbols.length <= FEW;
    const box = document.createElement(isList ? "select" : "input");
    box.id = label.dataset.symbols;
    label.append(box);
    if (isList) {
      symbols.forEach(({ name }, i) => box.add(new Option(name, String(i))));
      box.addEventListener("change", () => choose(Number(box.value)));
      choosers.push((index) => { box.value = String(index); });
      return;
    }
    box.setAttribute("list", "symbol-names");
    box.autocomplete = "off";
    box.spellcheck = false;
    if (!place) {
      const names = document.createElement("datalist");
      names.id = "symbol-names";
      names.append(...symbols.map(({ name }) => Object.assign(document.createElement("option"), { value: name })));
      label.after(names);
    }
    const upper = symbols.map(({ name }) => name.toUpperCase());
    const shown = () => { box.value = symbols[chosen].name; box.placeholder = ""; };
    const matching = (text, whole) => {
      const exact = upper.indexOf(text);
      if (exact >= 0 || whole || !text) return exact;
      const start = upper.findIndex((name) => name.startsWith(text));
      return start >= 0 ? start : upper.findIndex((name) => name.includes(text));
    };
    const take = (whole) => {
      const index = matching(box.value.trim().toUpperCase(), whole);
      const isUnknown = index < 0 && box.value !== "" && !whole;
      box.setAttribute("aria-invalid", String(isUnknown));
      box.setCustomValidity(isUnknown ? `No symbol of this report has “${box.value}” in its name.` : "");
      if (index >= 0) choose(index);
      return index >= 0;
    };
    const restore = () => { shown(); box.removeAttribute("aria-invalid"); box.setCustomValidity(""); };
    // An empty box offers all names; its placeholder says which one is shown.
    box.addEventListener("focus", () => { box.placeholder = symbols[chosen].name; box.value = ""; });
    box.addEventListener("input", () => take(true));
    box.addEventListener("keydown", (event) => {
      if (event.key === "Enter") { if (take(false)) shown(); else box.reportValidity(); }
      if (event.key === "Escape") restore();
    });
    box.addEventListener("blur", () => { take(false); restore(); });
    choosers.push(() => { if (document.activeElement !== box) shown(); });
  });

  /* colours: the page's own, read again whenever the theme changes */
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  const alpha = (hex, share) => hex + Math.round(share * 255).toString(16).padStart(2, "0");

  function options() {
    const line = { color: colour("--ink-3"), labelBackgroundColor: colour("--ink-2") };
    return {
      layout: {
        background: { color: "transparent" }, textColor: colour("--ink-2"), fontSize: 12,
        fontFamily: getComputedStyle(document.body).fontFamily, attributionLogo: false,
        panes: { enableResize: false, separatorColor: colour("--rule"), separatorHoverColor: colour("--rule") },
      },
      grid: { vertLines: { visible: false }, horzLines: { color: colour("--rule") } },
      crosshair: { mode: LWC.CrosshairMode.Normal, vertLine: line, horzLine: line },
      localization: { locale: "en", dateFormat: "yyyy-MM-dd" },
    };
  }

  function create(host) {
    return LWC.createChart(host, {
      ...options(),
      autoSize: true,
      rightPriceScale: { borderVisible: false, entireTextOnly: true, scaleMargins: { top: 0.08, bottom: 0.08 } },
      timeScale: { borderVisible: false, minBarSpacing: 0.1 },
      // The page keeps its own scrolling: wheel and vertical swipes pass through.
      handleScroll: { mouseWheel: false, vertTouchDrag: false },
      handleScale: { mouseWheel: false, axisPressedMouseMove: { price: false, time: true } },
    });
  }

  function onTheme(recolour) {
    document.addEventListener("themechange", recolour);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", recolour);
  }

  /* drawing on a canvas */
  const draw = {
    polygon(context, upper, lower, fill) {
      context.beginPath();
      upper.forEach(([x, y], i) => (i ? context.lineTo(x, y) : context.moveTo(x, y)));
      lower.slice().reverse().forEach(([x, y]) => context.lineTo(x, y));
      context.closePath();
      context.fillStyle = fill;
      context.fill();
    },
    line(context, points, stroke, dash, width = 1.5) {
      context.beginPath();
      points.forEach(([x, y], i) => (i ? context.lineTo(x, y) : context.moveTo(x, y)));
      context.setLineDash(dash);
      context.lineWidth = width;
      context.strokeStyle = stroke;
      context.stroke();
      context.setLineDash([]);
    },
    /* A red cross for a miss, with a rim that lifts it off the candles. */
    cross(context, [x, y], size) {
      for (const [stroke, width] of [[colour("--ground"), size], [colour("--bad"), size / 2]]) {
        draw.line(context, [[x - size, y - size], [x + size, y + size]], stroke, [], width);
        draw.line(context, [[x - size, y + size], [x + size, y - size]], stroke, [], width);
      }
    },
    dot(context, [x, y], size) {
      context.beginPath();
      context.arc(x, y, size, 0, 2 * Math.PI);
      context.fillStyle = colour("--ink");
      context.strokeStyle = colour("--ground");
      context.lineWidth = 1.5;
      context.fill();
      context.stroke();
    },
  };

  /* Arrow keys move the crosshair of a focused chart. `place(bar)` gives [price, time, series]. */
  function keyboard(host, chart, { start, last, place, moved, pick }) {
    let bar = null;
    host.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -20, PageDown: 20, Home: -Infinity, End: Infinity }[event.key];
      if (event.key === "Enter" && bar !== null && pick) pick(bar);
      if (step === undefined) return;
      event.preventDefault();
      bar = Math.min(Math.max((bar ?? start()) + step, 0), last());
      const seen = chart.timeScale().getVisibleLogicalRange(), width = seen.to - seen.from;
      if (bar < seen.from) chart.timeScale().setVisibleLogicalRange({ from: bar - 2, to: bar - 2 + width });
      if (bar > seen.to) chart.timeScale().setVisibleLogicalRange({ from: bar + 2 - width, to: bar + 2 });
      chart.setCrosshairPosition(...place(bar));
      moved(bar);
    });
    host.addEventListener("blur", () => { bar = null; chart.clearCrosshairPosition(); });
    return { forget: () => { bar = null; } };
  }

  const money = (value, { decimals }) =>
    value.toLocaleString("en", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
  function percent(fraction, digits = 2) {
    const text = Math.abs(100 * fraction).toFixed(digits);
    return `${Number(text) === 0 ? "" : fraction > 0 ? "+" : "\u2212"}${text}%`; // what rounds to 0 has no sign
  }
  const sessions = (n) => (n === 1 ? "1 session" : `${n} sessions`);

  /* A line of names and values, as text: no name can become markup. */
  function write(target, parts) {
    target.replaceChildren(...parts.filter(Boolean).map(([name, value]) => {
      const part = document.createElement("span");
      if (name) part.append(Object.assign(document.createElement("span"), { className: "label", textContent: name }), " ");
      part.append(value);
      return part;
    }));
  }

  document.documentElement.classList.add("live"); // the still pictures give way; only now have charts a size
  return {
    LWC, BANDS, MEDIAN, OUTCOME, HELD, horizons, fan, longest, colour, alpha, options, create, onTheme, draw, keyboard,
    money, percent, sessions, write,
    onSymbol: (listen) => listeners.push(listen),
    start: () => choose(0),
  };
})();
