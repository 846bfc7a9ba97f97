"use strict";

// Before anything is drawn, so that no page is light for a moment and then dark.
const chosenTheme = localStorage.getItem("fleetwatt-theme");
if (chosenTheme === "light" || chosenTheme === "dark") {
    document.documentElement.dataset.theme = chosenTheme;
}
document.documentElement.classList.add("has-script");
