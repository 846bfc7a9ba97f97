"use strict";

const dark = matchMedia("(prefers-color-scheme: dark)");
const followTheme = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", followTheme);
followTheme();

// Of who is signed in: changes need a token that pages of others cannot read.
const me = fetch("v1/me", { cache: "no-store" }).then(answer => answer.ok ? answer.json() : {}).catch(() => ({}));
const withCsrfToken = async request => {
    const { csrfToken } = await me;
    if (csrfToken && !["GET", "HEAD"].includes(request.method)) {
        request.headers["X-CSRF-Token"] = csrfToken;
    }
    return request;
};

SwaggerUIBundle({
    url: "openapi.json",
    dom_id: "#docs",
    deepLinking: true,
    defaultModelsExpandDepth: 0,
    requestInterceptor: withCsrfToken,
    validatorUrl: null, // a service on the internet, which would be told this address
});
