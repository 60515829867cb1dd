/** The way to plain kubectl. What is offered holds no secret, except a certificate, which is shown once. */
import { Anchor, Button, Group, SegmentedControl, Skeleton, Stack, Text } from "@mantine/core";
import { IconDownload } from "@tabler/icons-react";
import { useState } from "react";
import { useSession } from "../../api/session";
import { useLanguage } from "../../i18n/language";
import { formatMoment } from "../../lib/time";
import { Command } from "../../ui/Command";
import { Problem } from "../../ui/Problem";
import classes from "./account.module.css";
import { Panel } from "./Panel";
import { type Plugin, useIssueKubeconfig, useKubeconfig } from "./useAccount";

const FILE = "genet.kubeconfig";

export function KubectlPanel() {
  const { text } = useLanguage();
  const words = text.account.kubectl;
  const { kubeconfig } = useSession().config.features;
  if (kubeconfig === "off") {
    return <Panel title={words.title} hint={words.off} />;
  }
  return (
    <Panel title={words.title} hint={words.hint}>
      {kubeconfig === "oidc" ? <Plugins /> : <Certificate />}
    </Panel>
  );
}

function Plugins() {
  const { text } = useLanguage();
  const words = text.account.kubectl;
  const {
    auth,
    config: { version },
  } = useSession();
  const [plugin, setPlugin] = useState<Plugin>("genet");
  const [shown, setShown] = useState(false);
  // Asking for one makes the namespace ready, so not before somebody wants it.
  const { data, error, refetch } = useKubeconfig(plugin, { enabled: shown });
  const query = new URLSearchParams({
    form: "exec",
    plugin,
    ...(auth.mode === "dev" && auth.username && { user: auth.username }),
  });
  return (
    <Stack gap="md">
      <SegmentedControl
        size="sm"
        aria-label={words.plugin}
        data={[
          { value: "genet", label: words.plugins.genet },
          { value: "kubelogin", label: words.plugins.kubelogin },
        ]}
        value={plugin}
        onChange={(value) => setPlugin(value as Plugin)}
        className={classes.choice ?? ""}
      />
      <ol className={classes.steps}>
        <li>
          {words.install[plugin]}
          <Command
            label={words.install[plugin]}
            text={
              plugin === "genet"
                ? `pip install ${window.location.origin}/downloads/genet_platform-${version}-py3-none-any.whl`
                : "kubectl krew install oidc-login"
            }
          />
        </li>
        <li>
          {words.download}{" "}
          <Anchor href={`/api/kubeconfig/download?${query}`} download={FILE} size="sm">
            {FILE}
          </Anchor>
          <Command label={words.use} text={`export KUBECONFIG=~/Downloads/${FILE}`} />
        </li>
        <li>
          {words.first}
          <Command label={words.first} text="kubectl get pods" />
        </li>
      </ol>
      <details className={classes.details} onToggle={(event) => setShown(event.currentTarget.open)}>
        <summary>{words.show}</summary>
        {error && <Problem title={words.failed} error={error} onRetry={refetch} />}
        {!data && !error && <Skeleton height={72} mt={8} aria-busy />}
        {data && <Command label={FILE} text={data.kubeconfig} look="file" />}
      </details>
    </Stack>
  );
}

function Certificate() {
  const { text, locale } = useLanguage();
  const words = text.account.kubectl;
  const issue = useIssueKubeconfig();
  return (
    <Stack gap="md">
      <Text size="sm">{words.certificate}</Text>
      {issue.data ? (
        <>
          <Group gap="sm">
            <Button
              component="a"
              href={`data:application/yaml;charset=utf-8,${encodeURIComponent(issue.data.kubeconfig)}`}
              download={FILE}
              leftSection={<IconDownload size={16} aria-hidden />}
            >
              {words.save}
            </Button>
            {issue.data.expiresAt && (
              <Text size="sm">{words.expires(formatMoment(issue.data.expiresAt, locale))}</Text>
            )}
          </Group>
          <Command label={words.use} text={`export KUBECONFIG=~/Downloads/${FILE}`} />
        </>
      ) : (
        <Group>
          <Button onClick={() => issue.mutate()} loading={issue.isPending}>
            {words.issue}
          </Button>
        </Group>
      )}
      {issue.isError && <Problem title={words.failed} error={issue.error} />}
    </Stack>
  );
}
