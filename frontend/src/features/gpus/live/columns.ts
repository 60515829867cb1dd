/** The columns of the wire: base64 to typed arrays. */

export function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  // Browsers of before 2025 have no such function; TypeScript's library does not know it yet.
  const native = (Uint8Array as { fromBase64?: (text: string) => Uint8Array<ArrayBuffer> }).fromBase64;
  return native ? native.call(Uint8Array, base64) : Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
}

/** Two bytes a value, the lower one first, whatever this machine's order is. */
export function wordsOf(base64: string): Uint16Array<ArrayBuffer> {
  const bytes = bytesOf(base64);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Uint16Array.from({ length: bytes.length >> 1 }, (_, nth) => view.getUint16(2 * nth, true));
}
