// Where the root of the service is. Absolute, for pages take each other's place without being loaded anew.

export const root = new URL(document.body.dataset.root, location.href).href;

/** Links of the frame around the page are relative to the address that it was first opened at. */
export function anchorFrame() {
    for (const link of document.querySelectorAll(".top a, link[rel=icon]")) {
        link.href = String(link.href);
    }
    for (const form of document.querySelectorAll(".top form")) {
        form.action = String(form.action);
    }
}

/** Commands to type name the service as the browser found it: there may be a proxy between. */
export function nameBase() {
    const write = () => {
        for (const base of document.querySelectorAll(".base")) {
            base.textContent = root.replace(/\/$/, "");
        }
    };
    document.addEventListener("htmx:after:swap", write);
    write();
}
