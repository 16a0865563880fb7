/* Tooltips of words in the glossary, and folded parts that open for what is looked for in them. */
(() => {
  "use strict";
  const byId = (id) => document.getElementById(id);

  /* A link into a folded part opens it. */
  function reveal() {
    const target = location.hash.length > 1 && byId(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    const own = target.querySelector(":scope > details");
    if (own) own.open = true;
    for (let part = target.closest("details"); part; part = part.parentElement.closest("details")) part.open = true;
    target.scrollIntoView();
  }
  addEventListener("hashchange", reveal);
  document.addEventListener("click", (event) => { // the same link again changes no hash
    const link = event.target.closest("a[href^='#']");
    if (link && link.hash === location.hash) reveal();
  });
  reveal();

  /* One tooltip for all: shown under the pointer or the focus, gone with Escape. */
  const tip = document.body.appendChild(document.createElement("div"));
  tip.id = "tip";
  tip.setAttribute("role", "tooltip");
  tip.hidden = true;
  let shownFor = null;

  function textOf(word) {
    if (word.dataset.tip) return word.dataset.tip;
    const entry = byId(word.dataset.term || word.hash.slice(1));
    return entry.nextElementSibling.querySelector(".short").textContent;
  }

  function show(word) {
    if (shownFor === word) return;
    hide();
    tip.textContent = textOf(word);
    tip.hidden = false;
    word.setAttribute("aria-describedby", "tip");
    shownFor = word;
    put();
  }

  function put() {
    const place = shownFor.getBoundingClientRect(), { offsetWidth: width, offsetHeight: height } = tip;
    const below = place.bottom + 6 + height < innerHeight;
    tip.style.left = `${Math.max(8, Math.min(place.left, document.documentElement.clientWidth - width - 8))}px`;
    tip.style.top = `${below ? place.bottom + 6 : Math.max(8, place.top - height - 6)}px`;
  }

  function hide() {
    if (shownFor) shownFor.removeAttribute("aria-describedby");
    tip.hidden = true;
    shownFor = null;
  }

  const wordOf = (event) => event.target instanceof Element && event.target.closest(".term, [data-term]");
  document.addEventListener("pointerover", (event) => {
    const word = wordOf(event);
    if (word && event.pointerType !== "touch") show(word);
    else if (!tip.contains(event.target) && !shownFor?.matches(":focus-visible")) hide();
  });
  document.addEventListener("focusin", (event) => {
    const word = wordOf(event);
    if (word && event.target.matches(":focus-visible")) show(word);
    else hide();
  });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });
  addEventListener("scroll", () => { if (shownFor) put(); }, { passive: true, capture: true });
  // The first touch explains, the second goes to the glossary.
  let touched = null;
  document.addEventListener("pointerdown", (event) => {
    const word = wordOf(event);
    touched = word && event.pointerType === "touch" && shownFor !== word ? word : null;
    if (!word) hide();
  });
  document.addEventListener("click", (event) => {
    const word = wordOf(event);
    if (!word || word !== touched) return;
    if (word.matches("a")) event.preventDefault();
    show(word);
  }, true);
})();
