/** Who one is in dev mode stands in the page's URL, so that two tabs can be two people; links have to carry it on. */

const PARAMETER = "user";

export function devUserOf(search: string): string | null {
  return new URLSearchParams(search).get(PARAMETER);
}

/** The parameters by which calls say who one is. */
export function carriedBy(user: string | null): Record<string, string> {
  return user === null ? {} : { [PARAMETER]: user };
}

/** The search string of a link to another page. */
export function carryDevUser(search: string, parameters: Record<string, string> = {}): string {
  const user = devUserOf(search);
  const next = new URLSearchParams(user === null ? parameters : { ...parameters, [PARAMETER]: user });
  return next.size > 0 ? `?${next}` : "";
}
