/** Measured values as people read them; null where there is nothing to say. */

export function percentText(percent: number | null): string | null {
  return percent === null ? null : `${Math.round(percent)} %`;
}

/** MiB as GiB: "12.4 / 80 GiB". */
export function memoryText(used: number | null, total: number | null, locale: string): string | null {
  if (total === null) {
    return null;
  }
  const gibibytes = (mebibytes: number) =>
    new Intl.NumberFormat(locale, { maximumFractionDigits: 1 }).format(mebibytes / 1024);
  return used === null ? `${gibibytes(total)} GiB` : `${gibibytes(used)} / ${gibibytes(total)} GiB`;
}

export function unitText(value: number | null, unit: string, locale: string): string | null {
  return value === null
    ? null
    : `${new Intl.NumberFormat(locale, { maximumFractionDigits: 0 }).format(value)} ${unit}`;
}
