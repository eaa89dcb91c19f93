// What happens in an update, as it happens: told that something did, the page asks for that part anew.
for (const place of document.querySelectorAll("[data-live]")) {
  const source = new EventSource(place.dataset.live);
  let first = true;
  source.onmessage = () => {
    if (first) { first = false; return; } // what stands there is of this moment
    htmx.ajax("GET", place.dataset.part, { target: place, swap: "innerHTML" });
  };
  addEventListener("pagehide", () => source.close());
}
