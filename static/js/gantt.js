// The plan as a picture: a lane a resource (or an order), a bar a slot. All of it stands in the table beneath, too.
//
// The figures are the JSON beside the picture; it is replaced when the plan changes, and the picture drawn again with the zoom that it has.
// Times are the clock on the reader's wall as if it were UTC, so that the axis needs no zone.

const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const ROW = 34;
const LONGEST_LABEL = 130, LETTER = 7.5;

function figures(element) {
  return JSON.parse(document.getElementById(element.dataset.gantt).textContent);
}

function escaped(text) {
  const place = document.createElement("span");
  place.textContent = text;
  return place.innerHTML;
}

// What marks rich text in a label.
const plain = (text) => text.replace(/[{}|\n]/g, " ");
const wide = (text) => [...text].reduce((sum, letter) => sum + (letter > "\u2e80" ? 12 : LETTER), 0);

function dark() {
  return document.documentElement.dataset.bsTheme === "dark";
}

// Items are told apart by hue and, where there are more items than hues, by lightness; names stand on the bars, so that no colour is needed.
function colour(index) {
  const hue = (195 + index * 47) % 360;
  const shade = Math.floor(index / 8) % 3;
  return dark() ? `hsl(${hue} 42% ${34 + shade * 7}%)` : `hsl(${hue} 46% ${82 - shade * 9}%)`;
}

function line(index) {
  const hue = (195 + index * 47) % 360;
  return dark() ? `hsl(${hue} 55% 62%)` : `hsl(${hue} 55% 34%)`;
}

const hatch = (color) => ({ symbol: "rect", color, dashArrayX: [1, 0], dashArrayY: [2, 5], rotation: -Math.PI / 4 });

function clip(params, shape) {
  const area = params.coordSys;
  return window.echarts.graphic.clipRectByRect(shape, { x: area.x, y: area.y, width: area.width, height: area.height });
}

function stretch(params, api, share) {
  const [left, middle] = api.coord([api.value(1), api.value(0)]);
  const [right] = api.coord([api.value(2), api.value(0)]);
  const height = api.size([0, 1])[1] * share;
  return clip(params, { x: left, y: middle - height / 2, width: Math.max(2, right - left), height });
}

function bar(data) {
  return (params, api) => {
    const shape = stretch(params, api, 0.68);
    if (!shape) return null;
    const one = data[params.dataIndex];
    const style = { fill: colour(one.colour), stroke: css(one.late ? "--danger" : one.held ? "--accent" : "--line-strong"), lineWidth: one.late ? 2 : 1, opacity: one.done ? 0.5 : 1 };
    if (one.held) style.decal = hatch(line(one.colour));
    const text = `${one.late ? "▲ " : ""}${one.label}`;
    return {
      type: "rect", shape: { ...shape, r: 3 }, style,
      textContent: { style: { text, fill: css("--text"), fontSize: 11, fontWeight: 550, width: Math.max(0, shape.width - 8), overflow: "truncate", ellipsis: "…" } },
      textConfig: { position: "insideLeft", distance: 4, inside: true, outsideFill: css("--text") },
      emphasis: { style: { stroke: css("--accent"), lineWidth: 2 } },
    };
  };
}

function shade(style) {
  return (params, api) => {
    const shape = stretch(params, api, 1);
    return shape && { type: "rect", shape, style, silent: true };
  };
}

const spans = (parts) => parts.map((part) => [part.lane, part.start, part.end]);

