// Moments in words: of today the time is enough, of other days the day counts.

export function momentOf(seconds) {
  const time = new Date(seconds * 1000);
  return isToday(time) ? time.toLocaleTimeString() : time.toLocaleString([], { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
}

export function dayOf(seconds) {
  const time = new Date(seconds * 1000);
  return isToday(time) ? time.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }) : time.toLocaleDateString();
}

function isToday(time) {
  return time.toDateString() === new Date().toDateString();
}
