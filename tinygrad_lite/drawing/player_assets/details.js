// The details: everything about the tensor that is pointed at, has the focus, or was pinned.

function createDetails(root, graph, positionOf) {
  const details = { root, graph, positionOf, shown: null, pinned: false };
  const { svg } = graph;
  svg.addEventListener("pointerover", (event) => {
    const box = boxUnder(event);
    if (event.pointerType === "mouse" && !details.pinned) box ? showDetails(details, box) : hideDetails(details);
  });
  svg.addEventListener("pointerleave", () => details.pinned || hideDetails(details));
  svg.addEventListener("focusin", (event) => boxUnder(event) && showDetails(details, boxUnder(event)));
  svg.addEventListener("focusout", () => details.pinned || hideDetails(details));
  return details;
}

function boxUnder(event) {
  return event.target.closest("[data-node]");
}

function showDetails(details, element) {
  details.shown = element;
  refreshDetails(details);
  const stage = details.graph.svg.getBoundingClientRect();
  const box = element.getBoundingClientRect();
  const right = box.left + box.width / 2 > stage.left + stage.width / 2;
  details.root.classList.toggle("at-left", right);
  details.root.hidden = false;
}

function hideDetails(details) {
  details.shown = null;
  details.pinned = false;
  details.root.hidden = true;
}

function pinDetails(details, element) {
  const again = details.pinned && details.shown === element;
  hideDetails(details);
  if (again) return;
  details.pinned = true;
  showDetails(details, element);
}

/** What is known of the tensor at the present position. */
function refreshDetails(details) {
  if (!details.shown) return;
  const { model } = details.graph;
  const id = details.shown.dataset.node;
  details.root.replaceChildren(...nodeContent(model, id, details.positionOf()));
  details.root.classList.toggle("pinned", details.pinned);
}

function nodeContent(model, id, position) {
  const node = model.node.get(id);
  const state = gradientAt(model, id, position);
  const kind = [node.kind, shapeText(node.value) || "one number", node.dtype].join(" · ");
  const content = [
    make("h2", {}, chip(model, id, node.label)),
    make("p", { class: "note" }, node.module ? `${kind} · ${node.module}` : kind),
    make("h3", {}, "Value"),
    make("div", { "data-detail": "value" }, arrayElement(node.value)),
  ];
  if (state.expected) {
    content.push(
      make("h3", {}, state.arrived < state.expected ? `Gradient so far: ${state.arrived} of ${state.expected}` : "Gradient"),
      make("div", { "data-detail": "gradient" }, arrayElement(state.array)),
      contributionList(model, id, position),
    );
  } else {
    content.push(make("p", { class: "note" }, "No gradient flows here."));
  }
  if (node.source?.code) content.push(make("pre", {}, node.source.code));
  return content;
}

const LISTED = 12; // contributions that are written out

function contributionList(model, id, position) {
  const arrivals = model.arrivals.get(id) ?? [];
  const items = arrivals.slice(0, LISTED).map((i) => {
    const event = model.events[i];
    const text = i < position ? `${event.formula} = ${model.flow[i].amount}` : event.formula;
    return make("li", { class: i < position ? "arrived" : "coming" }, make("span", {}, `step ${i + 1}`), make("code", {}, text));
  });
  if (arrivals.length > LISTED) items.push(make("li", { class: "coming" }, `… ${arrivals.length - LISTED} more`));
  return make("ol", { class: "contributions" }, ...items);
}
