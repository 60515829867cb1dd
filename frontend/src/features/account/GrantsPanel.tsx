/** Programs that act for a person until they are told to stop: kubectl on each machine is one. */
import { Button, Skeleton, Table, Text } from "@mantine/core";
import { useState } from "react";
import type { Grant } from "../../api/types";
import { useLanguage } from "../../i18n/language";
import { formatMoment } from "../../lib/time";
import { Problem } from "../../ui/Problem";
import classes from "./account.module.css";
import { ConfirmDialog } from "./ConfirmDialog";
import { Panel } from "./Panel";
import { useGrants, useRevokeGrant } from "./useAccount";

export function GrantsPanel() {
  const { text } = useLanguage();
  const words = text.account.grants;
  const { data, error, refetch } = useGrants();
  const revoke = useRevokeGrant();
  const [doomed, setDoomed] = useState<Grant | null>(null);
  return (
    <Panel title={words.title} hint={words.hint}>
      {error && <Problem title={words.failed} error={error} onRetry={refetch} />}
      {!data && !error && <Skeleton height={72} aria-label={text.app.loading} />}
      {data?.grants.length === 0 && (
        <Text size="sm" c="dimmed">
          {words.empty}
        </Text>
      )}
      {data && data.grants.length > 0 && <Grants grants={data.grants} onRevoke={setDoomed} />}
      {doomed && (
        <ConfirmDialog
          title={words.revokeTitle(doomed.client)}
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

function Grants({ grants, onRevoke }: { grants: Grant[]; onRevoke: (grant: Grant) => void }) {
  const { text, locale } = useLanguage();
  const { columns } = text.account;
  return (
    <Table className={classes.rows ?? ""} aria-label={text.account.grants.title}>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>{columns.program}</Table.Th>
          <Table.Th>{columns.from}</Table.Th>
          <Table.Th>{columns.created}</Table.Th>
          <Table.Th>{columns.lastUsed}</Table.Th>
          <Table.Th>{columns.expires}</Table.Th>
          <Table.Th aria-label={text.account.revoke} />
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {grants.map((grant) => (
          <Table.Tr key={grant.id}>
            <Table.Td className={classes.name ?? ""}>{grant.client}</Table.Td>
            <Table.Td>
              <div className={classes.agent} title={grant.userAgent ?? ""}>
                {grant.userAgent ?? "–"}
              </div>
            </Table.Td>
            <Table.Td data-label={columns.created}>{formatMoment(grant.createdAt, locale)}</Table.Td>
            <Table.Td data-label={columns.lastUsed}>
              {grant.lastUsedAt ? formatMoment(grant.lastUsedAt, locale) : text.account.never}
            </Table.Td>
            <Table.Td data-label={columns.expires}>{formatMoment(grant.expiresAt, locale)}</Table.Td>
            <Table.Td className={classes.actions ?? ""}>
              <Button
                variant="subtle"
                color="gray"
                size="compact-sm"
                onClick={() => onRevoke(grant)}
                aria-label={text.account.revokeNamed(grant.client)}
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
