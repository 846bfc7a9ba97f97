// Numbers and instants as the reader's own language writes them. The server sends <data value> and <time datetime>.

const NUMBERS = "data[value], time[datetime]";
const NARROW_BLANK = "\u202f";
const INSTANTS = {
    second: { dateStyle: "medium", timeStyle: "medium" },
    minute: { dateStyle: "medium", timeStyle: "short" },
    date: { dateStyle: "medium" },
    short: { day: "numeric", month: "short" },
    clock: { timeStyle: "short" },
    hour: { weekday: "short", hour: "numeric", minute: "2-digit" },
};
const writers = new Map();

export const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;

function writer(kind, options) {
    const key = kind.name + JSON.stringify(options);
    if (!writers.has(key)) {
        writers.set(key, new kind(undefined, options));
    }
    return writers.get(key);
}

export function number(value, digits = 0) {
    const options = { minimumFractionDigits: digits, maximumFractionDigits: digits };
    return writer(Intl.NumberFormat, options).format(value);
}

export function percent(ratio, digits = 1) {
    const options = { style: "percent", minimumFractionDigits: digits, maximumFractionDigits: digits };
    return writer(Intl.NumberFormat, options).format(ratio);
}

export function money(value, currency) {
    try {
        return writer(Intl.NumberFormat, { style: "currency", currency }).format(value);
    } catch {
        return number(value, 2) + NARROW_BLANK + currency; // no currency that there is: an operator's own word
    }
}

export function instant(at, shown = "minute") {
    return writer(Intl.DateTimeFormat, INSTANTS[shown]).format(at);
}

export function inUtc(at) {
    return writer(Intl.DateTimeFormat, { dateStyle: "medium", timeStyle: "medium", timeZone: "UTC" }).format(at) + " UTC";
}

function textOf(element) {
    if (element.tagName === "TIME") {
        const at = new Date(element.dateTime);
        if (element.dataset.as === "day") {
            return writer(Intl.DateTimeFormat, { dateStyle: "medium", timeZone: "UTC" }).format(at);
        }
        element.title = inUtc(at);
        return instant(at, element.dataset.as);
    }
    const { as, digits = 0, unit, currency } = element.dataset;
    const value = Number(element.value);
    if (currency) {
        return money(value, currency);
    }
    return as === "percent" ? percent(value, Number(digits)) : number(value, Number(digits)) + (unit ? NARROW_BLANK + unit : "");
}

function write(element) {
    const text = textOf(element);
    if (element.textContent !== text) {
        element.textContent = text;
    }
}

function writeWithin(node) {
    const element = node.nodeType === Node.ELEMENT_NODE ? node : node.parentElement;
    const around = element?.closest(NUMBERS);
    if (around) {
        write(around);
    } else if (element === node) {
        node.querySelectorAll(NUMBERS).forEach(write);
    }
}

/** Write all that is there, and all that comes. */
export function keepWriting() {
    writeWithin(document.body);
    const watch = new MutationObserver(changes => {
        for (const change of changes) {
            for (const node of change.type === "childList" ? change.addedNodes : [change.target]) {
                writeWithin(node);
            }
        }
    });
    const what = { childList: true, characterData: true, attributes: true, attributeFilter: ["value", "datetime"], subtree: true };
    watch.observe(document.body, what);
}
