// What happened, as list and dialog both say it.

// What a thing did at a line or zone; nothing where it was announced.
export function happened({ kind, place }) {
  const words = { crossed: "crossed", entered: "in", left: "left", loitering: "loiters in" };
  return kind in words ? `${words[kind]} ${place}` : "";
}

// A number means another moment once the device has started anew: its time keeps a browser from showing the old picture.
export function pictureOf(moment, small = false) {
  return `${small ? "/live/thumbs/" : "/live/moments/"}${moment.id}${small ? "" : "/picture"}?of=${moment.time}`;
}
