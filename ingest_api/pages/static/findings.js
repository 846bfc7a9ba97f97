// The filter is the address; acts go to the API as anybody's would, with the revision that was looked at.

import { show } from "./fresh.js";
import { root } from "./place.js";
import { words } from "./words.js";

const NAME = "fleetwatt-name";
const DAYS_OF_A_SNOOZE = 14;

function say(text, isBad) {
    const said = document.getElementById("act-said");
    if (said) {
        said.textContent = text;
        said.className = isBad ? "bad" : "good";
    }
}

function asked(form, act) {
    const fields = Object.fromEntries(new FormData(form));
    const who = fields.who?.trim(); // asked for where nobody is signed in; elsewhere the server knows
    const note = fields.note?.trim();
    if (who === "") {
        throw new Error(words.act_name_missing);
    }
    if (act === "snooze" && !fields.until) {
        throw new Error(words.act_until_missing);
    }
    if (act === "note" && !note) {
        throw new Error(words.act_note_missing);
    }
    const more = {};
    if (act === "snooze") {
        more.until = new Date(`${fields.until}T00:00`).toISOString(); // midnight, in the reader's zone
    } else if (act === "assign") {
        more.assignee = fields.assignee?.trim() || null;
    }
    return { ...(who && { who }), ...(note && { note }), revision: Number(form.dataset.revision), ...more };
}

async function act(form, name) {
    const body = asked(form, name);
    if (body.who) {
        localStorage.setItem(NAME, body.who);
    }
    const headers = { "Content-Type": "application/json" };
    const csrf = document.querySelector("meta[name=csrf-token]")?.content;
    if (csrf) {
        headers["X-CSRF-Token"] = csrf;
    }
    const address = `${root}v1/findings/${form.dataset.finding}/${name}`;
    let answer;
    try {
        answer = await fetch(address, { method: "POST", headers, body: JSON.stringify(body) });
    } catch {
        throw new Error(words.act_unreachable);
    }
    if (answer.ok) {
        const note = form.querySelector("textarea");
        note.value = "";
        return words.act_done;
    }
    const problem = await answer.json();
    if (answer.status === 409 && problem.finding) {
        throw new Error(words.act_changed.replace("{state}", words.states[problem.finding.state]));
    }
    throw new Error(problem.detail);
}

function proposeFields() {
    const who = document.getElementById("act-who");
    if (who && !who.value) {
        who.value = localStorage.getItem(NAME) ?? "";
    }
    const until = document.getElementById("act-until");
    if (until && !until.value) {
        const later = new Date();
        later.setDate(later.getDate() + DAYS_OF_A_SNOOZE);
        until.value = later.toLocaleDateString("sv"); // 2026-02-28, in the reader's zone
    }
}

document.addEventListener("click", async event => {
    const button = event.target.closest("button[data-act]");
    if (!button) {
        return;
    }
    const form = button.form;
    try {
        say(await act(form, button.dataset.act), false);
    } catch (error) {
        say(error.message, true);
    }
    show();
});

document.addEventListener("submit", event => {
    if (event.target.id === "filter") {
        event.preventDefault();
        const given = [...new FormData(event.target)].filter(([name, value]) => value && !(name === "sort" && value === "costPerMonth"));
        const query = new URLSearchParams(given).toString();
        show(`${root}findings${query ? `?${query}` : ""}`);
    } else if (event.target.id === "act") {
        event.preventDefault();
    }
});
document.addEventListener("change", event => event.target.closest("#filter") && event.target.form.requestSubmit());
document.addEventListener("htmx:after:swap", proposeFields);
proposeFields();
