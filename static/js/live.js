// The live feed: one socket, resumed from the last cursor; what arrives is told to the page as events on the body.
//
// `live`        for every piece of news (detail: cursor, at, event, document, by, partner)
// `live:<uid>`  for the news of one document
//
// Parts of a page fetch themselves anew on these events (htmx). What came is marked until seen, and a part in which
// somebody is typing is left alone: a quiet bar offers the news instead.

import "./fresh.js";

const FIRST_WAIT = 500;
const LONGEST_WAIT = 30_000;
const path = document.body.dataset.liveUrl;

let cursor = null;
let failures = 0;

function address() {
  const url = new URL(path, window.location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  if (cursor !== null) url.searchParams.set("after", cursor);
  return url;
}

function show(state) {
  for (const dot of document.querySelectorAll("[data-live]")) dot.dataset.live = state;
}

function tell(news) {
  cursor = news.cursor ?? cursor;
  document.body.dispatchEvent(new CustomEvent("live", { detail: news }));
  if (news.document?.uid) document.body.dispatchEvent(new CustomEvent(`live:${news.document.uid}`, { detail: news }));
}

function connect() {
  const socket = new WebSocket(address());
  socket.addEventListener("open", () => {
    failures = 0;
    show("on");
  });
  socket.addEventListener("message", (message) => {
    const news = JSON.parse(message.data);
    if (news.event) tell(news);
  });
  socket.addEventListener("close", () => {
    show("lost");
    // Half fixed, half by chance: a thousand pages do not come back in the same moment.
    const wait = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** failures++);
    window.setTimeout(connect, wait / 2 + (Math.random() * wait) / 2);
  });
}

if (path) connect();
