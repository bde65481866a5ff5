// Shows a report. Every word of it is the engine's; here it only gets its place.

import { text } from "./texts.js";

function make(tag, className, ...content) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...content);
  return element;
}

// The icons are signs, not pictures: some systems would draw the first as a coloured picture.
const asSign = (icon) => `${icon}\uFE0E`;

/** A text whose times are not broken over two lines. */
function unbroken(words) {
  const parts = words.split(/(\d{4}-\d\d-\d\d(?:T[\d:]+Z)?)/);
  return parts.map((part, index) => (index % 2 ? make("span", "time", part) : part));
}

const OUTCOMES = { passed: "✔", failed: "✘", unknown: "?", "not-checked": "–" };

function check(told) {
  const item = make("li", told.outcome);
  const icon = make("span", "icon", asSign(OUTCOMES[told.outcome]));
  icon.setAttribute("aria-hidden", "true");
  item.append(icon, make("div", "", make("strong", "", told.name), " ", make("span", "word", told.word), make("p", "", ...unbroken(told.text))));
  return item;
}

function line(told) {
  return make("div", "", make("dt", "", told.name), make("dd", "", told.value));
}

/** The article of a report; `name` is what was presented. */
export function article(name, { report, words }, language) {
  const told = words[language];
  const icon = make("span", "icon", asSign(told.icon));
  icon.setAttribute("aria-hidden", "true");
  const verdict = make("h3", "verdict", icon, make("span", "", ...unbroken(told.verdict)));
  verdict.tabIndex = -1;
  const shown = make("article", `report ${report.colour}`, verdict);
  shown.dataset.verdict = report.verdict;
  shown.append(make("p", "meaning", told.meaning), make("p", "name", name));
  if (told.clock) shown.append(make("p", "warning", told.clock));
  if (told.subject.length > 0) shown.append(make("dl", "subject", ...told.subject.map(line)));
  if (told.recognised.length > 0) {
    shown.append(make("ul", "recognised", ...told.recognised.map((words) => make("li", "", words))));
  }
  const checks = make("ul", "checks", ...told.checks.map(check));
  shown.append(make("h4", "", text("checks", language)), checks, make("p", "data", ...unbroken(told.data)));
  return shown;
}
