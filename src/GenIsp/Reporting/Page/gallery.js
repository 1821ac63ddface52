// Images on which the rivals differ: two of them side by side on one picture, a divider between them, their boxes over it.

const matchingIoU = 0.5;

/** A box of the data, as the page's JSON writes it. */
function boxOf([name, x, y, width, height, score, isCrowd]) {
  return { name, x, y, width, height, score, isCrowd };
}

/**
 * What became of the boxes at a score threshold: the best detection first takes the free box of its class that it overlaps most, if their
 * IoU is at least 0.5. What only lies in a crowd is neither right nor wrong.
 */
function match(truth, found, threshold) {
  const free = new Set(truth.filter(box => !box.isCrowd));
  const detections = [];
  for (const box of found.filter(one => one.score >= threshold)) {
    let best = null, most = matchingIoU;
    for (const other of free) {
      const overlap = other.name === box.name ? iou(box, other) : 0;
      if (overlap >= most) [best, most] = [other, overlap];
    }
    free.delete(best);
    const inCrowd = truth.some(other => other.isCrowd && other.name === box.name
      && intersection(box, other) >= matchingIoU * box.width * box.height);
    if (best || !inCrowd) detections.push({ box, isRight: best !== null });
  }
  const right = detections.filter(one => one.isRight).length;
  return { detections, missed: free, right, wrong: detections.length - right };
}

function intersection(a, b) {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  return Math.max(0, width) * Math.max(0, height);
}

function iou(a, b) {
  const both = intersection(a, b);
  return both / (a.width * a.height + b.width * b.height - both);
}

function gallery(images, rivals) {
  const names = rivals.map(rival => nameOf(rival, rivals));
  const sides = firstSides(rivals);
  const state = { image: 0, sides, threshold: firstThreshold(images, sides), divider: 50, truth: true, found: true };
  const stage = element("div", { class: "stage" });
  const layers = [0, 1].map(side => {
    const layer = { picture: element("img", { alt: "", draggable: "false" }), boxes: element("div", { class: "boxes" }) };
    layer.root = element("div", { class: "layer" }, layer.picture, layer.boxes);
    layer.name = element("span", { class: side === 0 ? "badge left" : "badge right" });
    layer.count = element("p", { class: "count" });
    return layer;
  });
  const line = element("div", { class: "divider", "aria-hidden": "true" }, element("span", {}, "⟷"));
  const divider = element("input", {
    type: "range", class: "drag", min: 0, max: 100, step: 0.1, value: state.divider, "aria-label": "Divider between the two",
    oninput: () => change({ divider: Number(divider.value) }),
  });
  stage.append(...layers.map(layer => layer.root), ...layers.map(layer => layer.name), line, divider);
  const output = element("output");
  const threshold = element("input", {
    type: "range", class: "threshold", min: 0.05, max: 0.95, step: 0.01, value: state.threshold, "aria-label": "Lowest score shown",
    oninput: () => change({ threshold: Number(threshold.value) }),
  });
  const toggle = (key, label) => {
    const box = element("input", { type: "checkbox", checked: true, onchange: () => change({ [key]: box.checked }) });
    return element("label", { class: "toggle" }, box, element("span", { class: `key ${key}` }), label);
  };
  const side = i => choice(i === 0 ? "left" : "right", names, state.sides[i], chosen => {
    const sides = [...state.sides];
    sides[i] = chosen;
    change({ sides });
  });
  const thumbnails = images.map((image, i) => element("button", {
    type: "button", class: "thumbnail", title: image.name, "aria-label": image.name, onclick: () => change({ image: i }),
  }, element("img", { src: source(image, image.views[sides[1]]), alt: "", loading: "lazy" })));
  const caption = element("p", { class: "caption" });

  function change(news) {
    Object.assign(state, news);
    show(state, { images, rivals, names, stage, layers, line, output, thumbnails, caption });
  }
  change({});
  return element("div", { class: "gallery" },
    element("div", { class: "thumbnails" }, strip("differ most", thumbnails, images, true), strip("at random", thumbnails, images, false)),
    element("div", { class: "controls" }, side(0), side(1),
      element("label", { class: "choice wide" }, element("span", {}, "score ≥ ", output), threshold),
      toggle("truth", "truth"), toggle("found", "detections")),
    stage,
    element("div", { class: "counts" }, layers.map(layer => layer.count)),
    caption);
}

