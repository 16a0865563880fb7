/* Tables: sorted by a click on a title, searched by name, saved as CSV. */
(() => {
  "use strict";
  const DASH = "\u2013", MINUS = /\u2212/g;
  const FORMULA = /^[=+\-@\t\r\n\uFF1D\uFF0B\uFF0D\uFF20]/; // what a spreadsheet would run

  /* What a cell stands for: its unrounded values, else its text. */
  function valuesOf(cell) {
    if (cell.dataset.v !== undefined) return [JSON.parse(cell.dataset.v)].flat();
    const text = cell.textContent.replace(/\s+/g, " ").trim();
    return [text === DASH ? null : text];
  }
  const nameOf = (row) => row.cells[0].querySelector(".mark").textContent;

  function keyOf(row, column) {
    const cell = row.cells[column];
    if (column === 0) return numberOr(nameOf(row));
    if (cell.dataset.rank !== undefined) return Number(cell.dataset.rank);
    const value = valuesOf(cell)[0];
    return typeof value === "string" ? numberOr(value) : value === null ? null : Number(value);
  }
  function numberOr(text) {
    const number = /^[+\u2212-]?[\d,.]+/.exec(text);
    return number ? Number(number[0].replace(MINUS, "-").replace(/,/g, "")) : text;
  }

  /* Lowest first; what has no value stays last, whichever way. */
  function order(a, b, way) {
    if (a === null || b === null) return (a === null) - (b === null);
    const both = typeof a === "number" && typeof b === "number";
    return way * (both ? a - b : String(a).localeCompare(String(b), "en"));
  }

  function makeSortable(table) {
    const body = table.tBodies[0], original = [...body.rows];
    if (original.length < 2) return;
    const titles = [...table.tHead.rows[table.tHead.rows.length - 1].cells];
    titles.forEach((title, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "sort";
      button.append(...title.childNodes);
      if (title.dataset.term) { button.dataset.term = title.dataset.term; delete title.dataset.term; }
      title.append(button);
      button.addEventListener("click", () => {
        const was = title.getAttribute("aria-sort");
        const next = { ascending: "descending", descending: null }[was] ?? (was ? null : "ascending");
        titles.forEach((other) => other.removeAttribute("aria-sort"));
        if (next) title.setAttribute("aria-sort", next);
        const way = next === "descending" ? -1 : 1;
        const rows = original.map((row) => [row, keyOf(row, column)]);
        if (next) rows.sort((a, b) => order(a[1], b[1], way)); // stable: equal rows keep their order
        body.append(...rows.map(([row]) => row));
      });
    });
  }

  function makeFilter(table, tools) {
    const rows = [...table.tBodies[0].rows];
    const names = rows.map((row) => nameOf(row).toLowerCase());
    const label = tools.appendChild(document.createElement("label"));
    const box = document.createElement("input");
    const told = tools.appendChild(document.createElement("span"));
    box.type = "search";
    box.autocomplete = "off";
    label.append(`Find a ${table.dataset.filter} `, box);
    told.className = "beside";
    told.setAttribute("role", "status");
    box.addEventListener("input", () => {
      const wanted = box.value.trim().toLowerCase();
      let n = 0;
      rows.forEach((row, i) => { row.hidden = !names[i].includes(wanted); n += !row.hidden; });
      told.textContent = wanted ? `${n.toLocaleString("en")} of ${rows.length.toLocaleString("en")} rows` : "";
    });
  }

  /* CSV of the rows that are shown, as the table has them: unrounded where the page has more. */
  function csvCell(value) {
    if (value === null || value === undefined) return "";
    if (typeof value !== "string") return String(value);
    const inert = FORMULA.test(value) ? `'${value}` : value;
    return /[",\r\n]/.test(inert) ? `"${inert.replace(/"/g, '""')}"` : inert;
  }

  function csvOf(table) {
    const titles = [...table.tHead.rows[table.tHead.rows.length - 1].cells];
    const names = titles.map((title) => JSON.parse(title.dataset.names));
    const lines = [names.flat()];
    for (const row of table.tBodies[0].rows) {
      if (row.hidden) continue;
      const cells = [...row.cells].slice(1).flatMap((cell, i) => {
        const values = valuesOf(cell), wanted = names[i + 1].length;
        return Array.from({ length: wanted }, (_, k) => values[k] ?? null);
      });
      lines.push([nameOf(row), ...cells]);
    }
    return lines.map((line) => line.map(csvCell).join(",") + "\n").join("");
  }

  function makeCsv(table, tools) {
    const button = tools.appendChild(document.createElement("button"));
    button.type = "button";
    button.textContent = "CSV";
    button.setAttribute("aria-label", `CSV: ${table.getAttribute("aria-label")}`);
    button.addEventListener("click", () => {
      const link = document.createElement("a");
      const name = table.getAttribute("aria-label").toLowerCase().replace(/[^a-z0-9]+/g, "-").slice(0, 40);
      link.href = URL.createObjectURL(new Blob([csvOf(table)], { type: "text/csv" }));
      link.download = `${name.replace(/^-|-$/g, "")}.csv`;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    });
  }

  document.querySelectorAll("table.pinned").forEach((table) => {
    const tools = document.createElement("div");
    tools.className = "tools";
    if (table.dataset.filter) makeFilter(table, tools);
    makeCsv(table, tools);
    makeSortable(table);
    table.parentElement.before(tools);
  });

  /* One stop of Tab for all words of a table's rows; the arrows go from one to the next. */
  document.querySelectorAll("table.pinned tbody").forEach((body) => {
    const words = () => [...body.querySelectorAll(".term")].filter((word) => word.getClientRects().length);
    body.querySelectorAll(".term").forEach((word, i) => { word.tabIndex = i ? -1 : 0; });
    body.addEventListener("keydown", (event) => {
      const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
      const all = words(), at = all.indexOf(event.target);
      if (!step || at < 0 || !all[at + step]) return;
      event.preventDefault();
      event.target.tabIndex = -1;
      all[at + step].tabIndex = 0;
      all[at + step].focus();
    });
  });
})();
