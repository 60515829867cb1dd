/** Measured values as people read them; null where there is nothing to say. */

export function percentText(percent: number | null): string | null {
  return percent === null ? null : `${Math.round(percent)} %`;
}

/** MiB as GiB: "12.4 / 80 GiB". */
export function memoryText(used: number | null, total: number | null, locale: string): string | null {
  if (total === null) {
    return null;
  }
  const all = gibibytes(total, locale);
  return used === null ? `${all} GiB` : `${gibibytes(used, locale)} / ${all} GiB`;
}

export function unitText(value: number | null, unit: string, locale: string): string | null {
  return value === null
    ? null
    : `${new Intl.NumberFormat(locale, { maximumFractionDigits: 0 }).format(value)} ${unit}`;
}

/** Bytes as GiB: "3.1 / 16 GiB". */
export function bytesText(used: number, limit: number | null, locale: string): string {
  const mebibytes = (bytes: number) => bytes / 1024 ** 2;
  return (
    memoryText(mebibytes(used), limit === null ? null : mebibytes(limit), locale) ??
    `${gibibytes(mebibytes(used), locale)} GiB`
  );
}

/** "1.5 / 4": cores used and allowed. */
export function coresText(used: number, limit: number | null, locale: string): string {
  const cores = (value: number) => new Intl.NumberFormat(locale, { maximumFractionDigits: 2 }).format(value);
  return limit === null ? cores(used) : `${cores(used)} / ${cores(limit)}`;
}

function gibibytes(mebibytes: number, locale: string): string {
  return new Intl.NumberFormat(locale, { maximumFractionDigits: 1 }).format(mebibytes / 1024);
}
