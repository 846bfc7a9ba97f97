// A device over time: charts one below the other on one axis, with gaps as gaps, sessions as bands and marked readings.

import { instant, number } from "./formats.js";
import { words } from "./words.js";

const KEY = "device";
const PLOTS = [
    { name: "power", height: 190, digits: 2, unit: "kW", lines: [["acKw", "--ac", "ac"], ["dcKw", "--dc", "dc"]], fromZero: true },
    { name: "soc", height: 120, digits: 0, unit: "%", lines: [["soc", "--soc", "soc"]] },
    { name: "temperature", height: 120, digits: 1, unit: "°C", lines: [["batteryTemp", "--temperature", "temperature"]] },
    { name: "voltage", height: 120, digits: 1, unit: "V", lines: [["voltage", "--voltage", "voltage"]] },
];
const STEPS_S = [60, 300, 900, 1800, 3600];
const MOST_POINTS = 1999;
const LATE = "late";
const DAY_S = 86_400;
const holder = document.getElementById("series");
let drawn = [];

// A colour as it is now: canvases know neither variables nor light-dark().
function colour(name) {
    const probe = document.createElement("i");
    probe.hidden = true;
    holder.append(probe);
    probe.style.setProperty("color", `var(${name})`);
    const found = getComputedStyle(probe).color;
    probe.remove();
    return found;
}

async function ask(address, parameters) {
    const answer = await fetch(`${address}?${new URLSearchParams(parameters)}`);
    const said = await answer.json();
    if (!answer.ok) {
        throw new Error(said.detail);
    }
    return said;
}

function span() {
    const { hours } = holder.dataset;
    const to = new Date();
    return { from: new Date(to - hours * 3_600_000).toISOString(), to: to.toISOString() };
}

// No shorter than the device reports: most points would be empty.
function step() {
    const { hours, interval } = holder.dataset;
    return STEPS_S.find(each => each >= interval && (hours * 3600) / each <= MOST_POINTS) ?? STEPS_S.at(-1);
}

// A value between two gaps has no line to either side.
function alone(plot, place) {
    const values = plot.data[place];
    return values.flatMap((value, at) => (value !== null && values[at - 1] == null && values[at + 1] == null ? [at] : []));
}

function written(splits, increment) {
    const midnights = at => new Date(at * 1000).getHours() === 0 && new Date(at * 1000).getMinutes() === 0;
    return splits.map(at => instant(new Date(at * 1000), increment >= DAY_S || midnights(at) ? "short" : "clock"));
}

const seconds = at => Date.parse(at) / 1000;

// Sessions lie behind the lines, marked readings are short strokes at the foot, changes of the meter are lines.
function decorations(series, sessions) {
    const [band, bad, edge] = ["--chosen", "--critical", "--soft"].map(colour);
    const within = (plot, at) => plot.valToPos(at, "x", true);
    return {
        drawClear: plot => {
            const { left, top, width, height } = plot.bbox;
            plot.ctx.fillStyle = band;
            for (const { startedAt, endedAt } of sessions) {
                const begin = Math.max(left, within(plot, seconds(startedAt)));
                const end = Math.min(left + width, within(plot, seconds(endedAt)));
                if (end > begin) {
                    plot.ctx.fillRect(begin, top, end - begin, height);
                }
            }
        },
        draw: plot => {
            const { left, top, width, height } = plot.bbox;
            const stroke = (at, from, style) => {
                const x = within(plot, seconds(at));
                if (x >= left && x <= left + width) {
                    plot.ctx.fillStyle = style;
                    plot.ctx.fillRect(x - 1, from, 2, top + height - from);
                }
            };
            for (const { at, flag } of series.marks) {
                stroke(at, top + height - (flag === LATE ? 4 : 12) * devicePixelRatio, flag === LATE ? edge : bad);
            }
            (series.meters ?? []).slice(1).forEach(meter => stroke(meter.fromTs, top, edge));
        },
    };
}

function draw(plot, times, series, sessions, width) {
    const lines = plot.lines.filter(([name]) => series[name]?.some(value => value !== null));
    if (!lines.length) {
        return null;
    }
    const figure = document.createElement("figure");
    figure.append(Object.assign(document.createElement("figcaption"), { textContent: words[plot.name] }));
    holder.append(figure);
    const soft = colour("--soft"), grid = colour("--edge");
    const axis = { stroke: soft, grid: { stroke: grid, width: 1 }, ticks: { stroke: grid, width: 1 }, font: "12px system-ui" };
    const shown = (unit, digits) => (_, value) => (value === null || value === undefined ? "–" : `${number(value, digits)} ${unit}`);
    const options = {
        width,
        height: plot.height,
        cursor: { sync: { key: KEY }, drag: { x: true, y: false } },
        scales: { y: { range: (_, low, high) => (plot.fromZero ? [0, Math.max(high, 1) * 1.08] : low === high ? [low - 1, high + 1] : [low - (high - low) * 0.1, high + (high - low) * 0.1]) } },
        axes: [{ ...axis, space: 64, values: (_, splits, __, ___, increment) => written(splits, increment) }, { ...axis, size: 52, values: (_, ticks) => ticks.map(tick => number(tick, Number.isInteger(tick) ? 0 : 1)) }],
        series: [
            { label: words.time, value: (_, at) => (at === null ? "–" : instant(new Date(at * 1000))) },
            ...lines.map(([, token, label]) => ({ label: words[label], stroke: colour(token), width: 1.5, points: { show: true, size: 4, filter: alone }, value: shown(plot.unit, plot.digits), spanGaps: false })),
        ],
        hooks: Object.fromEntries(Object.entries(decorations(series, sessions)).map(([name, hook]) => [name, [hook]])),
    };
    return new uPlot(options, [times, ...lines.map(([name]) => series[name])], figure);
}

async function show() {
    const asked = span();
    const [series, { items: sessions }] = await Promise.all([
        ask(holder.dataset.series, { ...asked, step: step() }),
        holder.dataset.sessions ? ask(holder.dataset.sessions, { ...asked, limit: 200 }) : { items: [] },
    ]);
    const first = seconds(series.fromTs);
    const times = series.acKw.map((_, place) => first + place * series.stepSeconds);
    const draw_all = () => {
        drawn.forEach(plot => plot.destroy());
        holder.replaceChildren();
        drawn = PLOTS.map(plot => draw(plot, times, series, sessions, holder.clientWidth)).filter(Boolean);
        if (!drawn.length) {
            holder.append(Object.assign(document.createElement("p"), { textContent: words.no_series, className: "soft" }));
        }
    };
    draw_all();
    new ResizeObserver(() => drawn.forEach(plot => plot.setSize({ width: holder.clientWidth, height: plot.height }))).observe(holder);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw_all);
    new MutationObserver(draw_all).observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
}

show().catch(error => {
    holder.replaceChildren(Object.assign(document.createElement("p"), { textContent: words.series_failed.replace("{detail}", error.message), className: "bad" }));
});
