// Search: chapters before the reference, and words of the chapter, also without a server.
"use strict";

var Scorer = {
  // [page, title, anchor, description, score, file]
  score: ([page, , , , score]) => score
    + (page.startsWith("notebooks/") ? 40 : 0)
    - (page === "book/api" ? 100 : 0),
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 5, 1: 0, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};

document.addEventListener("DOMContentLoaded", () => {
  if (typeof Search === "undefined" || !document.getElementById("search-results")) return;
  Search.htmlToText = (text) => text;
  const page = (address) => {
    const root = new URL(document.documentElement.dataset.content_root || "./", location.href).href;
    return address.replace(/[?#].*$/, "").replace(root, "").replace(/^(\.\/)+/, "").replace(/\.html$/, "");
  };
  window.fetch = (address) => Promise.resolve({
    text: () => Promise.resolve((window.BOOK_TEXTS || {})[page(String(address))] || ""),
  });
});
