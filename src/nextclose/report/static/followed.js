/* Actual against predicted: in price above, in return below, where a copy of the last close is a flat line. */
if (charts && document.getElementById("followed-chart")) (() => {
  "use strict";
  const { LWC, MEDIAN, OUTCOME, horizons, colour, alpha, draw, money, percent, write } = charts;
  const SHOWN = 250; // outcomes in view at first: about a year
  const byId = (id) => document.getElementById(id);
  const host = byId("followed-chart"), line = byId("followed-pointed");
  const chart = charts.create(host);
  const state = { symbol: null, k: 0, points: [] };
  const quiet = { priceLineVisible: false, lastValueVisible: false, crosshairMarkerVisible: false };
  const asPercent = { type: "custom", formatter: (value) => percent(value, 1), minMove: 0.0001 };

  const looks = () => ({ // the later on top
    predicted: { color: colour("--headline"), lineWidth: 2 },
    noChange: { color: colour("--naive"), lineWidth: 1, lineStyle: LWC.LineStyle.LargeDashed },
    actual: { color: colour("--ink"), lineWidth: 1 },
  });
  const add = (pane, options = {}) => Object.fromEntries(Object.entries(looks()).map(([name, look]) =>
    [name, chart.addSeries(LWC.LineSeries, { ...quiet, ...look, ...options }, pane)]));
  const price = add(0), moved = add(1, { priceFormat: asPercent });
  chart.panes()[0].setStretchFactor(3);
  chart.panes()[1].setStretchFactor(2);
  chart.priceScale("right", 1).applyOptions({ scaleMargins: { top: 0.16, bottom: 0.1 } });

  /* The outcomes of one horizon, by the session that each forecast spoke of. */
  function outcomes(symbol, k) {
    return symbol.origin.flatMap((bar, i) => {
      const outcome = symbol.forecasts[k].outcome[i], at = bar + horizons[k];
      if (outcome <= OUTCOME.open || at >= symbol.nBars) return [];
      const close = symbol.close[bar], actual = symbol.close[at];
      return [{
        i, time: symbol.days[at], close, actual, predicted: symbol.price(k, i, MEDIAN),
        actualMove: Math.log(actual / close), predictedMove: symbol.forecasts[k].levels[MEDIAN][i],
        missed: outcome === OUTCOME.missed,
      }];
    });
  }

  const view = (zOrder, paint) => ({
    zOrder: () => zOrder,
    renderer: () => ({ draw: (target) => target.useMediaCoordinateSpace(({ context }) => paint(context)) }),
  });
  /* Behind the returns the 90% range; on them a cross where it did not hold. */
  const inView = () => {
    const seen = chart.timeScale().getVisibleLogicalRange();
    return seen ? [Math.max(Math.floor(seen.from) - 1, 0), Math.ceil(seen.to) + 2] : [0, 0];
  };
  const title = (text) => view("top", (context) => {
    context.font = `12px ${chart.options().layout.fontFamily}`;
    context.fillStyle = colour("--ink-2");
    context.fillText(text, 2, 14);
  });
  const place = (index, value) => [chart.timeScale().logicalToCoordinate(index), moved.actual.priceToCoordinate(value)];
  const views = [
    view("bottom", (context) => {
      const [from, to] = inView(), levels = state.symbol?.forecasts[state.k].levels;
      const path = (j) => state.points.slice(from, to).map(({ i }, n) => place(from + n, levels[j][i]));
      if (state.points.length) draw.polygon(context, path(6), path(0), alpha(colour("--headline"), 0.16));
    }),
    view("top", (context) => {
      const [from, to] = inView(), size = chart.timeScale().options().barSpacing > 4 ? 4 : 2.5;
      state.points.slice(from, to).forEach(({ missed, actualMove }, n) =>
        missed && draw.cross(context, place(from + n, actualMove), size));
    }),
    title("Return since the origin"),
  ];
  const priceTitle = [title("Price")];
  price.actual.attachPrimitive({ paneViews: () => priceTitle });
  moved.actual.attachPrimitive({
    paneViews: () => views,
    autoscaleInfo: (from, to) => {
      const seen = state.points.slice(Math.max(Math.floor(from), 0), Math.ceil(to) + 1);
      if (!seen.length) return null;
      const levels = state.symbol.forecasts[state.k].levels;
      const values = seen.flatMap(({ i, actualMove }) => [levels[0][i], levels[6][i], actualMove]);
      return { priceRange: { minValue: Math.min(...values), maxValue: Math.max(...values) } };
    },
  });

  function show() {
    const { symbol, k } = state, points = state.points = outcomes(symbol, k);
    cursor.forget();
    const fill = (series, value) => series.setData(points.map((point) => ({ time: point.time, value: value(point) })));
    fill(price.noChange, ({ close }) => close);
    fill(price.predicted, ({ predicted }) => predicted);
    fill(price.actual, ({ actual }) => actual);
    fill(moved.noChange, () => 0);
    fill(moved.predicted, ({ predictedMove }) => predictedMove);
    fill(moved.actual, ({ actualMove }) => actualMove);
    const priceFormat = { type: "price", precision: symbol.decimals, minMove: 10 ** -symbol.decimals };
    Object.values(price).forEach((series) => series.applyOptions({ priceFormat }));
    chart.timeScale().setVisibleLogicalRange({ from: Math.max(points.length - SHOWN, 0) - 1, to: points.length });
    point(points.length - 1);
  }

  function point(index) {
    const { symbol, points } = state, at = points[index];
    if (!at) { if (!points.length) write(line, [["", "No outcome is known yet."]]); return; }
    const text = (value) => money(value, symbol);
    write(line, [
      ["", at.time], ["actual", text(at.actual)], ["predicted", text(at.predicted)], ["no change", text(at.close)],
      ["return", percent(at.actualMove)], ["predicted", percent(at.predictedMove)], at.missed && ["", "outside 90%"],
    ]);
  }

  document.querySelectorAll("input[name=followed-horizon]").forEach((radio) =>
    radio.addEventListener("change", () => { state.k = Number(radio.value); show(); }));
  chart.subscribeCrosshairMove(({ logical }) => {
    const last = state.points.length - 1;
    point(logical === undefined ? last : Math.min(Math.max(logical, 0), last));
  });
  const cursor = charts.keyboard(host, chart, {
    start: () => state.points.length - 1,
    last: () => state.points.length - 1,
    place: (index) => [state.points[index].actualMove, state.points[index].time, moved.actual],
    moved: point,
  });
  charts.onTheme(() => {
    chart.applyOptions(charts.options());
    for (const group of [price, moved]) for (const [name, look] of Object.entries(looks())) group[name].applyOptions(look);
  });
  charts.onSymbol((symbol) => { state.symbol = symbol; show(); });
})();
if (charts) charts.start();
