"use strict";
// Shortens addresses, and copies commands. Without it the pages are complete.
(() => {
  for (const form of document.querySelectorAll("form")) {
    const empty = () => [...form.elements].filter((field) => field.name && !field.value);
    form.addEventListener("submit", () => empty().forEach((field) => { field.disabled = true; }));
    // A browser that goes back shows the page as it was left.
    addEventListener("pageshow", () => [...form.elements].forEach((field) => { field.disabled = false; }));
  }
  if (!navigator.clipboard) return; // needs https or localhost
  for (const button of document.querySelectorAll(".command button")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(button.previousElementSibling.textContent);
      button.textContent = "Copied";
    });
  }
})();
