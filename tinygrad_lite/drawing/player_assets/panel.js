// The panel: upstream × local = contribution, the sum it adds to, and where all that was written.

function showPanel(root, model, position) {
  const content =
    position === 0 ? startContent(model) : position === model.end ? endContent(model) : eventContent(model, position);
  root.replaceChildren(...content);
}

function section(title, ...children) {
  return make("section", { class: "part" }, make("h3", {}, title), ...children);
}

function chip(model, id, label) {
  return make("span", { class: `chip ${model.node.get(id).kind}` }, label);
}

// A step

function eventContent(model, position) {
  const event = model.events[position - 1];
  const { statement } = model.flow[position - 1];
  const result = model.edge.get(`${event.node}.out`).to;
  const heading = make(
    "h2",
    {},
    chip(model, result, event.result),
    make("span", { class: "way", "aria-label": `through ${event.operation} to` }, ` ⟶ ${event.symbol} ⟶ `),
    chip(model, event.target_id, event.target),
  );
  return [
    make("p", { class: "eyebrow" }, `Step ${position} of ${model.count}`),
    heading,
    make("p", { class: "statement", "data-field": "statement" }, statement),
    chainRule(model, event),
    accumulator(model, event, position),
    origin(event),
  ];
}

/** The chain rule with its numbers: in one line for single numbers, else one below the other. */
function chainRule(model, event) {
  const output = model.node.get(model.trace.output).label;
  const parts = [sign(""), term("upstream", derivative(output, event.result), event.upstream)];
  const contribution = term("contribution", `to ${derivative(output, event.target)}`, event.contribution);
  setLean(contribution, model.flow[event.step].lean);
  if (event.local) {
    parts.push(sign("×"), term("local", derivative(event.result, event.target), event.local));
  } else {
    parts.push(sign(""), ruleElement(event.formula));
  }
  parts.push(sign("="), contribution);
  const line = fitsLine(output, event) ? "equation line" : "equation";
  return section(
    "Chain rule",
    make("div", { class: line }, ...parts),
    ...(event.local ? [ruleElement(event.formula)] : operands(model, event)),
  );
}

/** The values of the tensors that a rule names. */
function operands(model, event) {
  const edges = model.trace.edges.filter(({ from, to }) => [from, to].includes(event.node));
  const tensors = edges.map(({ from, to }) => (from === event.node ? to : from));
  const named = [...new Set(tensors)].map((id) => model.node.get(id)).filter((node) => names(event.formula, node.label));
  return named.map((node) => {
    const operand = term("operand", node.label, node.value);
    operand.dataset.operand = node.id;
    return operand;
  });
}

/** Whether a formula holds a name as a whole word. */
function names(formula, label) {
  const literal = label.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`(?<![\\w.])${literal}(?![\\w.])`).test(formula);
}

/** Whether three single numbers with their captions have room side by side. */
function fitsLine(output, { upstream, local, contribution, result, target }) {
  const arrays = [upstream, local, contribution];
  if (!local || arrays.some((array) => sizeOf(array) !== 1)) return false;
  const captions = [output + result, result + target, `to ${output}${target}`];
  const widths = arrays.map((array, i) =>
    Math.max(15 * arrayElement(array).textContent.length, 7 * (captions[i].length + 5)),
  );
  return widths[0] + widths[1] + Math.max(80, widths[2]) < 260;
}

function derivative(of, by) {
  return `∂${of} / ∂${by}`;
}

function sign(text) {
  return make("div", { class: "sign", "aria-hidden": "true" }, text);
}

function ruleElement(formula) {
  return make("p", { class: "rule" }, make("span", {}, "rule"), make("code", { "data-field": "formula" }, formula));
}

function term(field, caption, array) {
  const shape = array.shape.length ? make("span", { class: "extent" }, shapeText(array)) : null;
  return make(
    "div",
    { class: `term ${field}${sizeOf(array) === 1 ? " single" : ""}` },
    make("div", { class: "caption" }, make("b", {}, field), " ", make("span", {}, caption), " ", shape),
    make("div", { class: "amount", "data-field": field }, arrayElement(array)),
  );
}

function accumulator(model, event, position) {
  const arrivals = model.arrivals.get(event.target_id);
  const nth = arrivals.indexOf(position - 1) + 1;
  const single = sizeOf(event.after) === 1;
  const note =
    arrivals.length === 1 ? "the only contribution" : nth === 1 ? `first of ${arrivals.length} contributions` : `contribution ${nth} of ${arrivals.length}`;
  const parts = [
    make("p", { class: "sum", "data-field": "accumulation" }, event.accumulation),
    make("p", { class: "note" }, note),
  ];
  if (!single && event.before) parts.push(term("before", "", event.before));
  if (!single) parts.push(term("after", "", event.after));
  const change = nth === arrivals.length ? model.hooked[event.target_id] : undefined;
  if (change) parts.push(...hookElements(change));
  return section(`Gradient of ${event.target}`, ...parts);
}

