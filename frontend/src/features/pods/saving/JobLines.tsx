/** The last lines of the job; the newest stays in sight for whoever has not scrolled up. */
import { Title } from "@mantine/core";
import { useEffect, useId, useRef } from "react";
import { useText } from "../../../i18n/language";
import classes from "./saving.module.css";

/** Pixels from the end that still count as being there. */
const NEAR = 24;

export function JobLines({ text }: { text: string }) {
  const words = useText().saving;
  const id = useId();
  const page = useRef<HTMLElement>(null);
  const atEnd = useRef(true);
  // biome-ignore lint/correctness/useExhaustiveDependencies: new lines are what moves the end
  useEffect(() => {
    if (page.current && atEnd.current) {
      page.current.scrollTop = page.current.scrollHeight;
    }
  }, [text]);
  return (
    <div>
      <Title order={4} size="h6" id={id} mb={4}>
        {words.lines}
      </Title>
      <section
        ref={page}
        aria-labelledby={id}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard
        tabIndex={0}
        className={classes.lines}
        onScroll={({ currentTarget: { scrollHeight, scrollTop, clientHeight } }) => {
          atEnd.current = scrollHeight - scrollTop - clientHeight < NEAR;
        }}
      >
        {text}
      </section>
    </div>
  );
}
