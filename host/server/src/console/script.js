// What pages do besides when scripts run: a choice takes effect at once, and live pages are read again while somebody looks at
// them. Every page is complete without it.
"use strict";

const EVERY_MS = 10_000;

// A choice without its button.
function chooseAtOnce(root) {
  for (const select of root.querySelectorAll("select[data-submit]")) {
    const button = select.form.querySelector("button");
    if (button) button.hidden = true;
    select.addEventListener("change", () => select.form.requestSubmit());
  }
}

// Whether reading the page again would take something away from a person.
function isInUse(main) {
  const focused = main.contains(document.activeElement) && document.activeElement !== main;
  return document.hidden || focused || main.querySelector("details[open]") || String(document.getSelection());
}

async function readAgain() {
  const main = document.querySelector("main[data-live]");
  if (!main || isInUse(main)) return;
  try {
    const answer = await fetch(location.href, { headers: { "x-handoff-live": "1" }, redirect: "manual" });
    // The session is over: the page says so when it is opened again.
    if (answer.type === "opaqueredirect") location.reload();
    if (!answer.ok) return;
    const next = new DOMParser().parseFromString(await answer.text(), "text/html");
    const [content, places] = [next.querySelector("main[data-live]"), next.querySelector(".side nav")];
    const [nav, more] = [document.querySelector(".side nav"), document.querySelector(".side .more details")];
    if (!content || isInUse(main)) return;
    const kept = [...main.querySelectorAll(".scroll")].map((one) => one.scrollLeft);
    main.replaceChildren(...content.childNodes);
    main.querySelectorAll(".scroll").forEach((one, index) => { one.scrollLeft = kept[index] || 0; });
    if (places && !more?.open && !nav.contains(document.activeElement)) nav.replaceChildren(...places.childNodes);
    chooseAtOnce(main);
  } catch {
    // The host is restarting: the next look says so.
  }
}

// An open menu closes when somebody looks elsewhere.
document.addEventListener("click", (event) => {
  const open = document.querySelector(".side .more details[open]");
  if (open && !open.contains(event.target)) open.open = false;
});
chooseAtOnce(document);
if (document.querySelector("main[data-live]")) setInterval(readAgain, EVERY_MS);
