// The page from its data.

function trainingCards({ steps, epochs }) {
  const series = (column, name, i, more) => ({ name, color: colorOf(i), points: steps.map(step => [step[0], step[column]]), ...more });
  // What is 0 is not in play: the imitation after its steps, the detector's losses before.
  const inPlay = one => ({ ...one, points: one.points.map(([step, value]) => [step, value > 0 ? value : null]) });
  const terms = [["loss", 2], ["imitation", 3], ["classification", 4], ["boxes", 5], ["color", 6]]
    .map(([name, column], i) => inPlay(series(column, name, i, { smooth: true })))
    .filter(one => one.points.some(point => point[1] !== null));
  const measured = epochs.filter(epoch => epoch[1] !== null && epoch[1] >= 0);
  const cards = [
    card("Loss by step", "The faint line is each step, the strong one their moving average. The axis is logarithmic.",
      lineChart({ series: terms, x: { label: "step" }, y: { label: "loss", log: true } })),
    card("Learning rate by step", null,
      lineChart({ series: [series(1, "rate", 0)], x: { label: "step" }, y: { label: "rate", min: 0, format: power } })),
  ];
  if (measured.length > 0) {
    const best = measured.reduce((a, b) => b[1] > a[1] ? b : a);
    const by = (column, name, i) => ({
      name, color: colorOf(i), dots: true, points: measured.map(epoch => [epoch[0], epoch[column] < 0 ? null : 100 * epoch[column]]),
    });
    cards.splice(1, 0, card("AP by epoch", `The best is epoch ${best[0]}: AP ${figure(best[1])} %, AP50 ${figure(best[2])} %.`,
      lineChart({
        series: [by(1, "AP", 0), by(2, "AP50", 1), by(3, "AR100", 2)], x: { label: "epoch" }, y: { label: "percent", min: 0 },
      })));
  }
  return element("div", { class: "grid-of-cards" }, cards);
}

// Such as 5e-4.
function power(value) {
  return value === 0 ? "0" : Number(value.toPrecision(3)).toExponential();
}

function evaluationCards({ rivals, gallery: images }) {
  const subsets = rivals[0].figures.map(figures => figures.subset);
  const { boxes, images: count } = rivals[0].figures[0];
  return [
    tiles(rivals),
    card("COCO's figures", `${count} images, ${boxes} boxes. In percent; the best of each detector is marked.`,
      subsets.map((subset, k) => [
        subsets.length > 1 ? element("h4", {}, `${subset} boxes: ${rivals[0].figures[k].boxes}`) : null, metricsTable(rivals, k),
      ])),
    images.length > 0 ? card("Look at them", galleryNote, gallery(images, rivals)) : null,
    element("div", { class: "grid-of-cards" }, curveCard(rivals), classCard(rivals)),
  ];
}

const galleryNote = "Drag the divider over the picture. Dashed boxes are the truth; detections are right where they overlap one of their "
  + "class by an IoU of at least 0.5. Images differ most where one ISP is sure of true objects that the other does not see.";

function curveCard(rivals) {
  const names = rivals[0].figures[0].classes.map(one => one.name);
  const place = element("div");
  const draw = chosen => place.replaceChildren(lineChart({
    series: rivals.map((rival, i) => ({
      name: nameOf(rival, rivals), color: colorOf(i), dashed: i >= 6, points: curve(rival.figures[0].classes, chosen),
    })),
    x: { label: "recall", min: 0, max: 1 }, y: { label: "precision", min: 0, max: 1 },
  }));
  draw(0);
  return card("Precision and recall", "At IoU 0.50, interpolated as COCO does. The area below a curve is its AP50.",
    element("div", { class: "controls" }, choice("class", ["mean of all", ...names], 0, draw)), place);
}

// Of one class, or at 0 the mean of all.
function curve(classes, chosen) {
  const curves = chosen === 0 ? classes : [classes[chosen - 1]];
  const count = curves[0]?.precision.length ?? 0;
  return Array.from({ length: count }, (_, i) => [i / (count - 1), curves.reduce((sum, one) => sum + one.precision[i], 0) / curves.length]);
}

function classCard(rivals) {
  const groups = [...groupBy(rivals, rival => rival.detector)];
  const place = element("div");
  const draw = chosen => place.replaceChildren(classTable(groups[chosen][1], rivals));
  draw(0);
  return card("AP by class", "In percent.",
    element("div", { class: "controls" }, choice("detector", groups.map(([detector]) => detector), 0, draw)), place);
}

function build({ title, note, facts, training, evaluations }) {
  const sections = evaluations.map(section => [section.title, evaluationCards(section)]);
  if (training) sections.unshift(["Training", [trainingCards(training)]]);
  document.getElementById("report").append(
    element("header", { class: "page" },
      element("p", { class: "brand" }, "GenIsp"), element("h1", {}, title), note ? element("p", { class: "note" }, note) : null,
      element("dl", {}, facts.map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value))))),
    ...sections.flatMap(([heading, cards]) => [sections.length > 1 ? element("h2", {}, heading) : null, ...cards]).filter(Boolean));
}

build(JSON.parse(document.getElementById("data").textContent));
