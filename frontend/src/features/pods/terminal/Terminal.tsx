/** A shell in the pod. The screen is xterm.js, which comes with this part of the page alone. */
import "@xterm/xterm/css/xterm.css";
import { Button, Group, Switch, Text, useComputedColorScheme } from "@mantine/core";
import { useLocalStorage } from "@mantine/hooks";
import { FitAddon } from "@xterm/addon-fit";
import { type ITheme, Terminal as Screen } from "@xterm/xterm";
import { useEffect, useRef, useState } from "react";
import { useSession } from "../../../api/session";
import type { Messages } from "../../../i18n/en";
import { useText } from "../../../i18n/language";
import { type SessionState, TerminalSession } from "./session";
import classes from "./terminal.module.css";

const THEMES: Record<"light" | "dark", ITheme> = {
  dark: { background: "#14171c", foreground: "#e4e7ec", cursor: "#e4e7ec", selectionBackground: "#3d4d66" },
  light: {
    background: "#fbfbfc",
    foreground: "#1c2128",
    cursor: "#1c2128",
    cursorAccent: "#fbfbfc",
    selectionBackground: "#bcd4f5",
    // The usual bright colours cannot be read on white.
    yellow: "#7a5c00",
    green: "#116329",
    cyan: "#0b6175",
    brightYellow: "#633c01",
    brightGreen: "#1a7f37",
    brightCyan: "#1b7c83",
    white: "#6e7781",
    brightWhite: "#57606a",
  },
};
const SCROLLBACK = 10_000;

export function Terminal({ id }: { id: string }) {
  const text = useText();
  const { query, hasEnded } = useSession();
  const scheme = useComputedColorScheme("light");
  const frame = useRef<HTMLDivElement>(null);
  const screen = useRef<Screen>(null);
  const [round, setRound] = useState(0);
  const [readAloud, setReadAloud] = useLocalStorage({
    key: "genet-terminal-screen-reader",
    defaultValue: false,
    getInitialValueInEffect: false,
  });
  const [state, setState] = useState<SessionState>({ phase: "connecting" });
  const parameters = JSON.stringify(query);

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new round is a new shell; the theme is set below
  useEffect(() => {
    if (!frame.current) {
      return;
    }
    const shown = new Screen({
      scrollback: SCROLLBACK,
      fontFamily: getComputedStyle(frame.current).fontFamily,
      fontSize: 13,
      theme: THEMES[scheme],
      // It takes no input of on-screen keyboards, so it is not for everybody.
      screenReaderMode: readAloud,
      macOptionIsMeta: true,
    });
    const fit = new FitAddon();
    shown.loadAddon(fit);
    shown.open(frame.current);
    fit.fit();
    shown.textarea?.setAttribute("aria-label", text.terminal.label);
    let isNewShell = false;
    const session = new TerminalSession({
      path: `/api/pods/${encodeURIComponent(id)}/terminal`,
      query: JSON.parse(parameters),
      size: { cols: shown.cols, rows: shown.rows },
      onBytes: (bytes) => shown.write(bytes),
      onState: (now) => {
        if (now.phase === "reconnecting") {
          isNewShell = true;
        } else if (now.phase === "open" && isNewShell) {
          isNewShell = false;
          shown.write(`\r\n\x1b[7m ${text.terminal.newShell} \x1b[0m\r\n`);
        }
        setState(now);
      },
    });
    shown.onData((typed) => session.type(typed));
    shown.onBinary((typed) => session.typeBinary(typed));
    shown.onResize((size) => session.resize(size));
    const watch = new ResizeObserver(() => fit.fit());
    watch.observe(frame.current);
    shown.focus();
    screen.current = shown;
    return () => {
      watch.disconnect();
      session.close();
      shown.dispose();
      screen.current = null;
    };
  }, [id, parameters, round]);

  useEffect(() => {
    if (screen.current) {
      screen.current.options.theme = THEMES[scheme];
      screen.current.options.screenReaderMode = readAloud;
    }
  }, [scheme, readAloud]);

  const ended = state.phase === "ended";
  return (
    <section className={classes.terminal} aria-label={text.terminal.label}>
      <div ref={frame} className={classes.screen} data-scheme={scheme} data-testid="terminal" />
      <Group className={classes.state} gap="xs">
        <Text size="xs" c={state.phase === "open" ? "dimmed" : "var(--genet-warning)"} role="status">
          {stateText(state, text.terminal)}
        </Text>
        {ended && !hasEnded && (
          <Button size="compact-xs" variant="default" onClick={() => setRound(round + 1)}>
            {text.terminal.again}
          </Button>
        )}
        <Switch
          size="xs"
          ml="auto"
          label={text.terminal.screenReader}
          checked={readAloud}
          onChange={(event) => setReadAloud(event.currentTarget.checked)}
        />
      </Group>
    </section>
  );
}

function stateText(state: SessionState, text: Messages["terminal"]): string {
  if (state.phase !== "ended") {
    return text.phases[state.phase];
  }
  switch (state.reason) {
    case "exit":
      return text.exited(state.code);
    case "error":
      return text.errors[state.code as keyof typeof text.errors] ?? text.failed(state.code);
    default:
      return text.endings[state.reason];
  }
}
