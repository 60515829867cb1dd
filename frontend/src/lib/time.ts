/** Durations and moments as people read them; the words come from the language catalogue. */
import { useEffect, useState } from "react";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const AGO_UNITS = [
  ["day", DAY],
  ["hour", HOUR],
  ["minute", MINUTE],
] as const;

export interface TimeLeft {
  /** Milliseconds; never negative. */
  total: number;
  days: number;
  hours: number;
  minutes: number;
}

/** What is left until `until`, rounded down to minutes, so that it never promises more than there is. */
export function timeLeft(until: string, now: number): TimeLeft {
  const total = Math.max(0, Date.parse(until) - now);
  return {
    total,
    days: Math.floor(total / DAY),
    hours: Math.floor((total % DAY) / HOUR),
    minutes: Math.floor((total % HOUR) / MINUTE),
  };
}

/** "soon" under an hour, "today" under six: how loudly the page should say it. */
export function urgency({ total }: TimeLeft): "soon" | "today" | "later" {
  if (total < HOUR) {
    return "soon";
  }
  return total < 6 * HOUR ? "today" : "later";
}

/**
 * A moment in the reader's own zone, which is named, as the server's sentences speak of another:
 * "Mon, Nov 24, 23:00 GMT+1", with the year if it is not the present one.
 */
export function formatMoment(moment: string, locale: string, now = Date.now()): string {
  return `${formatMomentInTable(moment, locale, now)} ${zoneAt(moment, locale)}`;
}

/** The same without the zone, for tables, beside which a clock names it. */
export function formatMomentInTable(moment: string, locale: string, now = Date.now()): string {
  const isOfAnotherYear = new Date(moment).getFullYear() !== new Date(now).getFullYear();
  return new Intl.DateTimeFormat(locale, {
    // Of a day in another year the weekday says little.
    ...(isOfAnotherYear ? { year: "numeric" } : { weekday: "short" }),
    day: "numeric",
    month: "short",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  }).format(new Date(moment));
}

/** A time of day with seconds and its zone, for "as of". */
export function formatClock(moment: string, locale: string): string {
  const clock = new Intl.DateTimeFormat(locale, { timeStyle: "medium", hourCycle: "h23" });
  return `${clock.format(new Date(moment))} ${zoneAt(moment, locale)}`;
}

/** "GMT+1"; with daylight saving time it depends on the moment. Some languages would put it before the time. */
function zoneAt(moment: string, locale: string): string {
  const parts = new Intl.DateTimeFormat(locale, { timeZoneName: "short" }).formatToParts(new Date(moment));
  return parts.find(({ type }) => type === "timeZoneName")?.value ?? "";
}

/** A time of day without seconds, for axes. */
export function formatHour(moment: string, locale: string): string {
  return new Intl.DateTimeFormat(locale, { timeStyle: "short", hourCycle: "h23" }).format(new Date(moment));
}

/** How long ago, in the largest unit that fits: "12 seconds ago". */
export function formatAgo(milliseconds: number, locale: string): string {
  const format = new Intl.RelativeTimeFormat(locale, { numeric: "always" });
  const [unit, length] =
    AGO_UNITS.find(([, length]) => milliseconds >= length) ?? (["second", 1_000] as const);
  return format.format(-Math.max(0, Math.floor(milliseconds / length)), unit);
}

/** The present, renewed every `every` milliseconds. */
export function useNow(every: number): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), every);
    return () => clearInterval(timer);
  }, [every]);
  return now;
}
