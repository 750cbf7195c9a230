"use strict";
// Adds a filter, an order and a quiet reload. Without it the page is complete, in the order "worst first".
(() => {
  const RELOAD_MILLISECONDS = 60_000, STARTING_RELOAD_MILLISECONDS = 5_000;
  const PARTS = ["state", "numbers", "accounts", "rendered"];
  const element = (id) => document.getElementById(id);
  const filter = element("filter"), order = element("order"), shown = element("shown");
  const collator = new Intl.Collator("en", { numeric: true });
  const difference = (key, a, b) => b.dataset[key] - a.dataset[key];
  const details = () => [...element("accounts").querySelectorAll("details")];
  const rank = () => details().forEach((account, index) => { account.rank = index; });
  const ORDERS = {
    worst: (a, b) => a.rank - b.rank,
    best: (a, b) => b.rank - a.rank,
    name: (a, b) => collator.compare(a.textContent, b.textContent),
    counted: (a, b) => difference("counted", a, b),
    unread: (a, b) => difference("unread", a, b),
    lacking: (a, b) => difference("lacking", a, b),
  };

  function arrange() {
    const accounts = details();
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const account of accounts) {
      const text = account.firstElementChild.textContent.toLowerCase();
      account.hidden = !words.every((word) => text.includes(word));
    }
    element("accounts").append(...accounts.sort(ORDERS[order.value]));
    const visible = accounts.filter((account) => !account.hidden).length;
    shown.textContent = words.length ? `${visible} of ${accounts.length} accounts` : "";
  }

  function replaceParts(fresh) {
    const focused = document.activeElement.closest("#accounts > details")?.id;
    for (const old of details()) {
      const account = fresh.getElementById(old.id);
      if (account) account.open = old.open;
    }
    for (const id of PARTS) element(id).replaceWith(document.adoptNode(fresh.getElementById(id)));
    document.title = fresh.title;
    document.body.className = fresh.body.className;
    rank();
    arrange();
    if (focused) element(focused)?.firstElementChild.focus({ preventScroll: true });
  }

  async function reload() {
    if (document.hidden || !getSelection().isCollapsed) return;
    try {
      const options = { headers: { Accept: "text/html" }, signal: AbortSignal.timeout(30_000) };
      const response = await fetch(location.pathname, options);
      if (!response.ok) throw new Error(`status ${response.status}`);
      const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
      const script = (page) => page.querySelector("script").src;
      if (script(fresh) !== script(document)) return location.reload(); // another version
      replaceParts(fresh);
      element("offline").hidden = true;
    } catch (error) {
      element("offline").textContent = `This page could not be updated (${error.message}); it shows what was known before.`;
      element("offline").hidden = false;
    }
  }

  filter.addEventListener("input", arrange);
  order.addEventListener("change", arrange);
  document.addEventListener("visibilitychange", reload);
  setInterval(reload, RELOAD_MILLISECONDS);
  setInterval(() => { if (document.body.className === "starting") reload(); }, STARTING_RELOAD_MILLISECONDS);
  element("tools").hidden = false;
  rank();
  arrange(); // a browser restores the fields when it goes back to this page
})();
