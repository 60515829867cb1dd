/** What the reference takes over from the pages around it. */
import { carriedBy, devUserOf } from "../app/devUser";

/** Where the component library of the other pages keeps the colours that were chosen there. */
const CHOSEN = "mantine-color-scheme-value";

export function isDark(storage: Pick<Storage, "getItem">, isPreferred: boolean): boolean {
  const chosen = storage.getItem(CHOSEN);
  return chosen === "light" || chosen === "dark" ? chosen === "dark" : isPreferred;
}

/** The address of a call on behalf of whom dev mode is told by this page's own address. */
export function asCaller(address: string, page: Pick<Location, "href" | "search" | "origin">): string {
  const url = new URL(address, page.href);
  if (url.origin !== page.origin) {
    return address;
  }
  for (const [name, value] of Object.entries(carriedBy(devUserOf(page.search)))) {
    url.searchParams.set(name, value);
  }
  return url.href;
}
