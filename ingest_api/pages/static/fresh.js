// Keeps what is shown as new as the service knows it, and says so where it cannot.

import { instant } from "./formats.js";
import { words } from "./words.js";

const EVERY_S = 15;
const AGAIN_AFTER_MS = 3_000;
let newestAt = Date.now();
let ticking = 0;
const ways = { target: "#view", select: "#view", swap: "outerMorph" };

const banner = () => document.getElementById("stale");
const isBusy = () => document.querySelector("dialog[open]") || document.activeElement?.id === "search";

/** Show another address of ours in place of this one, or the same anew. */
export function show(address = location.href) {
    const isSame = address === location.href;
    return htmx.ajax("GET", address, { ...ways, push: isSame ? "false" : address });
}

function age() {
    const seconds = Math.round((Date.now() - newestAt) / 1000);
    const [value, unit] = seconds < 120 ? [seconds, "second"] : seconds < 7200 ? [Math.round(seconds / 60), "minute"] : [Math.round(seconds / 3600), "hour"];
    return new Intl.NumberFormat(undefined, { style: "unit", unit, unitDisplay: "long" }).format(value);
}

function sayStale() {
    const text = words.stale.replace("{time}", instant(new Date(newestAt), "clock")).replace("{age}", age());
    const again = Object.assign(document.createElement("button"), { textContent: words.try_again, className: "plain" });
    again.addEventListener("click", () => show());
    if (banner().hidden) {
        banner().replaceChildren(document.createElement("span"), again);
        banner().hidden = false;
    }
    banner().firstElementChild.textContent = text;
    ticking ||= setInterval(sayStale, 1000);
}

function sayFresh() {
    newestAt = Date.now();
    clearInterval(ticking);
    ticking = 0;
    banner().hidden = true;
}

function saySignedOut(address) {
    clearInterval(ticking);
    const link = Object.assign(document.createElement("a"), { textContent: words.sign_in, href: address });
    banner().replaceChildren(Object.assign(document.createElement("span"), { textContent: words.signed_out }), link);
    banner().hidden = false;
}

export function keepFresh() {
    document.addEventListener("htmx:before:response", event => {
        const { raw } = event.detail.ctx.response;
        if (raw.redirected && new URL(raw.url).pathname.endsWith("/login")) {
            event.preventDefault();
            saySignedOut(raw.url);
        } else if (raw.status >= 500) {
            event.preventDefault();
            sayStale();
        } else {
            sayFresh();
        }
    });
    document.addEventListener("htmx:error", sayStale);
    document.addEventListener("htmx:after:history:push", () => {
        scrollTo({ top: 0 });
        document.getElementById("finding-title")?.scrollIntoView({ block: "nearest" });
    });
    let askedAt = Date.now();
    setInterval(() => {
        const every = Number(document.querySelector("#view [data-every]")?.dataset.every ?? EVERY_S);
        const pause = banner().hidden ? every * 1000 : AGAIN_AFTER_MS;
        if (!document.hidden && !isBusy() && Date.now() - askedAt >= pause) {
            askedAt = Date.now();
            show();
        }
    }, 1000);
    document.addEventListener("visibilitychange", () => !document.hidden && !isBusy() && show());
}
