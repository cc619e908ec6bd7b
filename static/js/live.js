// The live feed: one socket for each enterprise that the page shows, resumed from the last cursor; what arrives is told to the page as
// events on the body.
//
// `live`          for every event of the feed (detail: cursor, at, event, document, by, partner, own)
// `live:<uid>`    for the events of one document
// `live:network`  when a partnership has changed (no event of the feed: it tells of no document)
// `live:schedule` when the plan has changed, a machine is down or runs again, or a run of the planner is farther on
// `live:bulk`     when what is done to many documents at once is farther on
// `live:clock`    when it was computed until when an answer is due
//
// Parts of a page fetch themselves anew on these events (htmx). What came is marked until seen, and a part in which
// somebody is typing is left alone: a quiet bar offers the news instead.

import { said } from "./fresh.js";

const FIRST_WAIT = 500;
const LONGEST_WAIT = 30_000;
// The server breaks every silence of 30 s: a longer one is a dead line, as after a laptop's sleep.
const LONGEST_SILENCE = 75_000;
// A socket that was closed sooner than this was refused, not lost.
const SETTLED = 5_000;
const UNKNOWN_CURSOR = 4400;

function show(state) {
  for (const dot of document.querySelectorAll("[data-live]")) dot.dataset.live = state;
}

function dispatch(name, news) {
  said(name);
  document.body.dispatchEvent(new CustomEvent(name, { detail: news }));
}

function tell(news) {
  if (!news.event) return;
  if (!news.document) {
    dispatch(`live:${news.event.split(".")[0]}`, news);
    return;
  }
  dispatch("live", news);
  dispatch(`live:${news.document.uid}`, news);
}

// Listens to the feed of one enterprise for as long as the page is open, and says how its line is.
function follow(path, say) {
  let cursor = null;
  let fromNow = false;
  let failures = 0;
  let socket = null;
  let waiting = null;
  let silence = null;

  function address() {
    const url = new URL(path, window.location.href);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    if (cursor !== null) url.searchParams.set("after", cursor);
    if (fromNow) url.searchParams.delete("after");
    return url;
  }

  function listen() {
    window.clearTimeout(silence);
    const open = socket;
    silence = window.setTimeout(() => lost(open, 0), LONGEST_SILENCE);
  }

  function connect() {
    window.clearTimeout(waiting);
    const opened = Date.now();
    const mine = (socket = new WebSocket(address()));
    listen();
    mine.addEventListener("open", () => {
      if (mine === socket) say("on");
    });
    mine.addEventListener("message", (message) => {
      if (mine !== socket) return;
      listen();
      const news = JSON.parse(message.data);
      if (news.cursor) [cursor, fromNow] = [news.cursor, false];
      tell(news);
    });
    mine.addEventListener("close", (closed) => {
      if (Date.now() - opened > SETTLED) failures = 0;
      lost(mine, closed.code);
    });
  }

  function lost(mine, code) {
    if (mine !== socket) return;
    socket = null;
    window.clearTimeout(silence);
    mine.close();
    say("lost");
    if (code === UNKNOWN_CURSOR) [cursor, fromNow] = [null, true];
    // Half fixed, half by chance: a thousand pages do not come back in the same moment.
    const wait = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** failures++);
    waiting = window.setTimeout(connect, wait / 2 + (Math.random() * wait) / 2);
  }

  // Whoever comes back to the page, or to the network, does not wait for the next attempt.
  function hurry() {
    if (!document.hidden && socket === null) connect();
  }

  connect();
  window.addEventListener("online", hurry);
  document.addEventListener("visibilitychange", hurry);
}

if (document.body.dataset.liveUrl) follow(document.body.dataset.liveUrl, show);
// A page that shows several enterprises of one person hears each of them.
for (const also of document.querySelectorAll("[data-live-also]")) {
  follow(also.dataset.liveAlso, (state) => (also.dataset.live = state));
}
