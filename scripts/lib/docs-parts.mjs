// Pages that are written by hand but for a part between two markers.

/** `page` with what stands between the markers `name` renewed. Throws if it has no such markers. */
export function withPart(page, name, content) {
  const [begin, end] = [`<!-- ${name}:begin -->`, `<!-- ${name}:end -->`];
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (from < 0 || to < from) {
    throw new Error(`the page needs the lines ${begin} and ${end}, in this order`);
  }
  return `${page.slice(0, from + begin.length)}\n\n${content}\n\n${page.slice(to)}`;
}
