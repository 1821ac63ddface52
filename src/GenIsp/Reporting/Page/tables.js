// Tables of figures.

/** The largest figure of each detector, by row: what is marked as the best, where there is a choice. */
function isBest(rival, rivals, valueOf) {
  const same = rivals.filter(one => one.detector === rival.detector);
  const value = valueOf(rival);
  return same.length > 1 && value > 0 && same.every(one => !(valueOf(one) > value));
}

/** AP in large figures, one tile a rival. */
function tiles(rivals) {
  const ap = rival => rival.figures[0].metrics[0][1];
  const most = Math.max(...rivals.map(ap), 1e-9);
  return element("div", { class: "tiles" }, rivals.map((rival, i) => {
    const bar = element("i");
    bar.style.width = `${100 * Math.max(0, ap(rival)) / most}%`;
    const tile = element("div", { class: isBest(rival, rivals, ap) ? "tile best" : "tile" },
      element("span", { class: "name", title: nameOf(rival, rivals) }, nameOf(rival, rivals)),
      element("strong", {}, figure(ap(rival))), element("span", { class: "quiet" }, "% AP"), element("div", { class: "bar" }, bar));
    tile.style.setProperty("--color", colorOf(i));
    return tile;
  }));
}

/** ISPs × metrics, for the k-th subset of the boxes. */
function metricsTable(rivals, k) {
  const names = rivals[0].figures[k].metrics.map(([name]) => name);
  const rows = [];
  for (const [detector, ofDetector] of groupBy(rivals, rival => rival.detector)) {
    rows.push(element("tr", { class: "group" }, element("th", { colspan: names.length + 1, scope: "rowgroup" }, `with ${detector}`)));
    for (const rival of ofDetector) {
      rows.push(element("tr", {}, element("th", { scope: "row" }, rival.isp), names.map((_, column) => {
        const valueOf = one => one.figures[k].metrics[column][1];
        return element("td", { class: isBest(rival, rivals, valueOf) ? "best" : false }, figure(valueOf(rival)));
      })));
    }
  }
  return scrolling(element("table", {},
    headings("ISP", names),
    element("tbody", {}, rows)));
}

/** Classes × ISPs of one detector, with bars. */
function classTable(rivals, all) {
  const classes = rivals[0].figures[0].classes;
  return scrolling(element("table", { class: "classes" },
    headings("class", rivals.map(rival => rival.isp)),
    element("tbody", {}, classes.map(({ name }, k) => element("tr", {}, element("th", { scope: "row" }, name), rivals.map(rival => {
      const valueOf = one => one.figures[0].classes[k].ap;
      const bar = element("i");
      bar.style.width = `${100 * Math.max(0, valueOf(rival))}%`;
      const cell = element("td", { class: isBest(rival, rivals, valueOf) ? "best" : false },
        figure(valueOf(rival)), element("div", { class: "bar" }, bar));
      cell.style.setProperty("--color", colorOf(all.indexOf(rival)));
      return cell;
    }))))), classes.length > 14);
}

function headings(first, others) {
  return element("thead", {}, element("tr", {}, [first, ...others].map(name => element("th", { scope: "col" }, name))));
}

function scrolling(table, isLong = false) {
  return element("div", { class: isLong ? "scrolling long" : "scrolling", tabindex: 0, role: "region", "aria-label": "table" }, table);
}