function option(element) {
  const data = figures(element);
  const tag = document.documentElement.lang;
  const hours = new Intl.DateTimeFormat(tag, { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: "UTC" });
  const day = new Intl.DateTimeFormat(tag, { weekday: "short", day: "numeric", month: "short", timeZone: "UTC" });
  const names = data.lanes.map((_lane, index) => String(index));
  const most = element.clientWidth < 560 ? 74 : LONGEST_LABEL;
  const labels = Math.min(most, Math.max(40, ...data.lanes.flatMap((lane) => [wide(lane.label), wide(lane.more)])));
  const visible = Math.max(4, Math.floor((element.clientHeight - 90) / ROW));
  const muted = css("--muted");
  const zoomed = { handleSize: 18, height: 16, bottom: 4, borderColor: css("--line"), fillerColor: css("--accent-soft"), handleStyle: { color: css("--surface"), borderColor: css("--accent") }, dataBackground: { lineStyle: { opacity: 0 }, areaStyle: { opacity: 0 } }, brushSelect: false, showDetail: false };
  return {
    animation: false,
    useUTC: true,
    aria: { enabled: false },
    textStyle: { fontFamily: getComputedStyle(document.body).fontFamily, fontSize: 12, color: muted },
    tooltip: {
      confine: true, backgroundColor: css("--raised"), borderWidth: 0, padding: [8, 12], textStyle: { color: css("--text"), fontSize: 12 },
      extraCssText: `box-shadow: ${css("--shadow-high")}; border-radius: 8px`,
      formatter: ({ data: found }) => (found.tip ?? []).map((text, index) => (index ? escaped(text) : `<b>${escaped(text)}</b>`)).join("<br>"),
    },
    grid: { left: labels + 14, right: 16, top: 34, bottom: 44 },
    xAxis: {
      type: "time", position: "top", min: data.since, max: data.until,
      axisLine: { show: false }, axisTick: { show: false }, splitLine: { show: true, lineStyle: { color: css("--line") } },
      axisLabel: { color: muted, hideOverlap: true, formatter: (value) => (value % 86_400_000 ? hours.format(value) : day.format(value)) },
    },
    yAxis: {
      type: "category", data: names.length ? names : [""], inverse: true, axisLine: { show: false }, axisTick: { show: false },
      splitLine: { show: true, lineStyle: { color: css("--line") } },
      axisLabel: {
        color: css("--soft"), width: labels, overflow: "truncate", interval: 0,
        formatter: (_name, index) => (data.lanes[index]?.more ? `{name|${plain(data.lanes[index].label)}}\n{more|${plain(data.lanes[index].more)}}` : `{name|${plain(data.lanes[index]?.label ?? "")}}`),
        rich: { name: { color: css("--text"), fontWeight: 600, lineHeight: 15, width: labels, overflow: "truncate", align: "right" }, more: { color: muted, fontSize: 11, lineHeight: 14, width: labels, overflow: "truncate", align: "right" } },
      },
    },
    dataZoom: [
      { type: "inside", xAxisIndex: 0, filterMode: "none", zoomOnMouseWheel: "ctrl", moveOnMouseWheel: false },
      { type: "slider", xAxisIndex: 0, filterMode: "none", ...zoomed },
      ...(names.length > visible ? [{ type: "slider", yAxisIndex: 0, filterMode: "none", startValue: 0, endValue: visible - 1, width: 10, right: 2, zoomLock: true, brushSelect: false, showDetail: false, borderColor: "transparent", fillerColor: css("--line-strong"), handleSize: 0 }] : []),
    ],
    graphic: data.bars.length ? [] : [{ type: "text", left: "center", top: "middle", style: { text: element.dataset.none, fill: muted, fontSize: 13 } }],
    series: [
      { type: "custom", data: spans(data.rests), renderItem: shade({ fill: css("--sunken"), opacity: 0.8 }), silent: true, z: 0, tooltip: { show: false } },
      { type: "custom", data: spans(data.outages), renderItem: shade({ fill: css("--danger-soft"), decal: hatch(css("--danger")) }), silent: true, z: 1, tooltip: { show: false } },
      {
        type: "custom", z: 2, cursor: "pointer", encode: { x: [1, 2], y: 0 }, renderItem: bar(data.bars),
        data: data.bars.map((one) => ({ value: [one.lane, one.start, one.end], tip: one.tip, url: one.url })),
        markLine: data.now > data.since && data.now < data.until ? {
          silent: true, symbol: "none", lineStyle: { color: css("--accent"), type: "solid", width: 1.5 }, label: { formatter: element.dataset.now, color: css("--accent"), position: "end", distance: 4 }, data: [{ xAxis: data.now }],
        } : undefined,
      },
    ],
  };
}

function draw(element, again) {
  const known = window.echarts.getInstanceByDom(element);
  const picture = known ?? window.echarts.init(element, null, { renderer: "svg" });
  const zoom = again && known ? known.getOption().dataZoom : null;
  const wanted = option(element);
  if (zoom) wanted.dataZoom.forEach((part, index) => zoom[index] && Object.assign(part, { start: zoom[index].start, end: zoom[index].end, startValue: undefined, endValue: undefined }));
  picture.setOption(wanted, true);
  return picture;
}

for (const element of document.querySelectorAll("[data-gantt]")) {
  const picture = draw(element, false);
  picture.on("click", ({ data }) => { if (data?.url) window.location.assign(data.url); });
  new ResizeObserver(() => { picture.resize(); draw(element, true); }).observe(element);
  window.addEventListener("theme", () => draw(element, true));
  document.body.addEventListener("htmx:afterSettle", (event) => { if (event.target.id === "schedule-plan") draw(element, true); });
}
