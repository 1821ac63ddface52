// Elements are made here only, and text becomes text nodes only: no name can become markup.

/** An element. Properties named on… are listeners, the others attributes; false and null leave an attribute out. */
function element(tag, properties = {}, ...children) {
  return fill(document.createElement(tag), properties, children);
}

/** The same for SVG. */
function shape(tag, properties = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), properties, children);
}

function fill(made, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat(Infinity).filter(child => child !== null && child !== undefined));
  return made;
}

/** A card with a heading. */
function card(title, explanation, ...content) {
  return element("section", { class: "card" },
    element("header", {}, element("h3", {}, title), explanation ? element("p", { class: "quiet" }, explanation) : null), ...content);
}

/** A choice of one of several; nothing where there is no choice. */
function choice(label, names, chosen, onChoose) {
  if (names.length < 2) return null;
  const select = element("select", { onchange: () => onChoose(select.selectedIndex) },
    names.map((name, i) => element("option", { selected: i === chosen }, name)));
  return element("label", { class: "choice" }, element("span", {}, label), select);
}

/** A figure 0..1 in percent; −1 says that there was nothing to find. */
function figure(value) {
  return value === null || value < 0 ? "–" : (100 * value).toFixed(1);
}

/** The colour of the i-th of several, by the style sheet's light or dark palette. */
function colorOf(i) {
  return `var(--series-${i % 6})`;
}

/** What tells a rival from the others: its ISP, and its detector where there are several. */
function nameOf(rival, rivals) {
  const several = key => new Set(rivals.map(one => one[key])).size > 1;
  return several("detector") ? (several("isp") ? `${rival.isp} · ${rival.detector}` : rival.detector) : rival.isp;
}

/** The items by a key, in the order of their first. */
function groupBy(items, key) {
  const groups = new Map();
  for (const item of items) groups.set(key(item), [...(groups.get(key(item)) ?? []), item]);
  return groups;
}
