// The model: what was traced, and the state of every gradient as a pure function of the position.
//
// Position 0 is the start, where only the output has its gradient; at position k event k - 1 has just
// happened; the last position shows the finished picture.

function readModel(text) {
  const model = JSON.parse(text);
  const { trace } = model;
  model.events = trace.events;
  model.count = trace.events.length;
  model.end = model.count + 1;
  model.node = new Map(trace.nodes.map((node) => [node.id, node]));
  model.edge = new Map(trace.edges.map((edge) => [edge.id, edge]));
  model.eventOf = new Map(model.events.map((event, i) => [event.edge, i]));
  model.arrivals = groupIndices(model.events, (event) => event.target_id);
  model.departures = groupIndices(model.events, (event) => event.node);
  return model;
}

function groupIndices(items, keyOf) {
  const groups = new Map();
  items.forEach((item, i) => {
    const key = keyOf(item);
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(i);
  });
  return groups;
}

/** How many numbers of an ascending list are below a limit. */
function countBelow(numbers, limit) {
  let low = 0;
  let high = numbers.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (numbers[middle] < limit) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The event that has just happened, or null at the start and at the end. */
function activeAt(model, position) {
  return position >= 1 && position <= model.count ? position - 1 : null;
}

/** The gradient that a tensor has received: the array, how it looks, and how much is still to come. */
function gradientAt(model, id, position) {
  const arrivals = model.arrivals.get(id) ?? [];
  const arrived = countBelow(arrivals, position);
  const replaced = model.hooked[id];
  if (id === model.trace.output) return { ...(replaced ?? model.seed), arrived: 1, expected: 1 };
  const state = { arrived, expected: arrivals.length, array: null, text: "", lean: 0 };
  if (!arrived) return state;
  if (replaced && arrived === arrivals.length) return { ...state, ...replaced };
  const last = arrivals[arrived - 1];
  const { total, total_lean } = model.flow[last];
  return { ...state, array: model.events[last].after, text: total, lean: total_lean };
}

/** Whether the upstream gradient has come through an operation. */
function operationReached(model, id, position) {
  const departures = model.departures.get(id);
  return departures !== undefined && departures[0] < position;
}

/** One sentence on a position, for screen readers and for the slider. */
function sentenceAt(model, position) {
  if (position === 0) return `Start. The output has its gradient; ${plural(model.count, "step")} to go.`;
  if (position === model.end) return "Finished. Every leaf has its gradient.";
  const event = model.events[position - 1];
  const { amount } = model.flow[position - 1];
  const sum = event.before === null ? "" : ` Its gradient: ${event.accumulation}.`;
  return `Step ${position} of ${model.count}: ${event.operation} sends ${amount} to ${event.target}.${sum}`;
}

function plural(count, word) {
  return `${count.toLocaleString("en")} ${word}${count === 1 ? "" : "s"}`;
}
