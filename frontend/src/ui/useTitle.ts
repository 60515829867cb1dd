/** What the browser's tab and its history say, so that several of them can be told apart. */
import { useEffect } from "react";
import { useSession } from "../api/session";

export function useTitle(page: string): void {
  const { title } = useSession().config.ui;
  useEffect(() => {
    document.title = `${page} · ${title}`;
  }, [page, title]);
}
