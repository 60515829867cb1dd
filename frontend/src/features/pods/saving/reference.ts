/** What a person calls an image, as the server wants it: it alone judges whether that is a name. */

/** Without a tag the server's own rule holds, and a name that was pasted with its tag stays as it is. */
export function reference(name: string, tag: string): string {
  const version = tag.trim();
  return version === "" ? name.trim() : `${name.trim()}:${version}`;
}
