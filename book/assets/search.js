// Search: chapters before the reference, and words of the chapter, also without a server.
"use strict";

var Scorer = {
  // [page, title, anchor, description, score, file]
  score: ([page, , , , score]) => score
    + (page.startsWith("notebooks/") ? 40 : 0)
    - (page.startsWith("book/api") ? 100 : 0)
    - (page === "book/glossary" ? 80 : 0),
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 5, 1: 0, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};

// At once: the search begins before the page is said to be ready.
if (/search(\.html)?\/?$/.test(location.pathname)) {
  const page = (address) => {
    const root = new URL(document.documentElement.dataset.content_root || "./", location.href).href;
    return address.replace(/[?#].*$/, "").replace(root, "").replace(/^(\.\/)+/, "").replace(/\.html$/, "");
  };
  window.fetch = (address) => {
    Search.htmlToText = (text) => text;
    return Promise.resolve({
      text: () => Promise.resolve((window.BOOK_TEXTS || {})[page(String(address))] || ""),
    });
  };
}
