// Drawing the plots, and the design that the reader clicks.

async function draw(name, spec) {
  const place = document.getElementById(`plot-${name}`);
  const options = { mode: "vega-lite", actions: false, renderer: "svg", config: colors() };
  const { view } = await vegaEmbed(place, spec, options);
  return view;
}

// Puts a design beside the chosen one and marks what differs.
function show(row) {
  document.getElementById("clicked").textContent = row.index === undefined ? content.mine : `#${row.index + 1}`;
  for (const cell of document.querySelectorAll("#design-panel [data-of]")) {
    const name = cell.dataset.of, beside = cell.nextElementSibling;
    const words = axes.includes(name) ? figure(row[name], content.units[name]) : row.design[name];
    cell.textContent = words;
    cell.parentElement.classList.toggle("differs", words !== beside.textContent);
  }
}

async function drawPareto() {
  const view = await draw("pareto", paretoSpec());
  view.addEventListener("click", (event, item) => {
    if (item && item.datum && item.datum.design) show(item.datum);
  });
}

function drawAll() {
  return Promise.all([drawPareto(), draw("roofline", rooflineSpec())]);
}

for (const id of ["axis-x", "axis-y", "axis-color", "with-rivals"])
  document.getElementById(id).addEventListener("change", drawPareto);
dark.addEventListener("change", drawAll);
drawAll().then(() => document.body.classList.add("drawn"));
