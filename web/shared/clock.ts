// Times as people read them. Formatters are slow to make, so they are kept per language.

interface Formats {
  time: Intl.DateTimeFormat;
  day: Intl.DateTimeFormat;
  year: Intl.DateTimeFormat;
  relative: Intl.RelativeTimeFormat;
}
const known = new Map<string, Formats>();

function formats(lang: string): Formats {
  let found = known.get(lang);
  if (!found) {
    let locale: string | undefined = lang;
    try {
      Intl.getCanonicalLocales(lang);
    } catch {
      locale = undefined;
    }
    found = {
      time: new Intl.DateTimeFormat(locale, { hour: "numeric", minute: "2-digit" }),
      day: new Intl.DateTimeFormat(locale, { weekday: "long", day: "numeric", month: "long" }),
      year: new Intl.DateTimeFormat(locale, { day: "numeric", month: "long", year: "numeric" }),
      relative: new Intl.RelativeTimeFormat(locale, { numeric: "auto" }),
    };
    known.set(lang, found);
  }
  return found;
}

/** Whole local days between two moments, right over daylight-saving changes too. */
export function daysBetween(earlier: Date, later: Date): number {
  const day = (d: Date) => Date.UTC(d.getFullYear(), d.getMonth(), d.getDate());
  return Math.round((day(later) - day(earlier)) / 86_400_000);
}

const capital = (text: string, lang: string): string =>
  text.charAt(0).toLocaleUpperCase(lang.slice(0, 2)) + text.slice(1);

export const timeOfDay = (at: Date, lang: string): string => formats(lang).time.format(at);

export function dayLabel(at: Date, now: Date, lang: string): string {
  const age = daysBetween(at, now);
  if (age === 0 || age === 1) return capital(formats(lang).relative.format(-age, "day"), lang);
  return at.getFullYear() === now.getFullYear()
    ? formats(lang).day.format(at)
    : formats(lang).year.format(at);
}

/** For lists: the time today, the day otherwise. */
export function shortMoment(at: Date, now: Date, lang: string): string {
  return daysBetween(at, now) === 0 ? timeOfDay(at, lang) : dayLabel(at, now, lang);
}