/** What a hook made of a complete gradient. */
function hookElements({ array, text }) {
  const words = make("p", { class: "note" }, "A hook on this tensor changed its gradient:");
  const sum = make("p", { class: "sum", "data-field": "hooked" }, text);
  return [words, sum, sizeOf(array) === 1 ? null : term("replaced", "", array)];
}

function origin(event) {
  const { file, line, code } = event.source;
  const place = file ? `${file}:${line}` : "unknown";
  const facts = make(
    "dl",
    { class: "origin" },
    make("dt", {}, "Operation"),
    make("dd", { "data-field": "operation" }, `${event.operation}, argument ${event.slot + 1}`),
    make("dt", {}, "Module"),
    make("dd", { "data-field": "module" }, event.module || "none"),
    make("dt", {}, "Line"),
    make("dd", {}, place),
  );
  return section("Where", facts, code ? make("pre", { "data-field": "code", tabindex: "0" }, code) : null);
}

// The start and the end

function startContent(model) {
  const output = model.node.get(model.trace.output);
  const operations = model.trace.nodes.filter((node) => node.kind === "operation").length;
  const change = model.hooked[model.trace.output];
  return [
    make("p", { class: "eyebrow" }, "Start"),
    make("h2", {}, "How does ", chip(model, model.trace.output, output.label), " change?"),
    make(
      "p",
      { class: "prose" },
      `The forward pass ran from left to right through ${plural(operations, "operation")}. Now the gradient flows back: ` +
        "every operation multiplies what arrives from the right by its local derivative, and passes the product on to its inputs. " +
        "Where paths meet, gradients add up.",
    ),
    section("It begins with", term("upstream", derivative(output.label, output.label), model.seed.array), ...(change ? hookElements(change) : [])),
    make("p", { class: "note" }, "Play, or step with the arrow keys. Point at a tensor to see all of it; choose a wire to go to its step."),
  ];
}

function endContent(model) {
  const output = model.node.get(model.trace.output).label;
  const rows = Object.entries(model.trace.gradients).map(([id, array]) => {
    const earlier = model.trace.earlier[id];
    return make(
      "li",
      { class: sizeOf(array) === 1 ? "single" : "" },
      make("div", { class: "caption" }, chip(model, id, model.node.get(id).label), make("span", { class: "extent" }, shapeText(array))),
      make("div", { "data-gradient": id }, arrayElement(array)),
      earlier ? make("div", { class: "earlier", "data-earlier": id }, ...earlierContent(model, id, earlier, array)) : null,
    );
  });
  const meaning = Object.keys(model.trace.earlier).length
    ? "how the output answers to a small change of each leaf, added to what was there before."
    : "how the output answers to a small change of each leaf.";
  return [
    make("p", { class: "eyebrow" }, "Finished"),
    make("h2", {}, "Every gradient of ", chip(model, model.trace.output, output)),
    make("p", { class: "prose" }, "This is what grad holds now: " + meaning),
    make("ul", { class: "leaves" }, ...rows),
  ];
}

/** How the gradient of this pass was added to one that the leaf held before. */
function earlierContent(model, id, earlier, array) {
  const added = gradientAt(model, id, model.end).array;
  const note = (text) => make("p", { class: "note" }, text);
  if (sizeOf(array) === 1) {
    const [before, change, now] = [earlier, added, array].map((part) => (part ? arrayElement(part).textContent : "0"));
    return [make("p", {}, `${before} + ${change} → ${now}`), note(`${before} was in grad before this pass.`)];
  }
  return [note("This was in grad before this pass, and the gradient has been added to it:"), arrayElement(earlier)];
}

// The legend

function showLegend(root, model) {
  const present = new Set(model.scene.boxes.map(({ id }) => model.node.get(id).kind));
  const entries = Object.entries(model.kinds)
    .filter(([kind]) => present.has(kind))
    .map(([kind, word]) => key(`swatch ${kind}`, word));
  entries.push(key("stroke positive", "gradient above 0"), key("stroke negative", "below 0"), key("stroke balanced", "of both signs"));
  if (model.flow.some(({ zero }) => zero)) entries.push(key("stroke zero", "dotted: exactly 0"));
  entries.push(key("stroke wide", "wide: large (log scale)"));
  root.replaceChildren(make("ul", {}, ...entries), make("p", {}, "∇ gradient · g the upstream gradient in a rule · ‖ ‖ the length of an array"));
}

function key(look, word) {
  return make("li", {}, make("i", { class: look }), word);
}
