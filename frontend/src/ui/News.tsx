/** What came of an action, said once at the foot of the window, so that nothing moves. */
import { useEffect, useEffectEvent } from "react";
import classes from "./News.module.css";

const SHOWN_FOR = 8_000;

interface NewsProps {
  /** "" when there is nothing to say. */
  text: string;
  onDone: () => void;
}

export function News({ text, onDone }: NewsProps) {
  const done = useEffectEvent(onDone);
  useEffect(() => {
    if (text === "") {
      return;
    }
    const timer = setTimeout(done, SHOWN_FOR);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <p role="status" className={classes.news}>
      {text}
    </p>
  );
}
