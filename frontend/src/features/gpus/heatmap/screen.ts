/** What of the screen the canvas depends on: the colour scheme and the density of its pixels. */
import { useComputedColorScheme } from "@mantine/core";
import { useEffect, useState } from "react";
import { DARK, LIGHT, type Palette } from "./palette";

export function usePalette(): Palette {
  return useComputedColorScheme("light") === "dark" ? DARK : LIGHT;
}

/** devicePixelRatio, also after a zoom or a move to another screen. */
export function usePixelRatio(): number {
  const [ratio, setRatio] = useState(window.devicePixelRatio);
  useEffect(() => {
    const query = window.matchMedia(`(resolution: ${ratio}dppx)`);
    const update = () => setRatio(window.devicePixelRatio);
    query.addEventListener("change", update);
    return () => query.removeEventListener("change", update);
  }, [ratio]);
  return ratio;
}
