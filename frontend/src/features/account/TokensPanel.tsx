/** API tokens: for scripts and CI, which cannot log in. */
import { Anchor, Button, Group, Table } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { useState } from "react";
import { useSession } from "../../api/session";
import { useLanguage } from "../../i18n/language";
import { formatMoment } from "../../lib/time";
import classes from "./account.module.css";
import { CreateTokenDialog } from "./CreateTokenDialog";
import { Revocable } from "./Revocable";
import { useRevokeToken, useTokens } from "./useAccount";

export function TokensPanel() {
  const { text, locale } = useLanguage();
  const words = text.account.tokens;
  const { columns, never } = text.account;
  const { query } = useSession();
  const { data, error, refetch } = useTokens();
  const revoke = useRevokeToken();
  const [creating, setCreating] = useState(false);
  return (
    <>
      <Revocable
        words={words}
        items={data?.tokens}
        error={error}
        onRetry={refetch}
        revoke={revoke}
        columns={[columns.name, columns.scopes, columns.expires, columns.lastUsed]}
        cells={({ name, scopes, expiresAt, lastUsedAt }) => (
          <>
            <Table.Td className={classes.name ?? ""}>{name}</Table.Td>
            <Table.Td data-label={columns.scopes}>{scopes.join(", ")}</Table.Td>
            <Table.Td data-label={columns.expires}>{formatMoment(expiresAt, locale)}</Table.Td>
            <Table.Td data-label={columns.lastUsed}>
              {lastUsedAt ? formatMoment(lastUsedAt, locale) : never}
            </Table.Td>
          </>
        )}
        action={
          <Group gap="md">
            <Anchor size="sm" href={`/api/docs?${new URLSearchParams(query)}`}>
              {words.reference}
            </Anchor>
            <Button
              variant="default"
              leftSection={<IconPlus size={16} aria-hidden />}
              onClick={() => setCreating(true)}
            >
              {words.create}
            </Button>
          </Group>
        }
      />
      {creating && <CreateTokenDialog onClose={() => setCreating(false)} />}
    </>
  );
}
