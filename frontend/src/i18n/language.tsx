/** The language of the page. A catalogue is a typed object, so a missing or misused text fails the build. */
import { createContext, type ReactNode, useContext, useEffect, useMemo, useState } from "react";
import { en, type Messages } from "./en";
import { zhCN } from "./zh-CN";

const CATALOGUES = { en, "zh-CN": zhCN } satisfies Record<string, Messages>;
export type Locale = keyof typeof CATALOGUES;
const STORAGE_KEY = "genet-language";

interface Language {
  locale: Locale;
  text: Messages;
  setLocale: (locale: Locale) => void;
}

const LanguageContext = createContext<Language | null>(null);

export function LanguageProvider({ children }: { children: ReactNode }) {
  const [locale, setLocale] = useState<Locale>(() =>
    preferredLocale(localStorage.getItem(STORAGE_KEY), navigator.languages),
  );
  useEffect(() => {
    document.documentElement.lang = locale;
  }, [locale]);
  const language = useMemo(
    () => ({
      locale,
      text: CATALOGUES[locale],
      setLocale: (chosen: Locale) => {
        localStorage.setItem(STORAGE_KEY, chosen);
        setLocale(chosen);
      },
    }),
    [locale],
  );
  return <LanguageContext value={language}>{children}</LanguageContext>;
}

export function useLanguage(): Language {
  const language = useContext(LanguageContext);
  if (language === null) {
    throw new Error("useLanguage needs a LanguageProvider above it");
  }
  return language;
}

/** The catalogue of the chosen language. */
export function useText(): Messages {
  return useLanguage().text;
}

/** The stored choice, else the first of the browser's languages that there is a catalogue for, else English. */
export function preferredLocale(stored: string | null, wished: readonly string[]): Locale {
  if (stored !== null && stored in CATALOGUES) {
    return stored as Locale;
  }
  for (const tag of wished) {
    const primary = tag.split("-", 1)[0];
    if (primary === "zh") {
      return "zh-CN";
    }
    if (primary === "en") {
      return "en";
    }
  }
  return "en";
}
