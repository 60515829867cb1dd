/** A pod from near: how it is, the ways in, what it prints, its particulars. */
import { Stack, Tabs } from "@mantine/core";
import { useState } from "react";
import { useSession } from "../../api/session";
import type { Pod } from "../../api/types";
import { useLanguage } from "../../i18n/language";
import { formatMoment } from "../../lib/time";
import { SidePanel } from "../../ui/Dialog";
import { ConnectTab } from "./ConnectTab";
import { LogView } from "./logs/LogView";
import { PodGpus } from "./PodGpus";
import classes from "./pods.module.css";
import { StatusTab } from "./StatusTab";
import { SaveTab } from "./saving/SaveTab";
import { TerminalTab } from "./TerminalTab";

interface PodDrawerProps {
  pod: Pod;
  /** The open tab as the address says it; null or one that this pod does not have: the one to begin with. */
  tab: string | null;
  onTab: (tab: string | null) => void;
  onClose: () => void;
  onShowNode: (name: string) => void;
  /** Asks for a pod that begins with this image and has such a GPU. */
  onNewPod: (image: string, gpuType: string | null) => void;
  /** The page of a pod's terminal alone. */
  terminalHref: (id: string) => string;
  /** Where SSH keys are added. */
  keysHref: string;
}

export function PodDrawer({ pod, tab, onTab, onClose, ...links }: PodDrawerProps) {
  const { onShowNode, onNewPod, terminalHref, keysHref } = links;
  const { text } = useLanguage();
  const { config } = useSession();
  const [saving, setSaving] = useState(false);
  // Stays while the pod begins or ends: nobody who reads is taken elsewhere.
  const [first] = useState(pod.status === "Running" ? "connect" : "status");
  const tabs: [name: string, label: string, has: boolean][] = [
    ["status", text.drawer.status, true],
    ["connect", text.drawer.connect, true],
    ["terminal", text.drawer.terminal, config.features.terminal],
    ["gpus", text.drawer.gpus, pod.gpuCount > 0],
    ["logs", text.drawer.logs, true],
    ["save", text.saving.tab, config.features.commit],
    ["details", text.drawer.details, true],
  ];
  const shown = tabs.filter(([, , has]) => has);
  const open = shown.some(([name]) => name === tab) ? tab : first;
  return (
    <SidePanel
      onClose={onClose}
      // The key closes the dialog above it, and not both.
      closeOnEscape={!saving}
      title={pod.name}
    >
      <Tabs value={open} onChange={onTab} keepMounted={false}>
        <Tabs.List mb="md">
          {shown.map(([name, label]) => (
            <Tabs.Tab key={name} value={name}>
              {label}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Tabs.Panel value="status">
          <StatusTab id={pod.id} />
        </Tabs.Panel>
        <Tabs.Panel value="connect">
          <ConnectTab pod={pod} keysHref={keysHref} />
        </Tabs.Panel>
        <Tabs.Panel value="gpus">
          <PodGpus pod={pod} onShowNode={onShowNode} />
        </Tabs.Panel>
        <Tabs.Panel value="logs">
          <LogView pod={pod} />
        </Tabs.Panel>
        <Tabs.Panel value="terminal">
          <TerminalTab pod={pod} ownPage={terminalHref(pod.id)} />
        </Tabs.Panel>
        {config.features.commit && (
          <Tabs.Panel value="save">
            <SaveTab
              pod={pod}
              asking={saving}
              onAsk={setSaving}
              onNewPod={(image) => onNewPod(image, pod.gpuType)}
            />
          </Tabs.Panel>
        )}
        <Tabs.Panel value="details">
          <Details pod={pod} />
        </Tabs.Panel>
      </Tabs>
    </SidePanel>
  );
}

function Details({ pod }: { pod: Pod }) {
  const { text, locale } = useLanguage();
  const { fields } = text.drawer;
  const moment = (time: string | null) => time && formatMoment(time, locale);
  const facts: [string, string | null][] = [
    [fields.image, pod.image],
    [fields.cpu, pod.cpu],
    [fields.memory, pod.memory],
    [fields.node, pod.nodeName],
    [fields.nodeIP, pod.nodeIP],
    [fields.created, moment(pod.createdAt)],
    [fields.started, moment(pod.startedAt)],
    [fields.protectedUntil, moment(pod.protectedUntil)],
    [fields.restarts, String(pod.restarts)],
    [fields.namespace, pod.namespace],
    [fields.kubernetesName, pod.id],
  ];
  return (
    <Stack gap="md">
      <dl className={classes.facts}>
        {facts.map(([name, value]) => (
          <div key={name} style={{ display: "contents" }}>
            <dt>{name}</dt>
            <dd>{value ?? "–"}</dd>
          </div>
        ))}
      </dl>
    </Stack>
  );
}
