/** API tokens: for scripts and CI, which cannot log in. */
import { Button, Skeleton, Table, Text } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { useState } from "react";
import type { ApiToken } from "../../api/types";
import { useLanguage } from "../../i18n/language";
import { formatMoment } from "../../lib/time";
import { Problem } from "../../ui/Problem";
import classes from "./account.module.css";
import { ConfirmDialog } from "./ConfirmDialog";
import { CreateTokenDialog } from "./CreateTokenDialog";
import { Panel } from "./Panel";
import { useRevokeToken, useTokens } from "./useAccount";

export function TokensPanel() {
  const { text } = useLanguage();
  const words = text.account.tokens;
  const { data, error, refetch } = useTokens();
  const revoke = useRevokeToken();
  const [creating, setCreating] = useState(false);
  const [doomed, setDoomed] = useState<ApiToken | null>(null);
  return (
    <Panel
      title={words.title}
      hint={words.hint}
      action={
        <Button
          variant="default"
          leftSection={<IconPlus size={16} aria-hidden />}
          onClick={() => setCreating(true)}
        >
          {words.create}
        </Button>
      }
    >
      {error && <Problem title={words.failed} error={error} onRetry={refetch} />}
      {!data && !error && <Skeleton height={72} aria-label={text.app.loading} />}
      {data?.tokens.length === 0 && (
        <Text size="sm" c="dimmed">
          {words.empty}
        </Text>
      )}
      {data && data.tokens.length > 0 && <Tokens tokens={data.tokens} onRevoke={setDoomed} />}
      {creating && <CreateTokenDialog onClose={() => setCreating(false)} />}
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

function Tokens({ tokens, onRevoke }: { tokens: ApiToken[]; onRevoke: (token: ApiToken) => void }) {
  const { text, locale } = useLanguage();
  const words = text.account.tokens;
  const { columns } = text.account;
  return (
    <Table className={classes.rows ?? ""} aria-label={words.title}>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>{columns.name}</Table.Th>
          <Table.Th>{columns.scopes}</Table.Th>
          <Table.Th>{columns.expires}</Table.Th>
          <Table.Th>{columns.lastUsed}</Table.Th>
          <Table.Th aria-label={text.account.revoke} />
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {tokens.map((token) => (
          <Table.Tr key={token.id}>
            <Table.Td className={classes.name ?? ""}>{token.name}</Table.Td>
            <Table.Td data-label={columns.scopes}>{token.scopes.join(", ")}</Table.Td>
            <Table.Td data-label={columns.expires}>{formatMoment(token.expiresAt, locale)}</Table.Td>
            <Table.Td data-label={columns.lastUsed}>
              {token.lastUsedAt ? formatMoment(token.lastUsedAt, locale) : text.account.never}
            </Table.Td>
            <Table.Td className={classes.actions ?? ""}>
              <Button
                variant="subtle"
                color="gray"
                size="compact-sm"
                onClick={() => onRevoke(token)}
                aria-label={text.account.revokeNamed(token.name)}
              >
                {text.account.revoke}
              </Button>
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}
