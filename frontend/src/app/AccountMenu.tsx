/** Who is logged in, and the ways out. */
import { Badge, Button, Code, CopyButton, Group, Menu, Stack, Text } from "@mantine/core";
import { IconCopy, IconKey, IconLogout, IconUser } from "@tabler/icons-react";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { Link, useLocation } from "react-router";
import { unwrap } from "../api/errors";
import { useSession } from "../api/session";
import { useText } from "../i18n/language";
import { Dialog } from "../ui/Dialog";
import { DialogFooter } from "../ui/DialogFooter";
import { LogInButton } from "../ui/LogIn";
import { Problem } from "../ui/Problem";
import { carryDevUser } from "./devUser";
import classes from "./Shell.module.css";

export function AccountMenu() {
  const text = useText();
  const { auth } = useSession();
  const { search } = useLocation();
  const [leaving, setLeaving] = useState<"here" | "everywhere" | null>(null);
  if (!auth.authenticated) {
    return <LogInButton size="xs" />;
  }
  return (
    <>
      <Menu position="bottom-end" width={270}>
        <Menu.Target>
          <Button
            variant="subtle"
            color="gray"
            size="sm"
            px={8}
            leftSection={<IconUser size={18} aria-hidden />}
            classNames={{ section: classes.accountIcon ?? "", label: classes.accountName ?? "" }}
            aria-label={`${text.app.account}: ${auth.username}`}
          >
            {auth.username}
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Label>
            <Group gap="xs" justify="space-between" wrap="nowrap">
              <Text size="sm" fw={600} c="var(--mantine-color-text)" className={classes.wrap}>
                {auth.username}
              </Text>
              {auth.isAdmin && <Badge variant="default">{text.app.admin}</Badge>}
            </Group>
            <div className={classes.wrap}>{auth.email}</div>
            {auth.groups.length > 0 && <div className={classes.wrap}>{auth.groups.join(", ")}</div>}
          </Menu.Label>
          <CopyButton value={auth.userIdentifier ?? ""}>
            {({ copied, copy }) => (
              <Menu.Item
                leftSection={<IconCopy size={16} aria-hidden />}
                closeMenuOnClick={false}
                onClick={copy}
                aria-label={`${text.app.copyIdentifier}: ${auth.userIdentifier}`}
              >
                {copied ? text.pods.copied : <Code>{auth.userIdentifier}</Code>}
              </Menu.Item>
            )}
          </CopyButton>
          <Menu.Item
            component={Link}
            to={{ pathname: "/account", search: carryDevUser(search) }}
            leftSection={<IconKey size={16} aria-hidden />}
          >
            {text.app.accessAndTokens}
          </Menu.Item>
          <Menu.Divider />
          {auth.mode === "oauth" && (
            <Menu.Item leftSection={<IconLogout size={16} aria-hidden />} onClick={() => setLeaving("here")}>
              {text.app.logOut}
            </Menu.Item>
          )}
          <Menu.Item onClick={() => setLeaving("everywhere")}>{text.app.logOutEverywhere}</Menu.Item>
        </Menu.Dropdown>
      </Menu>
      {leaving && <LogOutDialog everywhere={leaving === "everywhere"} onClose={() => setLeaving(null)} />}
    </>
  );
}

interface LogOutDialogProps {
  everywhere: boolean;
  onClose: () => void;
}

function LogOutDialog({ everywhere, onClose }: LogOutDialogProps) {
  const text = useText();
  const { api } = useSession();
  const { search } = useLocation();
  const logOut = useMutation({
    mutationFn: () => unwrap(api.POST("/api/auth/logout", { params: { query: { everywhere } } })),
    // A new page knows nothing of what this one has seen.
    onSuccess: () => window.location.assign(`/gpus${carryDevUser(search)}`),
  });
  const title = everywhere ? text.app.logOutEverywhere : text.app.logOut;
  return (
    <Dialog onClose={onClose} title={title}>
      <Stack gap="md">
        <Text size="sm">{everywhere ? text.app.logOutEverywhereHint : text.app.logOutHint}</Text>
        {logOut.isError && <Problem title={text.app.logOutFailed} error={logOut.error} />}
        <DialogFooter
          action={title}
          destructive={everywhere}
          pending={logOut.isPending || logOut.isSuccess}
          onConfirm={() => logOut.mutate()}
          onCancel={onClose}
        />
      </Stack>
    </Dialog>
  );
}
