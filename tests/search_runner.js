/*
 * Loads the search scripts of a built site as its search page does, with stubs for what they need of a browser, and prints
 * as JSON what a function gives for each of the inputs: node search_runner.js SITE FUNCTION < inputs.json
 */
const fs = require("node:fs");
const path = require("node:path");
const vm = require("node:vm");

class DOMParser {
  parseFromString(html) {
    const main = { textContent: html, matches: () => false, querySelector: () => null };
    return { querySelectorAll: () => [], getElementById: () => null, querySelector: () => main };
  }
}
const browser = vm.createContext({
  document: {
    readyState: "loading",
    addEventListener() {},
    getElementById: () => null,
    createElement: () => ({ classList: { add() {} } }),
  },
  DOMParser,
  localStorage: { setItem() {} },
  location: { protocol: "https:" },
});
browser.window = browser;

const [site, code] = process.argv.slice(2);
const scripts = ["documentation_options", "doctools", "sphinx_highlight", "searchtools", "language_data"];
for (const file of [...scripts.map((name) => `_static/${name}.js`), "searchindex.js"])
  vm.runInContext(fs.readFileSync(path.join(site, file), "utf8"), browser, { filename: file });
const inputs = JSON.parse(fs.readFileSync(0, "utf8"));
console.log(JSON.stringify(inputs.map(vm.runInContext(code, browser))));
