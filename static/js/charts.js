// Pictures drawn from the figures that stand in the page; the colours are those of the style sheet, light or dark.

const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const tag = document.documentElement.lang;
const whole = new Intl.NumberFormat(tag);
const share = new Intl.NumberFormat(tag, { style: "percent" });

function base() {
  return {
    animationDuration: matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 350,
    textStyle: { fontFamily: getComputedStyle(document.body).fontFamily, fontSize: 12, color: css("--muted") },
    tooltip: {
      backgroundColor: css("--raised"), borderWidth: 0, padding: [8, 12], textStyle: { color: css("--text"), fontSize: 12 },
      extraCssText: `box-shadow: ${css("--shadow-high")}; border-radius: 8px`,
    },
  };
}

const axisLine = () => ({ axisLine: { show: false }, axisTick: { show: false }, axisLabel: { color: css("--muted") } });

function flow(points, { sent, received }) {
  const bar = (name, key, color) => ({
    name, type: "bar", data: points.map((point) => point[key]), barMaxWidth: 12, barGap: "25%", itemStyle: { color, borderRadius: [3, 3, 0, 0] },
  });
  return {
    ...base(),
    grid: { left: 8, right: 12, top: 34, bottom: 6, outerBoundsMode: "same", outerBoundsContain: "axisLabel" },
    legend: { top: 0, right: 12, itemWidth: 10, itemHeight: 10, textStyle: { color: css("--soft") } },
    tooltip: { ...base().tooltip, trigger: "axis", axisPointer: { type: "shadow", shadowStyle: { color: css("--sunken"), opacity: 0.6 } } },
    xAxis: { type: "category", data: points.map((point) => point.week), ...axisLine() },
    yAxis: { type: "value", minInterval: 1, splitLine: { lineStyle: { color: css("--line") } }, ...axisLine() },
    series: [bar(sent, "sent", css("--accent")), bar(received, "received", css("--accent-line"))],
  };
}

function punctual(points, { label }) {
  const sorted = [...points].sort((one, other) => one.rate - other.rate);
  return {
    ...base(),
    grid: { left: 8, right: 48, top: 0, bottom: 6, outerBoundsMode: "same", outerBoundsContain: "axisLabel" },
    tooltip: { ...base().tooltip, trigger: "item", valueFormatter: (value) => share.format(value) },
    xAxis: { type: "value", min: 0, max: 1, show: false },
    yAxis: { type: "category", data: sorted.map((point) => point.partner), ...axisLine(), axisLabel: { color: css("--soft"), width: 150, overflow: "truncate" } },
    series: [{
      name: label, type: "bar", barWidth: 10, showBackground: true, backgroundStyle: { color: css("--sunken"), borderRadius: 5 },
      itemStyle: { borderRadius: 5 },
      label: { show: true, position: "right", color: css("--text"), formatter: ({ value }) => share.format(value) },
      data: sorted.map((point) => ({ value: point.rate, itemStyle: { color: css(point.rate < 0.8 ? "--warning" : "--accent") } })),
    }],
  };
}

// How promises were kept, month by month: one column, from what came on time to what never came.
function kept(points, { onTime, late, overdue, open }) {
  const part = (name, key, color, round) => ({
    name, type: "bar", stack: "kept", data: points.map((point) => point[key]), barMaxWidth: 28, itemStyle: { color, borderRadius: round ? [3, 3, 0, 0] : 0 },
  });
  return {
    ...base(),
    grid: { left: 8, right: 12, top: 34, bottom: 6, outerBoundsMode: "same", outerBoundsContain: "axisLabel" },
    legend: { top: 0, right: 12, itemWidth: 10, itemHeight: 10, textStyle: { color: css("--soft") } },
    tooltip: { ...base().tooltip, trigger: "axis", axisPointer: { type: "shadow", shadowStyle: { color: css("--sunken"), opacity: 0.6 } } },
    xAxis: { type: "category", data: points.map((point) => point.month), ...axisLine() },
    yAxis: { type: "value", minInterval: 1, splitLine: { lineStyle: { color: css("--line") } }, ...axisLine() },
    series: [
      part(onTime, "on_time", css("--accent")), part(late, "late", css("--warning")), part(overdue, "overdue", css("--danger")),
      part(open, "open", css("--accent-line"), true),
    ],
  };
}

// How far each enterprise is from the end customer: the longest way down the links. A ring ends after as many rounds as nodes.
function tiers(nodes, links) {
  const tier = new Map(nodes.map((node) => [node.slug, node.tier ?? 0]));
  if (nodes.every((node) => node.tier !== undefined)) return tier;
  for (let round = 0, moved = true; moved && round < nodes.length; round++) {
    moved = false;
    for (const { source, target } of links) {
      if (tier.get(source) > tier.get(target)) continue;
      tier.set(source, tier.get(target) + 1);
      moved = true;
    }
  }
  return tier;
}

