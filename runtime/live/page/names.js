// Names as they are shown: of a file its own, unless two have the same; an address stays whole.

let sources = [];

export function knowSources(names) {
  sources = names;
}

export function sourceName(name) {
  return short(name, sources);
}

export function short(name, names = []) {
  const last = (path) => (path.includes("://") ? path : path.split("/").pop() || path);
  return names.filter((other) => last(other) === last(name)).length > 1 ? name : last(name);
}
