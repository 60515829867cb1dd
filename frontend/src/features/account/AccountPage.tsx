/** What a person holds besides pods: the way to kubectl, API tokens, and the programs that act for them. */
import { Stack, Title } from "@mantine/core";
import { useSession } from "../../api/session";
import { useText } from "../../i18n/language";
import { LogInFirst } from "../../ui/LogIn";
import { useTitle } from "../../ui/useTitle";
import { GrantsPanel } from "./GrantsPanel";
import { KeysPanel } from "./KeysPanel";
import { KubectlPanel } from "./KubectlPanel";
import { TokensPanel } from "./TokensPanel";

export function AccountPage() {
  const text = useText();
  const { auth } = useSession();
  useTitle(text.account.title);
  if (!auth.authenticated) {
    return <LogInFirst title={text.account.logInFirst} />;
  }
  return (
    <Stack gap="lg">
      <Title order={1} size="h3">
        {text.account.title}
      </Title>
      <KubectlPanel />
      <KeysPanel />
      <TokensPanel />
      <GrantsPanel />
    </Stack>
  );
}