function places(nodes, links, width, height) {
  const tier = tiers(nodes, links);
  const columns = Map.groupBy ? Map.groupBy(nodes, (node) => tier.get(node.slug)) : grouped(nodes, tier);
  const order = [...columns.keys()].sort((one, other) => other - one);
  const upright = width < 560;
  const spot = new Map();
  order.forEach((key, column) => {
    columns.get(key).forEach((node, index) => {
      const along = (column + 0.5) / order.length;
      const across = (index + 0.5) / columns.get(key).length;
      spot.set(node.slug, upright ? [across * width, along * height] : [along * width, across * height]);
    });
  });
  return spot;
}

function grouped(nodes, tier) {
  const groups = new Map();
  for (const node of nodes) groups.set(tier.get(node.slug), [...(groups.get(tier.get(node.slug)) ?? []), node]);
  return groups;
}

function chain({ nodes, links }, { open, late }, element) {
  const spot = places(nodes, links, element.clientWidth, element.clientHeight);
  const small = element.clientWidth < 560;
  return {
    ...base(),
    tooltip: { ...base().tooltip, formatter: ({ dataType, data }) => dataType === "edge"
      ? `${escaped(data.words)}<br>${open}: ${whole.format(data.open ?? 0)} · ${late}: ${whole.format(data.late ?? 0)}`
      : `<b>${escaped(data.full)}</b>${data.late ? `<br>${late}: ${whole.format(data.late)}` : ""}` },
    series: [{
      type: "graph", layout: "none", roam: false, left: 0, top: 0, right: 0, bottom: 0, cursor: "pointer",
      edgeSymbol: ["none", "arrow"], edgeSymbolSize: [0, 8],
      label: { show: true, position: "bottom", distance: 4, color: css("--text"), backgroundColor: css("--surface"), padding: [2, 4], fontSize: small ? 11 : 12, fontWeight: 550, width: small ? 106 : 130, overflow: "truncate", lineHeight: 15 },
      emphasis: { focus: "adjacency" },
      data: [
        ...nodes.map((node) => ({
          id: node.slug, name: node.late ? `${node.name}\n▲ ${whole.format(node.late)} ${late}` : node.name, full: node.name, url: node.url, late: node.late,
          x: spot.get(node.slug)[0], y: spot.get(node.slug)[1], symbolSize: node.own ? 30 : 20,
          itemStyle: { color: node.own ? css("--accent") : css("--surface"), borderWidth: 3, borderColor: css(node.late ? "--warning" : "--accent") },
        })),
        ...corners(element),
      ],
      links: links.map((link) => ({
        source: link.source, target: link.target, open: link.open, late: link.late,
        words: `${link.source_name ?? link.source} → ${link.target_name ?? link.target}`,
        lineStyle: { color: css(link.late ? "--warning" : "--accent-line"), type: link.late ? "dashed" : "solid", width: Math.min(7, 1.5 + Math.sqrt(link.open ?? 1)), curveness: 0.12, opacity: 1 },
      })),
    }],
  };
}

// A graph is stretched to its outermost points: two points without a body keep a rim for the names.
function corners(element) {
  const blank = { symbolSize: 0, label: { show: false }, silent: true, name: "" };
  return [{ ...blank, id: " 0", x: 0, y: 0 }, { ...blank, id: " 1", x: element.clientWidth, y: element.clientHeight }];
}

function escaped(text) {
  const place = document.createElement("span");
  place.textContent = text;
  return place.innerHTML;
}

const drawings = { flow, punctual, kept, chain };

function draw(element) {
  const figures = JSON.parse(document.getElementById(element.dataset.source).textContent);
  const picture = window.echarts.getInstanceByDom(element) ?? window.echarts.init(element, null, { renderer: "svg" });
  picture.setOption(drawings[element.dataset.chart](figures, element.dataset, element), true);
  return picture;
}

function begin(root) {
  for (const element of root.querySelectorAll("[data-chart]:not([data-drawn])")) {
    element.dataset.drawn = "";
    const picture = draw(element);
    picture.on("click", ({ data }) => { if (data.url) window.location.assign(data.url); });
    const redraw = () => draw(element);
    const size = new ResizeObserver(() => { picture.resize(); redraw(); });
    size.observe(element);
    window.addEventListener("theme", redraw);
    element.addEventListener("htmx:beforeCleanupElement", () => { size.disconnect(); window.removeEventListener("theme", redraw); picture.dispose(); });
  }
}

begin(document);
document.addEventListener("htmx:load", ({ target }) => begin(target.parentElement ?? target));
