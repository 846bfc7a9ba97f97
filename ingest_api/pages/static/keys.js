// Everything can be done with the keyboard; `?` lists how.

import { show } from "./fresh.js";
import { root } from "./place.js";

const PLACES = { h: "", f: "findings", v: "vehicles", m: "meters" };
let isGoing = false;

const isTyped = event => event.target.closest("input, textarea, select, [contenteditable]") !== null;

function step(by) {
    const rows = [...document.querySelectorAll(".rows .row")];
    const at = rows.findIndex(row => row === document.activeElement);
    const chosen = at >= 0 ? at : rows.findIndex(row => row.getAttribute("aria-current") === "true");
    rows[Math.max(0, Math.min(rows.length - 1, chosen + by))]?.focus();
}

function go(key) {
    if (key in PLACES) {
        location.assign(root + PLACES[key]);
    }
}

const DOES = {
    "?": () => document.getElementById("keys").showModal(),
    "/": () => document.getElementById("search")?.focus(),
    j: () => step(1),
    k: () => step(-1),
    r: () => show(),
    Escape: () => document.querySelector(".chosen .back a")?.click(),
};

export function listen() {
    document.addEventListener("keydown", event => {
        if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) {
            return;
        }
        if (isTyped(event)) {
            if (event.key === "Escape") {
                event.target.blur();
            }
            return;
        }
        if (isGoing) {
            isGoing = false;
            go(event.key);
        } else if (event.key === "g") {
            isGoing = true;
        } else if (event.key in DOES) {
            event.preventDefault();
            DOES[event.key]();
        }
    });
    const button = document.getElementById("show-keys");
    button.hidden = false;
    button.addEventListener("click", DOES["?"]);
}
