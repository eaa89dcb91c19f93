// What happens in an update, as it happens: told that something did, the page asks for that part anew.
for (const place of document.querySelectorAll("[data-live]")) {
  const source = new EventSource(place.dataset.live);
  let first = true;
  let head;
  source.onmessage = () => {
    if (first) { first = false; return; } // what stands there is of this moment
    htmx.ajax("GET", place.dataset.part, { target: place, swap: "innerHTML" });
    // What stands above (the last updates, what can be done) changes with how an update ends.
    clearTimeout(head);
    head = setTimeout(() => htmx.ajax("GET", location.href, { target: ".head", select: ".head", swap: "outerHTML" }), 600);
  };
  addEventListener("pagehide", () => source.close());
}
