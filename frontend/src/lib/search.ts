/** What a page shows stands in its address, so that a reload or a link shows it again. */

/** The parameters with others of them; null takes one out. */
export function searchWith(search: URLSearchParams, values: Record<string, string | null>): URLSearchParams {
  const next = new URLSearchParams(search);
  for (const [name, value] of Object.entries(values)) {
    if (value === null) {
      next.delete(name);
    } else {
      next.set(name, value);
    }
  }
  return next;
}
