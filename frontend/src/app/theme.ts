import { createTheme } from "@mantine/core";

const DIALOG = {
  styles: { title: { fontSize: "1.15rem", fontWeight: 650 } },
  // Else a dialog's <header> counts as a second banner of the page.
  attributes: { header: { role: "presentation" } },
};

/** Calm and dense: system fonts, small radii, one accent. The greys are in global.css. */
export const theme = createTheme({
  primaryColor: "blue",
  primaryShade: { light: 8, dark: 8 },
  defaultRadius: "sm",
  cursorType: "pointer",
  respectReducedMotion: true,
  fontFamily:
    'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "PingFang SC", "Microsoft YaHei", "WenQuanYi Micro Hei", sans-serif',
  fontFamilyMonospace: 'ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace',
  headings: { fontWeight: "650" },
  components: {
    Badge: { styles: { label: { textTransform: "none" } } },
    Modal: { defaultProps: DIALOG },
    Drawer: { defaultProps: DIALOG },
  },
});
