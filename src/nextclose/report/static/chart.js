/* The price chart. It draws what is in the page; it judges nothing. */
if (charts && document.getElementById("chart")) (() => {
  "use strict";
  const { LWC, BANDS, MEDIAN, OUTCOME, HELD, horizons, fan, longest, colour, alpha, draw } = charts;
  const { money, percent, sessions, write } = charts;
  const byId = (id) => document.getElementById(id);
  const host = byId("chart"), slider = byId("origin"), readout = byId("readout"), pointed = byId("pointed");
  const state = { series: null, symbol: null, at: 0, horizon: "all" };
  const chart = charts.create(host);
  const timeScale = chart.timeScale();

  const place = (bar, value) => [timeScale.logicalToCoordinate(bar), state.series.priceToCoordinate(value)];

  /* Horizons of the fan from origin number i: those before the first without a forecast. */
  function known(symbol, i) {
    const gap = horizons.findIndex((_, k) => !symbol.has(k, i));
    return horizons.slice(0, gap < 0 ? horizons.length : gap);
  }

  /* Quantile j of the price s sessions after origin number i. */
  function fanPrice(symbol, i, j, s) {
    const moved = known(symbol, i).reduce((sum, _, k) => sum + fan[s][k] * symbol.forecasts[k].levels[j][i], 0);
    return symbol.close[symbol.origin[i]] * Math.exp(moved);
  }

  /* From one origin: 50, 80 and 90 % at every session, the median, and the naive line. */
  function paintFan(context) {
    const { symbol, at } = state, start = symbol.origin[at], close = symbol.close[start];
    const last = known(symbol, at).at(-1) ?? 0;
    const path = (j) => Array.from({ length: last + 1 }, (_, s) => place(start + s, fanPrice(symbol, at, j, s)));
    for (const [low, high] of BANDS) draw.polygon(context, path(high), path(low), alpha(colour("--headline"), 0.2));
    draw.line(context, path(MEDIAN), colour("--headline"), []);
    draw.line(context, [place(start, close), place(start + Math.max(last, 1), close)], colour("--naive"), [4, 4]);
    horizons.forEach((h, k) => {
      if (!symbol.has(k, at)) return;
      const ends = [0, 6].map((j) => place(start + h, symbol.price(k, at, j)));
      draw.line(context, ends, alpha(colour("--headline"), 0.6), [1, 3]);
    });
  }

  /* Origins whose range for horizon number k stands in view, h sessions after it was issued. */
  function inView(k) {
    const seen = timeScale.getVisibleLogicalRange(), run = [], h = horizons[k];
    if (seen) state.symbol.origin.forEach((bar, i) => {
      if (bar + h >= seen.from - 6 && bar + h <= seen.to + 6 && state.symbol.has(k, i)) run.push(i);
    });
    return run;
  }

  function paintBand(context, k) {
    const { symbol } = state, h = horizons[k], run = inView(k);
    if (!run.length) return;
    const path = (j) => run.map((i) => place(symbol.origin[i] + h, symbol.price(k, i, j)));
    for (const [low, high] of BANDS) draw.polygon(context, path(high), path(low), alpha(colour("--headline"), 0.16));
    const naive = run.map((i) => place(symbol.origin[i] + h, symbol.close[symbol.origin[i]]));
    draw.line(context, naive, colour("--naive"), [4, 4]);
  }

  /* What happened: from one origin a dot or a cross at each horizon, else a cross at each miss. */
  function paintOutcomes(context) {
    const { symbol, at, horizon } = state;
    const mark = (k, i, size, dots) => {
      const bar = symbol.origin[i] + horizons[k], outcome = symbol.forecasts[k].outcome[i];
      if (outcome === OUTCOME.missed) draw.cross(context, place(bar, symbol.close[bar]), size);
      else if (dots && outcome > OUTCOME.open) draw.dot(context, place(bar, symbol.close[bar]), 3.5);
    };
    if (horizon === "all") return horizons.forEach((_, k) => mark(k, at, 5, true));
    const k = Number(horizon), size = timeScale.options().barSpacing > 4 ? 4 : 2.5;
    inView(k).forEach((i) => mark(k, i, size, false));
  }

  const view = (zOrder, paint) => ({
    zOrder: () => zOrder,
    renderer: () => ({
      draw: (target) => target.useMediaCoordinateSpace(({ context, mediaSize }) => {
        context.lineJoin = "round";
        paint(context, mediaSize);
      }),
    }),
  });
  const views = [
    view("bottom", (context, { height }) => {
      if (state.horizon === "all") paintFan(context);
      else paintBand(context, Number(state.horizon));
      const x = timeScale.logicalToCoordinate(state.symbol.origin[state.at]);
      draw.line(context, [[x, 0], [x, height]], alpha(colour("--ink-3"), 0.7), [2, 3]);
    }),
    view("top", paintOutcomes),
  ];
  const ranges = {
    paneViews: () => views,
    autoscaleInfo: (from, to) => {
      const { symbol, at } = state;
      let low = Infinity, high = -Infinity;
      const reach = (i, k) => {
        if (!symbol.has(k, i) || symbol.origin[i] + horizons[k] < from || symbol.origin[i] > to) return;
        low = Math.min(low, symbol.price(k, i, 0));
        high = Math.max(high, symbol.price(k, i, 6));
      };
      if (state.horizon === "all") horizons.forEach((_, k) => reach(at, k));
      else symbol.origin.forEach((_, i) => reach(i, Number(state.horizon)));
      return low < high ? { priceRange: { minValue: low, maxValue: high } } : null;
    },
  };

  /* Candles: hollow where the price rose from open to close, filled where it fell. */
  function seriesOptions({ candles, decimals }) {
    const rise = colour("--rise"), fall = colour("--fall");
    const shared = {
      priceLineVisible: false, lastValueVisible: false,
      priceFormat: { type: "price", precision: decimals, minMove: 10 ** -decimals },
    };
    return candles
      ? { ...shared, upColor: "transparent", downColor: fall, borderUpColor: rise, borderDownColor: fall,
          wickUpColor: rise, wickDownColor: fall }
      : { ...shared, color: colour("--ink"), lineWidth: 2, crosshairMarkerRadius: 3 };
  }

  function show(symbol) {
    state.symbol = symbol;
    cursor.forget();
    if (state.series) chart.removeSeries(state.series);
    const { candles, close, nBars } = symbol;
    state.series = chart.addSeries(candles ? LWC.CandlestickSeries : LWC.LineSeries, seriesOptions(symbol));
    state.series.setData(symbol.days.map((time, i) => {
      if (i >= nBars) return { time };
      if (!candles) return { time, value: close[i] };
      return { time, open: candles.open[i], high: candles.high[i], low: candles.low[i], close: close[i] };
    }));
    state.series.attachPrimitive(ranges);
    slider.max = String(symbol.origin.length - 1);
    const whole = symbol.origin.findLastIndex((bar) => bar + longest < nBars);
    choose(Math.max(whole, 0));
    span(Math.min(126, Math.max(host.clientWidth / 4, longest + 40))); // candles keep a body on a phone
  }

  /* Put about n sessions in view, the chosen origin two thirds along; 0 means everything. */
  function span(n) {
    const end = state.symbol.origin[state.at] + longest + 8;
    if (!n) timeScale.setVisibleLogicalRange({ from: 0, to: state.symbol.nBars + longest });
    else timeScale.setVisibleLogicalRange({ from: end - n, to: end });
  }

  function choose(i) {
    state.at = Math.min(Math.max(i, 0), state.symbol.origin.length - 1);
    slider.value = String(state.at);
    const seen = timeScale.getVisibleLogicalRange(), bar = state.symbol.origin[state.at];
    if (seen && (bar < seen.from || bar + longest > seen.to)) {
      const width = seen.to - seen.from, to = bar + longest + 8;
      timeScale.setVisibleLogicalRange({ from: to - width, to });
    }
    describe();
    point(bar);
    state.series.applyOptions({}); // an empty change makes the chart paint again
  }

  /* the line above the chart: the session under the pointer, else that of the chosen origin */
  function point(bar) {
    const { symbol, at, horizon } = state, { candles, close } = symbol;
    const text = (value) => money(value, symbol);
    const parts = [["", symbol.days[bar]]];
    if (bar < symbol.nBars) {
      if (candles) for (const [name, values] of [["O", candles.open], ["H", candles.high], ["L", candles.low]]) parts.push([name, text(values[bar])]);
      parts.push([candles ? "C" : "Close", text(close[bar])]);
      if (bar) parts.push(["", percent(close[bar] / close[bar - 1] - 1)]);
    }
    parts.push(...(horizon === "all" ? fanParts(symbol, at, bar, text) : bandParts(symbol, bar, text)));
    write(pointed, parts);
  }

  const span90 = (low, high) => `${low}\u2009–\u2009${high}`;

  function fanParts(symbol, at, bar, text) {
    const ahead = bar - symbol.origin[at], last = known(symbol, at).at(-1) ?? 0;
    if (ahead < 1 || ahead > last) return [];
    const [low, middle, high] = [0, MEDIAN, 6].map((j) => text(fanPrice(symbol, at, j, ahead)));
    return [["90%", span90(low, high)], ["median", middle], ["", `${sessions(ahead)} ahead`]];
  }

  function bandParts(symbol, bar, text) {
    const k = Number(state.horizon), i = symbol.origin.indexOf(bar - horizons[k]);
    if (i < 0 || !symbol.has(k, i)) return [];
    const [low, middle, high] = [0, MEDIAN, 6].map((j) => text(symbol.price(k, i, j)));
    return [["90%", span90(low, high)], ["median", middle],
      symbol.forecasts[k].outcome[i] === OUTCOME.missed && ["", "missed"]];
  }

  /* the table below the chart: text only, so no name can become markup */
  function cell(row, text, kind = "td") {
    const element = row.appendChild(document.createElement(kind));
    element.textContent = text;
    return element;
  }

  function describe() {
    const { symbol, at } = state, start = symbol.origin[at], text = (value) => money(value, symbol);
    slider.setAttribute("aria-valuetext", symbol.days[start]);
    byId("origin-day").textContent = symbol.days[start];
    byId("origin-close").textContent = text(symbol.close[start]);
    readout.replaceChildren();
    horizons.forEach((h, k) => {
      const row = readout.appendChild(document.createElement("tr")), outcome = symbol.forecasts[k].outcome[at];
      cell(row, String(h), "th").scope = "row";
      if (outcome === OUTCOME.none) { cell(row, "no forecast").colSpan = 4; return; }
      cell(row, span90(text(symbol.price(k, at, 0)), text(symbol.price(k, at, 6))));
      cell(row, text(symbol.price(k, at, MEDIAN)));
      if (outcome === OUTCOME.open) { cell(row, "not known yet").colSpan = 2; return; }
      cell(row, text(symbol.close[start + h]));
      const held = cell(row, HELD[outcome]);
      if (outcome === OUTCOME.missed) held.className = "missed";
    });
  }

  /* controls */
  slider.addEventListener("input", () => choose(Number(slider.value)));
  byId("earlier").addEventListener("click", () => choose(state.at - 1));
  byId("later").addEventListener("click", () => choose(state.at + 1));
  document.querySelectorAll("input[name=horizon]").forEach((radio) =>
    radio.addEventListener("change", () => { state.horizon = radio.value; choose(state.at); }));
  document.querySelectorAll("button[data-span]").forEach((button) =>
    button.addEventListener("click", () => span(Number(button.dataset.span))));
  byId("log").addEventListener("change", ({ target }) => chart.priceScale("right").applyOptions(
    { mode: target.checked ? LWC.PriceScaleMode.Logarithmic : LWC.PriceScaleMode.Normal }));
  const chooseBefore = (bar) => choose(state.symbol.origin.findLastIndex((origin) => origin <= bar));
  chart.subscribeClick((click) => { if (click.logical !== undefined) chooseBefore(click.logical); });
  chart.subscribeCrosshairMove(({ logical }) => {
    const bar = logical ?? state.symbol?.origin[state.at];
    if (state.symbol && bar >= 0 && bar < state.symbol.days.length) point(bar);
  });
  const cursor = charts.keyboard(host, chart, {
    start: () => state.symbol.origin[state.at],
    last: () => state.symbol.days.length - 1,
    place: (bar) => [state.symbol.close[Math.min(bar, state.symbol.nBars - 1)], state.symbol.days[bar], state.series],
    moved: point,
    pick: chooseBefore,
  });
  charts.onTheme(() => {
    chart.applyOptions(charts.options());
    state.series?.applyOptions(seriesOptions(state.symbol));
  });
  charts.onSymbol(show);
})();
