"use strict";

// Only the browser knows under which address it found the service: there may be a proxy between.
const base = new URL(".", location.href).href.replace(/\/$/, "");
for (const each of document.querySelectorAll(".base")) {
    each.textContent = base;
}

async function showHealth() {
    const status = document.getElementById("status");
    const show = (text, look) => {
        status.textContent = text;
        status.className = look;
    };
    try {
        const said = await (await fetch("health", { cache: "no-store" })).json();
        if (said.status !== "ok") {
            show(`Not ready: ${said.detail}.`, "bad");
        } else if (said.stoppedInPipeline) {
            show(`Takes readings. Stopped in the pipeline behind it: ${said.stoppedInPipeline.join(", ")}.`, "bad");
        } else {
            show("Healthy: it takes readings and answers questions.", "good");
        }
    } catch (error) {
        show(`Its health is not known: ${error.message}`, "bad");
    }
}
showHealth();
