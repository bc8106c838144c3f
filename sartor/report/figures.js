// Numbers as numbers.py writes them.

const PREFIXES = [[1e15, "P"], [1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"], [1, ""], [1e-3, "m"], [1e-6, "µ"], [1e-9, "n"]];

// Three digits as numbers.py writes them.
function plain(value) {
  if (value === 0) return "0";
  value = Number(value.toPrecision(3));
  const place = 2 - Math.floor(Math.log10(Math.abs(value)) + 1e-12);
  if (place > 8) return value.toExponential(2).replace(/e-(\d)$/, "e-0$1");
  const digits = Math.max(place, 0);
  return value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

function figure(value, unit) {
  if (value === null || value === undefined) return "–";
  if (unit === "$") return "$" + plain(value);
  if (unit === "" || unit === "token/s") return `${plain(value)} ${unit}`.trim();
  const [scale, prefix] = PREFIXES.find(([s]) => Math.abs(value) >= s * 0.9995) || PREFIXES.at(-1);
  return `${plain(value / scale)} ${prefix}${unit}`;
}
