// The plots: specifications come from Python; this fills in the axes that the reader picks.

const content = JSON.parse(document.getElementById("data").textContent);
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const axes = Object.keys(content.axes);

// A design or a chip as a row of the plot, with the words of its tooltip.
function drawable(row, x, y, color) {
  const tips = Object.fromEntries(axes.map((a) => [`t_${a}`, figure(row[a], content.units[a])]));
  return { ...row, ...tips, x: row[x], y: row[y], color: row[color] };
}

function frontRows() {
  const { figures, words, choices, pick } = content.front;
  return figures[axes[0]].map((_, i) => {
    const row = { index: i, chosen: i === pick, design: {} };
    for (const a of axes) row[a] = figures[a][i];
    for (const v of Object.keys(choices)) row.design[v] = row[v] = words[v][choices[v][i]];
    row.name = `${row.node}, ${row.cores}×${row.rows}×${row.lanes}×${row.columns}, ${row.clock}, ${row.units}×${row.memory}`;
    return row;
  });
}

const rows = frontRows();
const picked = (axis) => document.getElementById(`axis-${axis}`).value;
const titled = (name) => document.querySelector(`#axis-color option[value="${name}"]`).textContent;

function colors() {
  const ink = dark.matches ? "#e6e8eb" : "#1b1f24", faint = dark.matches ? "#33383f" : "#e3e6ea";
  const text = { labelColor: ink, titleColor: ink, labelFontSize: 12, titleFontSize: 12, titleFontWeight: "normal" };
  return { background: null, font: "system-ui, sans-serif", view: { stroke: null },
    axis: { ...text, gridColor: faint, domainColor: faint, tickColor: faint },
    legend: { ...text, symbolBaseFillColor: ink, symbolBaseStrokeColor: ink, columns: window.innerWidth < 560 ? 1 : undefined } };
}

// Names on a dark screen, by their color on white.
const LIGHTER = { "#b84e00": "#f0a35e", "#c2185b": "#f48fb1" };

// Over more than a decade, a logarithmic axis labels 1, 2 and 5 only; the others would push these out.
const ROUND = "indexof([1, 2, 5], round(datum.value / pow(10, floor(log(datum.value) / LN10 + 1e-9)))) < 0 ? '' : ";

// How an axis or a legend writes its numbers.
function label(a, values) {
  const words = content.units[a] === "$" ? "'$' + format(datum.value, '.3~r')"
    : `format(datum.value, '~s') + '${content.units[a].replace("token/s", "")}'`;
  const wide = Math.max(...values) > 10 * Math.min(...values);
  return (wide ? ROUND : "") + words;
}

// Okabe and Ito's palette, for choices that are words.
const WORDS = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#f0e442", "#d55e00", "#8a8f98"];

// The front's colors: a scale of the picked figure, or a color for each word of the picked choice.
function paint(spec, color) {
  const how = spec.layer.find((layer) => layer.data.name === "front").encoding.color;
  how.legend.title = titled(color);
  if (axes.includes(color)) how.legend.labelExpr = label(color, rows.map((r) => r[color]));
  else Object.assign(how, { type: "nominal", sort: null, scale: { range: WORDS } });
}

// Every set of points that is drawn; a point that is not known, or nothing, has no place on a logarithmic axis.
function paretoPoints(x, y, color) {
  const drawn = (list) => list.map((r) => drawable(r, x, y, color)).filter((r) => r.x > 0 && r.y > 0);
  const chips = document.getElementById("with-rivals").checked ? content.rivals : [];
  return { front: drawn(rows), rivals: drawn(chips), chosen: drawn([{ ...content.mineRow, name: content.mine }]) };
}

function paretoSpec() {
  const [x, y, color] = ["x", "y", "color"].map(picked);
  const spec = structuredClone(content.specs[language()].pareto);
  paint(spec, color);
  spec.datasets = paretoPoints(x, y, color);
  spec.layer = spec.layer.filter((layer) => spec.datasets[layer.data.name].length);
  const all = Object.values(spec.datasets).flat();
  for (const { mark, encoding } of spec.layer) {
    if (dark.matches && mark.type === "text") mark.color = LIGHTER[mark.color];
    for (const [name, a] of [["x", x], ["y", y]])
      Object.assign(encoding[name].axis, { title: titled(a), labelExpr: label(a, all.map((r) => r[name])) });
  }
  return spec;
}

function rooflineSpec() {
  const spec = structuredClone(content.specs[language()].roofline);
  const who = (name) => (name === content.mine ? "mine" : name === content.best ? "best" : "other");
  const words = (r) => ({ ...r, who: who(r.name), t_ops: figure(r.ops_per_s, "ops/s"), t_x: figure(r.ops_per_byte, "") });
  const { ceilings, points } = content.roofline;
  spec.datasets = { ceilings: ceilings.map(words), points: points.map(words) };
  for (const layer of spec.layer)
    for (const name of ["x", "y"]) layer.encoding[name].axis.labelExpr = ROUND + "format(datum.value, '~s')";
  return spec;
}
