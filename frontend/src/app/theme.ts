import { createTheme } from "@mantine/core";

/** Calm and dense: system fonts, small radii, one accent. The greys are in global.css. */
export const theme = createTheme({
  primaryColor: "blue",
  primaryShade: { light: 7, dark: 8 },
  defaultRadius: "sm",
  cursorType: "pointer",
  respectReducedMotion: true,
  fontFamily:
    'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "PingFang SC", "Microsoft YaHei", "WenQuanYi Micro Hei", sans-serif',
  fontFamilyMonospace: 'ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace',
  headings: { fontWeight: "650" },
  components: {
    Modal: { styles: { title: { fontSize: "1.15rem", fontWeight: 650 } } },
    Drawer: { styles: { title: { fontSize: "1.15rem", fontWeight: 650 } } },
  },
});
