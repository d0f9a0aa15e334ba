/* Comfort for readers; every page works without it. */
"use strict";

(() => {
  const article = document.querySelector("article");
  const sections = [...article.querySelectorAll("section[id]")];

  // A browser may refuse storage (private windows, some file:// pages); then nothing is remembered.
  const stored = (action) => {
    try {
      return action();
    } catch {
      return null;
    }
  };

  // -- The switch: to the same place on the page of the other edition. ----------------------------------------------

  // What stands this far below the top of the screen is what is being read: below the header of small screens.
  const READING_LINE = 120;
  const top = (element) => element.getBoundingClientRect().top;

  // The section being read and how much of it, up to the next section's start, is above the line.
  const place = () => {
    if (window.scrollY < 8) return null;
    const index = sections.findLastIndex((section) => top(section) <= READING_LINE);
    if (index < 0) return null;
    const start = top(sections[index]);
    return { id: sections[index].id, read: (READING_LINE - start) / (endOf(index) - start) };
  };
  const endOf = (index) =>
    index + 1 < sections.length ? top(sections[index + 1]) : article.getBoundingClientRect().bottom;

  // The anchor in the address as long as it is on the screen, otherwise the section being read.
  const anchor = (here) => {
    const target = document.querySelector(":target");
    const box = target?.getBoundingClientRect();
    if (box && box.top < window.innerHeight && box.bottom > 0) return location.hash;
    return here ? "#" + here.id : "";
  };

  for (const link of document.querySelectorAll(".language-switch")) {
    const leave = () => {
      const here = place();
      link.search = location.search;
      link.hash = anchor(here);
      stored(() => {
        localStorage.setItem("edition", link.hreflang);
        sessionStorage.setItem("place", JSON.stringify({ page: link.pathname, ...here }));
      });
    };
    for (const event of ["click", "auxclick", "contextmenu"]) link.addEventListener(event, leave);
  }

  const arrive = () => {
    const from = stored(() => JSON.parse(sessionStorage.getItem("place")));
    if (!from) return;
    stored(() => sessionStorage.removeItem("place"));
    const index = sections.findIndex((section) => section.id === from.id);
    if (from.page !== location.pathname || index < 0) return;
    const start = top(sections[index]);
    const line = start + from.read * (endOf(index) - start);
    window.scrollBy({ top: line - READING_LINE, behavior: "instant" });
  };
  // After the browser itself has gone to the anchor.
  window.addEventListener("load", () => requestAnimationFrame(arrive));

  // -- Furo's drawers are opened by labels, which no keyboard reaches; buttons do the same. --------------------------

  for (const label of document.querySelectorAll("label.nav-overlay-icon, label.toc-overlay-icon")) {
    const button = document.createElement("button");
    const box = label.control;
    button.type = "button";
    button.className = label.className;
    button.ariaLabel = box.ariaLabel;
    button.append(...label.childNodes);
    button.addEventListener("click", () => box.click());
    label.replaceWith(button);
  }

  // -- A button that copies code, without prompts and without what the code prints. ---------------------------------

  const copyable = (pre) => {
    const copy = pre.cloneNode(true);
    const hasPrompts = copy.querySelector(".gp") !== null;
    for (const part of copy.querySelectorAll(".gp, .go, .gt, .linenos")) part.remove();
    const lines = copy.textContent.split("\n");
    return (hasPrompts ? lines.filter((line) => line.trim()) : lines).join("\n").trimEnd() + "\n";
  };

  // On plain http, other than from this machine, there is no clipboard.
  if (navigator.clipboard) {
    for (const pre of article.querySelectorAll(".highlight pre")) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "copy-code";
      button.textContent = _("Copy");
      button.addEventListener("click", async () => {
        await navigator.clipboard.writeText(copyable(pre));
        button.textContent = _("Copied");
        setTimeout(() => (button.textContent = _("Copy")), 2000);
      });
      pre.parentElement.append(button);
    }
  }

  // -- A box that scrolls sideways must be reachable by keyboard; one that does not must not be a stop. --------------

  const watch = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      if (target.scrollWidth > target.clientWidth) target.tabIndex = 0;
      else target.removeAttribute("tabindex");
    }
  });
  for (const box of article.querySelectorAll(".math-wrapper, .table-wrapper, pre")) watch.observe(box);
})();
