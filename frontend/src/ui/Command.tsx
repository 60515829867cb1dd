/** Text to take along: a command for a shell, a file, a token. */
import { ActionIcon, CopyButton } from "@mantine/core";
import { IconCheck, IconCopy } from "@tabler/icons-react";
import { useText } from "../i18n/language";
import classes from "./Command.module.css";

interface CommandProps {
  text: string;
  /** What it is, for those who do not see it. */
  label: string;
  look?: "file" | "once";
}

export function Command({ text, label, look }: CommandProps) {
  const words = useText();
  return (
    <div className={classes.command}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard */}
      <section aria-label={label} tabIndex={0} className={look && classes[look]}>
        <pre>{text}</pre>
      </section>
      <CopyButton value={text}>
        {({ copied, copy }) => (
          <ActionIcon
            variant="default"
            size={36}
            onClick={copy}
            aria-label={copied ? words.pods.copied : `${words.pods.copy}: ${label}`}
          >
            {copied ? <IconCheck size={16} aria-hidden /> : <IconCopy size={16} aria-hidden />}
          </ActionIcon>
        )}
      </CopyButton>
    </div>
  );
}
