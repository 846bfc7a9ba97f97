// What all pages of the fleet do.

import { offer } from "./csv.js";
import { keepWriting, zone } from "./formats.js";
import { keepFresh } from "./fresh.js";
import { listen } from "./keys.js";
import { anchorFrame, nameBase } from "./place.js";
import { words } from "./words.js";

function chooseTheme() {
    const choices = document.querySelector(".theme");
    const chosen = document.documentElement.dataset.theme ?? "system";
    choices.querySelector(`[value=${chosen}]`).checked = true;
    choices.hidden = false;
    choices.addEventListener("change", event => {
        if (event.target.value === "system") {
            localStorage.removeItem("fleetwatt-theme");
            delete document.documentElement.dataset.theme;
        } else {
            localStorage.setItem("fleetwatt-theme", event.target.value);
            document.documentElement.dataset.theme = event.target.value;
        }
    });
}

anchorFrame();
nameBase();
keepWriting();
chooseTheme();
document.querySelector(".zone").textContent = zone === "UTC" ? words.zone_utc : words.zone.replace("{zone}", zone);
listen();
offer();
keepFresh();
