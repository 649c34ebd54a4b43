// What a page of the book does: code on and off, larger figures, terms, what scrolls, the ledger.
"use strict";

(() => {
  const store = {
    get: (name) => { try { return localStorage.getItem(name); } catch { return null; } },
    set: (name, value) => { try { localStorage.setItem(name, value); } catch { /* not kept */ } },
  };

  // Code: one switch for every page.
  const codeSwitch = () => {
    const folds = [...document.querySelectorAll(".bd-article details.hide")];
    const place = document.querySelector(".article-header-buttons");
    if (!folds.length || !place) return;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "code-switch";
    const show = (open) => {
      folds.forEach((fold) => { fold.open = open; });
      button.setAttribute("aria-pressed", String(open));
      button.textContent = open ? "Hide code" : "Show code";
    };
    show(store.get("modlib-code") === "shown");
    button.addEventListener("click", () => {
      const open = button.getAttribute("aria-pressed") !== "true";
      store.set("modlib-code", open ? "shown" : "hidden");
      show(open);
    });
    place.prepend(button);
  };

  // Figures: larger, in a window of their own that the keyboard closes.
  const largerFigures = () => {
    const dialog = document.createElement("dialog");
    dialog.className = "figure-large";
    const close = document.createElement("button");
    close.type = "button";
    close.textContent = "Close";
    close.addEventListener("click", () => dialog.close());
    const image = document.createElement("img");
    dialog.append(close, image);
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog || event.target === image) dialog.close();
    });
    const enlarge = (figure) => {
      const dark = document.documentElement.dataset.theme === "dark";
      const shown = figure.querySelector(dark ? "img.only-dark" : "img.only-light");
      image.src = shown.getAttribute("src");
      image.alt = shown.alt;
      dialog.setAttribute("aria-label", "Figure, enlarged");
      if (!dialog.isConnected) document.body.append(dialog);
      dialog.showModal();
    };
    for (const figure of document.querySelectorAll(".book-figure")) {
      figure.querySelector(".figure-larger").addEventListener("click", () => enlarge(figure));
      figure.querySelectorAll("img").forEach((one) => {
        one.addEventListener("click", () => enlarge(figure));
      });
    }
  };

  // Terms: the meaning beside the word, for pointer and keyboard.
  const terms = () => {
    const meaning = document.createElement("div");
    meaning.className = "term-meaning";
    meaning.id = "term-meaning";
    meaning.setAttribute("role", "tooltip");
    const hide = () => meaning.remove();
    for (const term of document.querySelectorAll("a.term")) {
      const told = term.title;
      term.removeAttribute("title");
      const show = () => {
        meaning.textContent = told;
        document.body.append(meaning);
        const box = term.getBoundingClientRect();
        const left = Math.min(box.left, document.documentElement.clientWidth - meaning.offsetWidth - 8);
        meaning.style.left = `${Math.max(8, left) + scrollX}px`;
        meaning.style.top = `${box.bottom + scrollY + 4}px`;
        term.setAttribute("aria-describedby", meaning.id);
      };
      term.addEventListener("mouseenter", show);
      term.addEventListener("focus", show);
      term.addEventListener("mouseleave", hide);
      term.addEventListener("blur", hide);
    }
    addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });
  };

  // What is wider than its box can be reached with the keyboard, and shows that there is more.
  const scrollers = () => {
    const boxes = document.querySelectorAll(
      ".bd-article :is(pre, div.math, mjx-container[display], .pst-scrollable-table-container, .text_html, .cell_output)",
    );
    for (const box of boxes) {
      const more = box.scrollWidth > box.clientWidth + 1
        && ["auto", "scroll"].includes(getComputedStyle(box).overflowX);
      box.classList.toggle("scrolls-on", more);
      if (more) {
        box.tabIndex = 0;
        if (!box.hasAttribute("role")) box.setAttribute("role", "region");
        if (!box.hasAttribute("aria-label")) box.setAttribute("aria-label", "wider than the page: scrolls sideways");
      }
    }
  };

  // The ledger: rows by verdict, paper, chapter and words, in the order that is asked for.
  const ledger = () => {
    const rows = [...document.querySelectorAll(".claim")];
    const place = document.getElementById("ledger-filter");
    if (!place || !rows.length) return;
    const groups = [...new Set(rows.map((row) => row.parentElement))];
    const order = ["differs", "undecided", "agrees", "identity", "pending"];
    const values = (name) => [...new Set(rows.map((row) => row.dataset[name]))]
      .sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
    const form = document.createElement("form");
    form.className = "ledger-filter";
    form.addEventListener("submit", (event) => event.preventDefault());
    const field = (label, element) => {
      const box = document.createElement("label");
      box.append(label, element);
      form.append(box);
      return element;
    };
    const choice = (label, options) => {
      const select = document.createElement("select");
      for (const [value, text] of options) select.append(new Option(text, value));
      return field(label, select);
    };
    const all = [["", "all"]];
    const verdict = choice("verdict", all.concat(values("verdict").map((v) => [v, v])));
    const paper = choice("paper", all.concat(values("paper").map((v) => [v, v])));
    const chapter = choice("chapter", all.concat(values("chapter").map((v) => [v, v])));
    const sort = choice("order", [["", "by chapter"], ["verdict", "by verdict"], ["name", "by name"]]);
    const words = document.createElement("input");
    words.type = "search";
    field("words", words);
    const count = document.createElement("output");
    form.append(count);
    place.replaceWith(form);
    const inside = new Map(groups.map((group) => [group, [...group.children]]));
    const text = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));
    const list = document.createElement("div");
    form.after(list);
    const apply = () => {
      const asked = words.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      for (const row of rows) {
        const kept = (!verdict.value || row.dataset.verdict === verdict.value)
          && (!paper.value || row.dataset.paper === paper.value)
          && (!chapter.value || row.dataset.chapter === chapter.value)
          && asked.every((word) => text.get(row).includes(word));
        row.hidden = !kept;
        shown += kept;
      }
      const key = {
        verdict: (row) => String(order.indexOf(row.dataset.verdict)),
        name: (row) => row.id,
      }[sort.value];
      if (key) {
        list.append(...[...rows].sort((a, b) => key(a).localeCompare(key(b), "en", { numeric: true })));
      } else {
        groups.forEach((group) => group.append(...inside.get(group)));
      }
      for (const group of groups) {
        // What stands above a chapter's rows is hidden with the last of them.
        let heading = null;
        for (const child of inside.get(group)) {
          if (!child.classList.contains("claim")) {
            heading = child;
            heading.hidden = true;
          } else if (heading && !child.hidden) {
            heading.hidden = false;
          }
        }
        const outer = group.closest(".cell_output > *, .cell_output") ?? group;
        outer.hidden = Boolean(key) || ![...group.querySelectorAll(".claim")].some((row) => !row.hidden);
      }
      count.textContent = `${shown} of ${rows.length} rows`;
    };
    form.addEventListener("input", apply);
    apply();
    if (location.hash) document.querySelector(location.hash)?.scrollIntoView();
  };

  // A row or fold that an address leads to is open; the sidebar shows where the reader is.
  const arrive = () => {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    target?.closest("details")?.setAttribute("open", "");
    document.querySelector(".bd-sidebar-primary .current.active")?.scrollIntoView({ block: "center" });
    scrollTo({ top: target ? target.getBoundingClientRect().top + scrollY - 80 : 0 });
  };

  // The theme's buttons have a name that holds what is written on them, its sidebar's folds that of
  // the page whose own they hold.
  const names = () => {
    for (const fold of document.querySelectorAll(".bd-sidebar-primary summary")) {
      const page = fold.closest("li")?.querySelector("a")?.innerText.trim();
      fold.setAttribute("aria-label", `Pages of ${page || "this part"}`);
    }
    for (const button of document.querySelectorAll("button[aria-label]")) {
      const written = button.innerText.trim();
      if (written && !button.getAttribute("aria-label").toLowerCase().includes(written.toLowerCase())) {
        button.setAttribute("aria-label", `${written} (${button.getAttribute("aria-label")})`);
      }
    }
  };

  addEventListener("DOMContentLoaded", () => {
    codeSwitch();
    largerFigures();
    terms();
    ledger();
    names();
    scrollers();
  });
  addEventListener("load", () => {
    if (location.hash) arrive();
    else document.querySelector(".bd-sidebar-primary .current.active")?.scrollIntoView({ block: "nearest" });
    scrollers();
  });
  addEventListener("hashchange", () => { if (document.querySelector(":target")) arrive(); });
  addEventListener("resize", scrollers);
  addEventListener("toggle", scrollers, true);
})();
