/* The interactive price chart. It draws what is in the page; it decides and computes nothing else. */
(() => {
  "use strict";
  const host = document.getElementById("chart");
  if (!host || !window.LightweightCharts) return;
  const data = JSON.parse(document.getElementById("chart-data").textContent);
  if (!data.symbols.length) return;

  const LWC = window.LightweightCharts;
  const LEVELS = 7; // quantiles per forecast: 5, 10, 25, 50, 75, 90, 95%
  const BANDS = [[0, 6, 90], [1, 5, 80], [2, 4, 50]]; // low, high, % inside
  const byId = (id) => document.getElementById(id);
  const slider = byId("origin"), symbolBox = byId("symbol"), readout = byId("readout");
  const state = { series: null, symbol: null, at: 0, horizon: "all" };

  /* data */
  const unfold = (steps) => { let sum = 0; return steps.map((step) => (sum += step)); };
  const isoDay = (day) => new Date(day * 864e5).toISOString().slice(0, 10);
  const isWeekday = (day) => ![2, 3].includes(((day % 7) + 7) % 7); // 1970-01-01 was a Thursday

  function prepare(raw) {
    if (raw.ready) return raw;
    raw.day = unfold(raw.day);
    raw.origin = unfold(raw.origin);
    raw.nBars = raw.day.length;
    // Sessions after the last bar are not known: weekdays stand in, so that open ranges have a place.
    const extra = Math.max(...data.horizons);
    for (let day = raw.day[raw.nBars - 1]; raw.day.length < raw.nBars + extra;) {
      day += 1;
      if (isWeekday(day)) raw.day.push(day);
    }
    raw.ready = true;
    return raw;
  }

  /* Price of quantile j issued at origin number i for horizon number k; null without a forecast. */
  function price(symbol, i, k, j) {
    const points = symbol.ranges[k][i * LEVELS + j];
    return points === null ? null : symbol.close[symbol.origin[i]] * Math.exp(points / 1e4);
  }

  /* colours: the page's own, read again whenever the theme changes */
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  const alpha = (hex, share) => hex + Math.round(share * 255).toString(16).padStart(2, "0");

  function themed() {
    return {
      layout: {
        background: { color: colour("--ground") }, textColor: colour("--ink-2"), fontSize: 12,
        fontFamily: getComputedStyle(document.body).fontFamily, attributionLogo: false,
      },
      grid: { vertLines: { visible: false }, horzLines: { color: colour("--rule") } },
      crosshair: {
        vertLine: { color: colour("--ink-3"), labelBackgroundColor: colour("--ink-2") },
        horzLine: { color: colour("--ink-3"), labelBackgroundColor: colour("--ink-2") },
      },
    };
  }

  document.documentElement.classList.add("live"); // the still picture gives way; only now has #chart a size
  const chart = LWC.createChart(host, {
    ...themed(),
    autoSize: true,
    rightPriceScale: { borderVisible: false, scaleMargins: { top: 0.08, bottom: 0.08 } },
    timeScale: { borderVisible: false, minBarSpacing: 0.2 },
    // The page keeps its own scrolling: wheel and vertical swipes pass through.
    handleScroll: { mouseWheel: false, vertTouchDrag: false },
    handleScale: { mouseWheel: false, axisPressedMouseMove: { price: false, time: true } },
  });

  /* the ranges, painted behind the prices */
  function polygon(context, upper, lower, fill) {
    context.beginPath();
    upper.forEach(([x, y], i) => (i ? context.lineTo(x, y) : context.moveTo(x, y)));
    lower.slice().reverse().forEach(([x, y]) => context.lineTo(x, y));
    context.closePath();
    context.fillStyle = fill;
    context.fill();
  }

  function line(context, points, stroke, dash) {
    context.beginPath();
    points.forEach(([x, y], i) => (i ? context.lineTo(x, y) : context.moveTo(x, y)));
    context.setLineDash(dash);
    context.lineWidth = 1.5;
    context.strokeStyle = stroke;
    context.stroke();
    context.setLineDash([]);
  }

  const place = (bar, value) =>
    [chart.timeScale().logicalToCoordinate(bar), state.series.priceToCoordinate(value)];

  /* From one origin: 50, 80 and 90 % at every horizon, the median, and the naive line. */
  function paintFan(context) {
    const { symbol, at } = state, start = symbol.origin[at], close = symbol.close[start];
    const ks = data.horizons.map((_, k) => k).filter((k) => price(symbol, at, k, 3) !== null);
    if (!ks.length) return;
    const path = (j) => [place(start, close),
      ...ks.map((k) => place(start + data.horizons[k], price(symbol, at, k, j)))];
    for (const [low, high] of BANDS) {
      polygon(context, path(high), path(low), alpha(colour("--headline"), 0.2));
    }
    line(context, path(3), colour("--headline"), []);
    const last = start + data.horizons[ks[ks.length - 1]];
    line(context, [place(start, close), place(last, close)], colour("--naive"), [4, 4]);
    for (const k of ks) {
      const bar = start + data.horizons[k];
      line(context, [place(bar, price(symbol, at, k, 0)), place(bar, price(symbol, at, k, 6))],
        alpha(colour("--headline"), 0.6), [1, 3]);
    }
  }

  /* One horizon: each range stands at the session it spoke of, h sessions after it was issued. */
  function paintBand(context, k) {
    const { symbol } = state, h = data.horizons[k], seen = chart.timeScale().getVisibleLogicalRange();
    if (!seen) return;
    const run = [];
    symbol.origin.forEach((bar, i) => {
      if (bar + h >= seen.from - 2 && bar + h <= seen.to + 2 && price(symbol, i, k, 3) !== null) run.push(i);
    });
    if (!run.length) return;
    const path = (j) => run.map((i) => place(symbol.origin[i] + h, price(symbol, i, k, j)));
    for (const [low, high] of BANDS) {
      polygon(context, path(high), path(low), alpha(colour("--headline"), 0.16));
    }
    const naive = run.map((i) => place(symbol.origin[i] + h, symbol.close[symbol.origin[i]]));
    line(context, naive, colour("--naive"), [4, 4]);
  }

  function paintOrigin(context, height) {
    const x = chart.timeScale().logicalToCoordinate(state.symbol.origin[state.at]);
    line(context, [[x, 0], [x, height]], alpha(colour("--ink-3"), 0.7), [2, 3]);
  }

  const ranges = {
    paneViews: () => [{
      zOrder: () => "bottom",
      renderer: () => ({
        draw: (target) => target.useMediaCoordinateSpace(({ context, mediaSize }) => {
          context.lineJoin = "round";
          if (state.horizon === "all") paintFan(context);
          else paintBand(context, Number(state.horizon));
          paintOrigin(context, mediaSize.height);
        }),
      }),
    }],
    autoscaleInfo: (from, to) => {
      const { symbol, at } = state;
      const all = state.horizon === "all";
      const inView = (i, k) => symbol.origin[i] + data.horizons[k] >= from && symbol.origin[i] <= to;
      let low = Infinity, high = -Infinity;
      const reach = (i, k) => {
        if (!inView(i, k) || price(symbol, i, k, 3) === null) return;
        low = Math.min(low, price(symbol, i, k, 0));
        high = Math.max(high, price(symbol, i, k, 6));
      };
      if (all) data.horizons.forEach((_, k) => reach(at, k));
      else symbol.origin.forEach((_, i) => reach(i, Number(state.horizon)));
      return low < high ? { priceRange: { minValue: low, maxValue: high } } : null;
    },
  };

  function seriesOptions(candles) {
    const up = colour("--ink-3"), down = colour("--ink");
    const shared = { priceLineVisible: false, lastValueVisible: false };
    return candles
      ? { ...shared, upColor: colour("--ground"), downColor: down, borderUpColor: up,
          borderDownColor: down, wickUpColor: up, wickDownColor: down }
      : { ...shared, color: colour("--ink"), lineWidth: 2, crosshairMarkerRadius: 3 };
  }

  function show(symbol) {
    state.symbol = prepare(symbol);
    if (state.series) chart.removeSeries(state.series);
    const candles = Boolean(symbol.open && symbol.high && symbol.low);
    state.series = chart.addSeries(candles ? LWC.CandlestickSeries : LWC.LineSeries, seriesOptions(candles));
    state.series.setData(symbol.day.map((day, i) => {
      const time = isoDay(day);
      if (i >= symbol.nBars) return { time };
      return candles
        ? { time, open: symbol.open[i], high: symbol.high[i], low: symbol.low[i], close: symbol.close[i] }
        : { time, value: symbol.close[i] };
    }));
    state.series.attachPrimitive(ranges);
    slider.max = String(symbol.origin.length - 1);
    const longest = Math.max(...data.horizons);
    const whole = symbol.origin.findLastIndex((bar) => bar + longest < symbol.nBars);
    choose(Math.max(whole, 0));
    span(126);
  }

  /* Put about n sessions in view, the chosen origin two thirds along; 0 means everything. */
  function span(n) {
    const bar = state.symbol.origin[state.at];
    const longest = Math.max(...data.horizons);
    if (!n) chart.timeScale().setVisibleLogicalRange({ from: 0, to: state.symbol.nBars + longest });
    else chart.timeScale().setVisibleLogicalRange({ from: bar + longest + 8 - n, to: bar + longest + 8 });
  }

  function choose(i) {
    state.at = Math.min(Math.max(i, 0), state.symbol.origin.length - 1);
    slider.value = String(state.at);
    const seen = chart.timeScale().getVisibleLogicalRange();
    const bar = state.symbol.origin[state.at], longest = Math.max(...data.horizons);
    if (seen && (bar < seen.from || bar + longest > seen.to)) {
      const width = seen.to - seen.from, to = bar + longest + 8;
      chart.timeScale().setVisibleLogicalRange({ from: to - width, to });
    }
    describe();
    // An empty change of options makes the chart paint again.
    state.series.applyOptions({});
  }

  /* the table under the chart: text only, so no name can become markup */
  const money = (value) => value.toLocaleString("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  function cell(row, text, kind = "td") {
    const element = row.appendChild(document.createElement(kind));
    element.textContent = text;
    return element;
  }

  function outcome(symbol, i, k) {
    const bar = symbol.origin[i] + data.horizons[k];
    if (bar >= symbol.nBars) return ["not known yet", ""];
    const close = symbol.close[bar];
    const held = BANDS.slice().reverse().find(([low, high]) =>
      close >= price(symbol, i, k, low) && close <= price(symbol, i, k, high));
    return [money(close), held ? `${held[2]}%` : "outside 90%"];
  }

  function describe() {
    const { symbol, at } = state, start = symbol.origin[at];
    slider.setAttribute("aria-valuetext", isoDay(symbol.day[start]));
    byId("origin-day").textContent = isoDay(symbol.day[start]);
    byId("origin-close").textContent = money(symbol.close[start]);
    readout.replaceChildren();
    data.horizons.forEach((h, k) => {
      const row = readout.appendChild(document.createElement("tr"));
      cell(row, h === 1 ? "1 session" : `${h} sessions`, "th").scope = "row";
      if (price(symbol, at, k, 3) === null) { cell(row, "no forecast").colSpan = 4; return; }
      cell(row, `${money(price(symbol, at, k, 0))} – ${money(price(symbol, at, k, 6))}`);
      cell(row, money(price(symbol, at, k, 3)));
      outcome(symbol, at, k).forEach((text) => cell(row, text));
    });
  }

  /* controls */
  data.symbols.forEach((symbol, i) => symbolBox.add(new Option(symbol.name, String(i))));
  symbolBox.addEventListener("change", () => show(data.symbols[Number(symbolBox.value)]));
  slider.addEventListener("input", () => choose(Number(slider.value)));
  byId("earlier").addEventListener("click", () => choose(state.at - 1));
  byId("later").addEventListener("click", () => choose(state.at + 1));
  document.querySelectorAll("input[name=horizon]").forEach((radio) =>
    radio.addEventListener("change", () => { state.horizon = radio.value; choose(state.at); }));
  document.querySelectorAll("button[data-span]").forEach((button) =>
    button.addEventListener("click", () => span(Number(button.dataset.span))));
  chart.subscribeClick((click) => {
    if (click.logical === undefined) return;
    const before = state.symbol.origin.findLastIndex((bar) => bar <= click.logical);
    choose(before);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    chart.applyOptions(themed());
    state.series.applyOptions(seriesOptions(state.series.seriesType() === "Candlestick"));
  });

  show(data.symbols[0]);
})();
