/** A part of the account page that lists what can be taken back, one by one and after a question. */
import { Button, Skeleton, Table, Text } from "@mantine/core";
import type { UseMutationResult } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { useText } from "../../i18n/language";
import { Problem } from "../../ui/Problem";
import classes from "./account.module.css";
import { ConfirmDialog } from "./ConfirmDialog";
import { Panel } from "./Panel";

interface Item {
  id: string;
  name: string;
}

interface RevocableProps<T extends Item> {
  words: {
    title: string;
    hint: string;
    empty: string;
    failed: string;
    revokeTitle: (name: string) => string;
    revokeHint: string;
    revokeFailed: string;
  };
  /** Undefined while it is not known. */
  items: T[] | undefined;
  error: unknown;
  onRetry: () => void;
  columns: string[];
  /** The `Table.Td`s of a row. */
  cells: (item: T) => ReactNode;
  revoke: UseMutationResult<unknown, Error, string>;
  /** Beside the title. */
  action?: ReactNode;
}

export function Revocable<T extends Item>(props: RevocableProps<T>) {
  const { words, items, error, onRetry, columns, cells, revoke, action } = props;
  const text = useText();
  const [doomed, setDoomed] = useState<T | null>(null);
  return (
    <Panel title={words.title} hint={words.hint} action={action}>
      {error !== null && <Problem title={words.failed} error={error} onRetry={onRetry} />}
      {!items && error === null && <Skeleton height={72} aria-busy />}
      {items?.length === 0 && (
        <Text size="sm" c="dimmed">
          {words.empty}
        </Text>
      )}
      {items && items.length > 0 && (
        <Table className={classes.rows ?? ""} aria-label={words.title}>
          <Table.Thead>
            <Table.Tr>
              {columns.map((column) => (
                <Table.Th key={column}>{column}</Table.Th>
              ))}
              <Table.Th aria-label={text.account.revoke} />
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {items.map((item) => (
              <Table.Tr key={item.id}>
                {cells(item)}
                <Table.Td className={classes.actions ?? ""}>
                  <Button
                    variant="subtle"
                    color="gray"
                    size="compact-sm"
                    onClick={() => setDoomed(item)}
                    aria-label={text.account.revokeNamed(item.name)}
                  >
                    {text.account.revoke}
                  </Button>
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
      {doomed && (
        <ConfirmDialog
          title={words.revokeTitle(doomed.name)}
          hint={words.revokeHint}
          action={text.account.revoke}
          failed={words.revokeFailed}
          id={doomed.id}
          revoke={revoke}
          onClose={() => {
            revoke.reset();
            setDoomed(null);
          }}
          onDone={() => setDoomed(null)}
        />
      )}
    </Panel>
  );
}
