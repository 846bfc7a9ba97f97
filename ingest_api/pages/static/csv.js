// What is shown, as CSV: the API writes it, for whoever asks for text/csv.

import { words } from "./words.js";

// Of a series: up to now.
function addressOf({ csv, hours }) {
    return hours ? `${csv}?from=${new Date(Date.now() - hours * 3_600_000).toISOString()}` : csv;
}

async function download(button) {
    const answer = await fetch(addressOf(button.dataset), { headers: { Accept: "text/csv" } });
    if (!answer.ok || !answer.headers.get("Content-Type").startsWith("text/csv")) {
        throw new Error(answer.statusText || answer.status);
    }
    const link = document.createElement("a");
    link.href = URL.createObjectURL(await answer.blob());
    link.download = button.dataset.file;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000); // some browsers read it later
}

export function offer() {
    document.addEventListener("click", event => {
        const button = event.target.closest("[data-csv]");
        if (button) {
            download(button).catch(error => alert(words.csv_failed.replace("{detail}", error.message)));
        }
    });
}
