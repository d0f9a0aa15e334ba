// The choice between NumPy and JAX holds for all pages and all mirrors on a page.
(() => {
  const key = "library";
  const choose = (value) => {
    for (const input of document.querySelectorAll(".mirror input")) input.checked = input.value === value;
  };
  let remembered = null;
  try {
    remembered = localStorage.getItem(key);
  } catch {
    // Some browsers keep no storage for files on disk: then the choice holds for this page.
  }
  if (["numpy", "jax"].includes(remembered)) choose(remembered);
  document.addEventListener("change", ({ target }) => {
    if (!target.matches(".mirror input")) return;
    const before = target.getBoundingClientRect().top;
    choose(target.value);
    scrollBy({ top: target.getBoundingClientRect().top - before, behavior: "instant" }); // what is read stays put
    try {
      localStorage.setItem(key, target.value);
    } catch {
      // As above.
    }
  });
})();