// On the right the last ISP, which as most write them down is the one that matters; on the left the best of the others.
function firstSides(rivals) {
  const places = [...rivals.keys()].filter(i => rivals[i].detector === rivals[0].detector);
  const right = places.pop();
  if (places.length === 0) return [0, rivals.length - 1];
  const ap = i => rivals[i].figures[0].metrics[0][1];
  return [places.reduce((best, i) => ap(i) > ap(best) ? i : best), right];
}

// Where most is right for what is wrong or missed, by F1 over all images of both sides: how sure a detector is differs from one to another.
function firstThreshold(images, sides) {
  let [first, most] = [0.3, 0];
  for (let i = 1; i < 19; i++) {
    let [right, all] = [0, 0];
    for (const image of images) {
      const truth = image.truth.map(boxOf);
      for (const side of sides) {
        const counts = match(truth, image.views[side].found.map(boxOf), i / 20);
        right += counts.right;
        all += counts.detections.length + truth.filter(box => !box.isCrowd).length;
      }
    }
    const f1 = 2 * right / Math.max(1, all);
    if (f1 > most) [first, most] = [i / 20, f1];
  }
  return first;
}

function strip(label, thumbnails, images, isDifferent) {
  const own = thumbnails.filter((_, i) => (images[i].difference !== undefined) === isDifferent);
  return own.length === 0 ? null : element("div", { class: "strip" }, element("span", { class: "quiet" }, label), element("div", {}, own));
}

function source(image, view) {
  return `data:image/webp;base64,${image.pictures[view.picture]}`;
}

function show(state, { images, rivals, names, stage, layers, line, output, thumbnails, caption }) {
  const image = images[state.image];
  const truth = image.truth.map(boxOf);
  const views = state.sides.map(side => image.views[side]);
  stage.style.aspectRatio = `${views[0].width} / ${views[0].height}`;
  // A portrait shall not be higher than the window.
  stage.style.maxWidth = `${Math.round(78 * views[0].width / views[0].height)}vh`;
  const isPair = state.sides[0] !== state.sides[1];
  stage.classList.toggle("single", !isPair);
  const at = isPair ? state.divider : 100;
  line.style.left = `${at}%`;
  output.textContent = state.threshold.toFixed(2);
  layers.forEach((layer, i) => {
    const { detections, missed, right, wrong } = match(truth, views[i].found.map(boxOf), state.threshold);
    const from = source(image, views[i]);
    if (layer.picture.getAttribute("src") !== from) layer.picture.setAttribute("src", from);
    layer.root.style.clipPath = i === 0 ? `inset(0 ${100 - at}% 0 0)` : `inset(0 0 0 ${at}%)`;
    layer.name.textContent = names[state.sides[i]];
    layer.boxes.replaceChildren(
      ...(state.truth ? truth.map(box => frame(box, box.isCrowd ? "truth crowd" : missed.has(box) ? "truth missed" : "truth")) : []),
      ...(state.found ? detections.map(({ box, isRight }) => frame(box, isRight ? "found right" : "found wrong")) : []));
    const total = truth.filter(box => !box.isCrowd).length;
    layer.count.replaceChildren(
      element("b", {}, names[state.sides[i]]), ` finds ${right} of ${total}`,
      element("span", { class: "quiet" }, wrong === 0 ? ", nothing wrong" : `, ${wrong} wrong`));
    layer.count.style.setProperty("--color", colorOf(state.sides[i]));
    layer.count.hidden = i === 1 && !isPair;
  });
  thumbnails.forEach((thumbnail, i) => thumbnail.setAttribute("aria-current", String(i === state.image)));
  caption.textContent = image.difference === undefined
    ? `${image.name}, chosen at random`
    : `${image.name}, differs by ${image.difference.toFixed(2)}`;
}

function frame(box, kind) {
  const label = box.score === null ? null : `${box.name} ${box.score.toFixed(2)}`;
  const made = element("div", { class: `box ${kind}${box.y < 0.04 ? " high" : ""}` },
    label ? element("span", {}, label) : null);
  made.style.left = `${100 * box.x}%`;
  made.style.top = `${100 * box.y}%`;
  made.style.width = `${100 * box.width}%`;
  made.style.height = `${100 * box.height}%`;
  return made;
}
