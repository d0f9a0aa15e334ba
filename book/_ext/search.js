/*
 * The query's half of the book's search; search.py is the index's. Sphinx puts this into language_data.js, behind its own
 * searchtools.js, of which it replaces how a query is read, how pages are found and ranked, and what is shown of them.
 */

// Sphinx asks for a stemmer by the language's name. Korean needs none; the Latin words in a Korean text do.
function KoreanStemmer() {
  return new EnglishStemmer();
}

(() => {
  const RUN = /[가-힣]+|(?:(?![가-힣])[\p{L}\p{N}_])+/gu;
  const MOST_WORDS = 5; // of a term, as readers space it
  const SUMMARY = 240; // characters
  // One kind of hit comes before another: the title asked for (half of it: 75), the words in a heading, the words in the
  // text. Sphinx gives 100 to an entry of the glossary and 16 to a function's name.
  Scorer.title = 150;
  const HEADING = 45;
  const TEXT = 15;
  const OFTEN = 5; // more for a term that comes up again, as search.py marks it

  // What lists and refers comes after what explains; but for the names of functions, which no other page answers.
  const REFERENCE = /^(code\/.*|index|questions|wrong-answers|references)$/;

  const stemmer = new Stemmer();
  const endings = new Set(BOOK_SEARCH.endings);
  // Words of asking, which are in many queries and tell nothing of what is asked about.
  const asking = new Set(
    ("뭐 뭐야 뭔가 뭔가요 뭘까 뭐지 무엇 무엇인가 무엇인가요 왜 어떻게 어떤 대해 대해서 대한 관해 설명 설명해 " +
      "설명해줘 알려줘 하나요 되나요 있나요 쓰나 쓰나요 그리고 및").split(" "),
  );
  const isHangul = (word) => /^[가-힣]/.test(word);
  const key = (spelling) => (spelling.toLowerCase().match(RUN) || []).join("");
  const all = BOOK_SEARCH.concepts.flatMap(([, own, also]) => [...own, ...also]);
  const capitals = new Map(all.map((spelling) => [spelling.toLowerCase(), spelling]));

  const stripped = (word) => {
    for (let cut = 1; cut < word.length; cut++)
      if (endings.has(word.slice(cut))) return word.slice(0, cut);
    return word;
  };

  // A spelling's key -> the terms it may stand for, first the one that the book means by it.
  const terms = new Map();
  for (const column of [1, 2])
    for (const term of BOOK_SEARCH.concepts)
      for (const spelling of term[column]) {
        const found = terms.get(key(spelling)) || [];
        if (!found.includes(term)) terms.set(key(spelling), [...found, term]);
      }
  const termsOf = (word) =>
    [word, stripped(word), word.replace(/s$/, ""), word.replace(/es$/, "")]
      .map((form) => terms.get(form))
      .find((found) => found) || [];

  // What search.py puts into the index for a word.
  const tokens = (word) => {
    if (!isHangul(word)) return [stemmer.stemWord(word)];
    return word.length === 1 ? [word] : [...word.slice(1)].map((_, i) => word.slice(i, i + 2));
  };

  /*
   * A unit is a term or another word of the query. A page holds it in one of its forms: the term; else the words as typed,
   * or those of the book's own spellings, somewhere on the page; a word that is no term also without what may be a
   * particle (the 도 of 층도, but not that of 정도).
   */
  const unit = (words) => {
    const found = termsOf(words.join(""));
    const bare = [...words.slice(0, -1), stripped(words[words.length - 1])];
    const form = (some, weight) => ({ tokens: some.flatMap(tokens), weight });
    const forms = found.map(([name], i) => ({ tokens: ["@" + name], weight: i ? 0.7 : 1 }));
    if (found.length) forms.push(form(words, 0.7), ...found[0][1].map((own) => form(own.toLowerCase().match(RUN), 0.5)));
    else forms.push(form(words, 1), form(bare, 0.9));
    // In a text, two letters (GD, AE) would be marked within other words.
    const spellings = found
      .flatMap(([, own, also]) => [...own, ...also])
      .map((spelling) => spelling.toLowerCase())
      .filter((spelling) => isHangul(spelling) || spelling.length > 3);
    return { forms, term: found[0], spellings: [...new Set([bare.join(" "), ...spellings, ...bare])] };
  };

  const parse = (query) => {
    const units = [];
    for (const clause of query.normalize("NFC").toLowerCase().split(/[^\p{L}\p{N}_\s-]+/u)) {
      const words = clause.match(RUN) || [];
      while (words.length) {
        let n = Math.min(MOST_WORDS, words.length);
        while (n > 1 && (endings.has(words[n - 1]) || !termsOf(words.slice(0, n).join("")).length)) n--;
        units.push(words.splice(0, n));
      }
    }
    // Numbers, particles and lone syllables (때, 수, 더) tell nothing either, unless they are all there is, or a term.
    const idle = (words) =>
      !termsOf(words.join("")).length
      && ([words[0], stripped(words[0])].some((word) => stopwords.has(word) || asking.has(word))
        || endings.has(words[0])
        || /^(\d+|[가-힣])$/.test(words[0]));
    const telling = units.filter((words) => !idle(words));
    return (telling.length ? telling : units).map(unit);
  };

  Search._parseQuery = (query) => {
    const units = parse(query);
    const marks = [...new Set(units.flatMap((u) => u.spellings))].sort((a, b) => b.length - a.length);
    // The page that a hit opens marks these; it takes them apart at spaces.
    try {
      localStorage.setItem("sphinx_highlight_terms", marks.filter((mark) => !/\s/.test(mark)).join(" "));
    } catch {
      // A browser may refuse to keep anything: then nothing is marked.
    }
    const names = (query.toLowerCase().match(RUN) || []).filter((word) => !isHangul(word));
    return [query, units, [], marks, new Set(names)];
  };

  // The pages that hold a token, each with its score.
  const filesOf = (token) => {
    const { terms, titleterms } = Search._index;
    const files = (index, name) => (index.hasOwnProperty(name) ? [index[name]].flat() : []);
    const scores = new Map();
    for (const file of files(terms, token)) scores.set(file, TEXT);
    for (const file of files(titleterms, token)) scores.set(file, HEADING);
    if (token[0] === "@")
      for (const more of [token + "+", token + "++"])
        for (const file of [...files(terms, more), ...files(titleterms, more)])
          scores.set(file, scores.get(file) + OFTEN);
    return scores;
  };

  // The pages that hold all of a form.
  const pagesOf = ({ tokens, weight }) => {
    const scores = tokens.map(filesOf);
    const pages = new Map();
    for (const file of scores[0].keys())
      if (scores.every((score) => score.has(file)))
        pages.set(file, weight * Math.min(...scores.map((score) => score.get(file))));
    return pages;
  };

  Search.performTermsSearch = (units) => {
    const { docnames, filenames, titles } = Search._index;
    const found = units.map(({ forms }) => {
      const best = new Map();
      for (const pages of forms.map(pagesOf))
        for (const [file, score] of pages) best.set(file, Math.max(score, best.get(file) || 0));
      return best;
    });
    const held = (file, some) => some.filter((pages) => pages.has(file)).length;
    const named = found.filter((_, i) => units[i].term);
    const all = [...new Set(found.flatMap((pages) => [...pages.keys()]))];
    // A page must hold each term of the query; where there is none, more than half of its words. All of it counts.
    let files = named.length ? all.filter((file) => held(file, named) === named.length) : [];
    if (!files.length) files = all.filter((file) => held(file, found) > units.length / 2);
    return files.map((file) => {
      const sum = found.reduce((sum, pages) => sum + (pages.get(file) || 0), 0);
      const score = (sum * held(file, found)) / units.length ** 2;
      return [docnames[file], titles[file], "", null, score, filenames[file], SearchResultKind.text];
    });
  };

  // A hit as the reader should see it. Sphinx gives a question under its own document's name, an entry of the glossary
  // under the glossary's title alone.
  const placed = ([name, title, anchor, descr, score, filename, kind]) => {
    const { docnames, indexentries, titles } = Search._index;
    const [page, id] = name.split("#");
    const path = id && !anchor ? [titles[docnames.indexOf(page)], title] : [title];
    if (kind === SearchResultKind.index) {
      const here = ([file, place]) => docnames[file] === name && "#" + place === anchor;
      const [entry] = Object.entries(indexentries).find(([, places]) => places.some(here)) || [anchor];
      path.push(entry.replace(/[^()]+/g, (spelling) => capitals.get(spelling) || spelling));
    }
    const rank = REFERENCE.test(page) && kind !== SearchResultKind.object ? score / 4 : score;
    return [page, path.join(" > "), anchor || (id ? "#" + id : ""), descr, rank, filename, kind];
  };

  const performSearch = Search._performSearch;
  Search._performSearch = (query, units, excluded, marks, names) => {
    // Titles and index entries are compared as they stand: a term is looked for in each of its spellings.
    const term = units.length === 1 && units[0].term;
    const spellings = term ? [...term[1], ...term[2]] : [];
    const hits = new Map();
    for (const hit of [
      ...performSearch(query, units, excluded, marks, names),
      ...spellings.flatMap((spelling) => performSearch(spelling, [], [], [], new Set())),
    ].map(placed)) {
      const place = hit[0] + hit[2];
      if (!hits.has(place) || hits.get(place)[4] < hit[4]) hits.set(place, hit);
    }
    // Where a place on a page is found, the page's text need not be. The best comes last, as Sphinx has it; equals come
    // in the order of the book.
    const pages = new Set([...hits.values()].filter(([, , anchor]) => anchor).map(([page]) => page));
    return [...hits]
      .filter(([, [page, , anchor, , , , kind]]) => anchor || kind !== SearchResultKind.text || !pages.has(page))
      .sort(([a, left], [b, right]) => left[4] - right[4] || (a < b ? 1 : -1))
      .map(([, hit]) => hit);
  };

  Search.htmlToText = (html, anchor) => {
    const page = new DOMParser().parseFromString(html, "text/html");
    // A question's answer, not its number and citation; of a formula what is drawn, not also its MathML and its TeX.
    page
      .querySelectorAll(".headerlink, .question-card, .katex-mathml, script, style, svg")
      .forEach((element) => element.remove());
    const place = (anchor && page.getElementById(anchor.slice(1))) || page.querySelector('[role="main"]');
    place?.querySelector("h1, h2, h3, h4")?.remove(); // the hit's own title
    const meaning = place?.matches("dt") ? place.nextElementSibling : null; // in the glossary
    return [place, meaning].map((element) => element?.textContent || "").join(" ");
  };

  Search.makeSearchSummary = (html, units, anchor) => {
    const text = Search.htmlToText(html, anchor).replace(/\s+/g, " ").trim();
    if (!text) return null;
    const lower = text.toLowerCase();
    const places = units
      .map(({ spellings }) => spellings.map((spelling) => lower.indexOf(spelling)).find((place) => place >= 0))
      .filter((place) => place !== undefined);
    // Begin where most of the query follows.
    const following = (place) => places.filter((other) => other >= place && other < place + SUMMARY / 2).length;
    const place = places.sort((a, b) => following(b) - following(a) || a - b)[0] || 0;
    const start = place < SUMMARY / 4 ? 0 : text.indexOf(" ", place - SUMMARY / 4) + 1;
    const summary = document.createElement("p");
    summary.classList.add("context");
    summary.textContent =
      (start ? "… " : "") + text.slice(start, start + SUMMARY) + (start + SUMMARY < text.length ? " …" : "");
    return summary;
  };

  // A browser doesn't let a page on the disk read another: no summaries there, and no errors.
  if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
})();
